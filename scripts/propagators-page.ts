/** `docs/reference/propagators.md`: what each format costs and loses, worked out by writing and reading contexts with it. */
import type { TraceContext } from '../lib/model/trace-context.ts';
import { extractFrom } from '../lib/propagation/extract.ts';
import { inject } from '../lib/propagation/inject.ts';
import { type Propagation, propagation } from '../lib/propagation/propagation.ts';

/** What is compared: each format alone, as configured. */
const compared = ['w3c', 'b3', 'b3multi', 'xray', 'custom', 'datadog'] as const;
export type Compared = (typeof compared)[number];

/** The example of a format of one's own: a whole traceparent in base64, in one field. */
const custom = { fields: { traceId: 'my_trace_id' }, encoding: 'base64' } as const;

/** One format alone, reading and writing. */
export const alone = (format: Compared): Propagation => propagation({ extract: [format], inject: [format], custom });

export const sample: TraceContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  flags: 1,
};

export const formatsCompared: readonly Compared[] = compared;

/** What a format writes for a context. */
export const written = (format: Compared, context: TraceContext = sample): Record<string, string> => {
  const carrier: Record<string, string> = {};
  inject(context, (name, value) => Object.assign(carrier, { [name]: value }), alone(format));
  return carrier;
};

/** What a format costs on the wire and what comes back of what went in. */
export interface Comparison {
  readonly format: Compared;
  readonly fields: readonly string[];
  readonly slots: number;
  /** Names and values in UTF-8. */
  readonly bytes: number;
  /** The same in an SQS message, where each attribute also costs the six bytes of its type `String`. */
  readonly sqsBytes: number;
  readonly keeps: Readonly<Record<Question, boolean>>;
  readonly jms: boolean;
}

/** Asked of each format by a round trip. */
const questions = {
  'trace ids of 128 bits': { ...sample },
  'trace ids of 64 bits': { ...sample, traceId: '00000000000000008448eb211c80319c' },
  'not sampled': { ...sample, flags: 0 },
  'a decision left open': { ...sample, flags: 0, deferred: true },
  'the debug mark': { ...sample, debug: true },
  'the random flag': { ...sample, flags: 3 },
  tracestate: { ...sample, traceState: 'vendor=opaque' },
} as const satisfies Record<string, TraceContext>;
type Question = keyof typeof questions;

export const comparisons = (): Comparison[] =>
  compared.map((format) => {
    const carrier = written(format);
    const entries = Object.entries(carrier);
    const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
    const keeps = Object.entries(questions).map(([question, context]) => [question, comesBack(format, context)]);
    return {
      format,
      fields: Object.keys(carrier),
      slots: entries.length,
      bytes,
      sqsBytes: bytes + 6 * entries.length,
      keeps: Object.fromEntries(keeps) as Comparison['keeps'],
      // Names of JMS properties are identifiers.
      jms: entries.every(([name]) => /^[A-Za-z_$][\w$]*$/.test(name)),
    };
  });

const comesBack = (format: Compared, context: TraceContext): boolean => {
  const found = extractFrom(written(format, context), alone(format)).context;
  const plain = ({ traceId, spanId, flags, traceState, deferred, debug }: TraceContext) =>
    JSON.stringify([traceId, spanId, flags, traceState ?? null, deferred ?? false, debug ?? false]);
  return found !== undefined && plain(found) === plain(context);
};

const titles: Readonly<Record<Compared, string>> = {
  w3c: 'W3C Trace Context',
  b3: 'B3 single',
  b3multi: 'B3 multi',
  xray: 'X-Ray',
  custom: 'custom (`my_trace_id`, base64)',
  datadog: 'Datadog',
};

/** Who reads it, from the documents of those systems; the one part that cannot be worked out. */
const readers: Readonly<Record<Compared, string>> = {
  w3c: 'every OpenTelemetry SDK by default (C++, .NET, Erlang, Go, Java, JavaScript, PHP, Python, Ruby, Rust, Swift); Datadog, Dynatrace, Elastic, New Relic, Sentry; Envoy, Istio, NGINX, Traefik; Azure and Google Cloud front ends; not AWS’s own services',
  b3: 'OpenTelemetry SDKs with the B3 propagator (C++, .NET, Erlang, Go, Java, JavaScript, PHP, Python, Ruby, Rust, Swift); Zipkin and Brave, Micrometer and Spring Boot; Datadog by setting',
  b3multi: 'the same, and Envoy, Istio and Linkerd in their older settings',
  xray: 'AWS: API Gateway, load balancers, Lambda, SNS, SQS, EventBridge, Step Functions, the X-Ray SDKs; OpenTelemetry SDKs with the X-Ray propagator (.NET, Go, Java, JavaScript, PHP, Python, Ruby, Rust)',
  custom: 'only what is configured for it: this library, in any service that has the same configuration',
  datadog: 'Datadog’s tracers (C++, .NET, Go, Java, JavaScript, PHP, Python, Ruby)',
};

const start = '<!-- timings -->';
const end = '<!-- /timings -->';

/** The measured part of a page that exists: kept as it is, since figures of one machine cannot be checked on another. */
export const timingsIn = (page: string): string => {
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  return from < 0 || to < from ? notMeasured : page.slice(from + start.length, to).trim();
};

const notMeasured = 'Not measured yet: `npm run bench -- propagators --write`.';

export const propagatorsPage = (generated: string, timings: string): string => {
  const rows = comparisons();
  const names = Object.keys(questions) as Question[];
  return `${[
    '# Propagators side by side',
    generated,
    '',
    'Each format alone, for a sampled context with a trace id of 128 bits. Everything but the last two sections is worked out by writing and',
    'reading contexts with the formats of [lib/propagation/formats](../../lib/propagation/formats). `baggage` is a header of its own beside any of them.',
    '',
    '## On the wire',
    table(
      ['format', 'fields', 'attribute slots', 'bytes', 'bytes in an SQS message', 'names fit JMS'],
      rows.map((row) => [
        titles[row.format],
        row.fields.map((field) => `\`${field}\``).join(', '),
        row.slots,
        row.bytes,
        row.sqsBytes,
        row.jms ? 'yes' : 'no',
      ]),
    ),
    '',
    'An SQS message has ten slots; W3C takes a second one for `tracestate`, where there is one. In the system attribute `AWSTraceHeader` X-Ray takes',
    'none, and no bytes of the message. B3 multi can also say a decision alone, as B3 single can (`b3: 0`): both are read.',
    '',
    '## What comes through, and what is lost',
    table(
      ['format', ...names],
      rows.map((row) => [titles[row.format], ...names.map((name) => (row.keeps[name] ? 'kept' : '**lost**'))]),
    ),
    '',
    'A decision left open is written as “not sampled” by W3C, and read back so: the receiver cannot tell it from a decision. The debug mark becomes',
    '“sampled” everywhere but in B3. The random flag is W3C’s own (level 2); other formats start it anew.',
    '',
    '## Who reads it',
    table(
      ['format', 'languages and systems'],
      rows.map((row) => [titles[row.format], readers[row.format]]),
    ),
    '',
    '## What it costs',
    start,
    timings,
    end,
  ].join('\n')}\n`;
};

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
