import { createRequire } from 'node:module';
import { join } from 'node:path';
import { context, ROOT_CONTEXT, type TextMapPropagator, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { recordsOf } from '../lib/message/records.ts';
import type { Message } from '../lib/model/message.ts';
import { extract } from '../lib/propagation/extract.ts';
import type { Bench } from './index.ts';
import { type Case, measure, type Result, report } from './measure.ts';
import { peer, peersFolder } from './peers.ts';

/** The peers' types are not installed with the project. */
type Propagator = new (options?: object) => TextMapPropagator;
interface B3Module {
  readonly B3Propagator: Propagator;
  readonly B3InjectEncoding: { readonly SINGLE_HEADER: number };
}
interface XrayModule {
  readonly AWSXRayPropagator: Propagator;
}
interface DatadogExtractor {
  readonly extract: (event: unknown) => { readonly toTraceId: () => string } | null;
}

/** Ten SQS records with a body of about 1 KB, parsed from JSON as the runtime does it. */
const event = (attributes: Record<string, string>, system: Record<string, string> = {}) =>
  JSON.parse(
    JSON.stringify({
      Records: Array.from({ length: 10 }, (_, index) => ({
        messageId: `059f36b4-87a3-44ab-83d2-66197${index}a7b7a0`,
        receiptHandle: 'AQEB'.padEnd(180, 'x'),
        body: JSON.stringify({ orderId: index, items: 'sku-1,sku-2,'.repeat(60), note: 'ordinary business data' }),
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1545082649183', ...system },
        messageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([name, stringValue]) => [
            name,
            { stringValue, stringListValues: [], binaryListValues: [], dataType: 'String' },
          ]),
        ),
        md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:eu-west-1:111122223333:orders',
        awsRegion: 'eu-west-1',
      })),
    }),
  ) as unknown;

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${spanId}-01`;
const xrayText = `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${spanId};Sampled=1`;
const datadogText = JSON.stringify({
  'x-datadog-trace-id': BigInt(`0x${traceId.slice(16)}`).toString(),
  'x-datadog-parent-id': BigInt(`0x${spanId}`).toString(),
  'x-datadog-sampling-priority': '1',
  'x-datadog-tags': `_dd.p.tid=${traceId.slice(0, 16)}`,
});

/** What is compared on its own messages: ours against every propagator that could be asked for them. */
const events = {
  /** As Lambda delivers it when the sender runs with active tracing: `AWSTraceHeader` stands beside what the application wrote. */
  '': event({ tenant: 'acme', traceparent }, { AWSTraceHeader: xrayText }),
  w3c: event({ tenant: 'acme', traceparent }),
  'w3c-tracestate': event({ tenant: 'acme', traceparent, tracestate: 'vendor=opaque,other=1' }),
  b3: event({ tenant: 'acme', b3: `${traceId}-${spanId}-1` }),
  b3multi: event({ tenant: 'acme', 'x-b3-traceid': traceId, 'x-b3-spanid': spanId, 'x-b3-sampled': '1' }),
  xray: event({ tenant: 'acme' }, { AWSTraceHeader: xrayText }),
  /** As the composite propagator itself writes it. */
  everything: event({ tenant: 'acme', traceparent, b3: `${traceId}-${spanId}-1`, 'X-Amzn-Trace-Id': xrayText }),
  datadog: event({ tenant: 'acme', _datadog: datadogText }),
  nothing: event({ tenant: 'acme' }),
  refused: event({ tenant: 'acme', traceparent: `00-${traceId}-${spanId}-0X` }),
} as const;
type Kind = keyof typeof events;
const kinds = Object.keys(events) as Kind[];
const found = kinds.filter((kind) => kind !== 'nothing' && kind !== 'refused');

interface Record_ {
  readonly messageAttributes: Record<string, { stringValue?: string }>;
  readonly attributes: Record<string, string>;
}

/** Sees what an SQS record offers to propagators, at the least cost: exact names, and the system attribute under X-Ray's own name. */
const getter = {
  keys: ({ messageAttributes, attributes }: Record_) => {
    const keys = Object.keys(messageAttributes);
    if (attributes['AWSTraceHeader'] !== undefined) keys.push('x-amzn-trace-id');
    return keys;
  },
  get: ({ messageAttributes, attributes }: Record_, name: string) =>
    messageAttributes[name]?.stringValue ?? (name === 'x-amzn-trace-id' ? attributes['AWSTraceHeader'] : undefined),
};

const peerKeys = ['otel-composite', 'otel-w3c', 'datadog', 'limit'] as const;

export const bench: Bench = {
  question: 'What does it cost to find the context of a message, whatever its format?',
  run: async ({ json }) => {
    context.disable();
    const { B3InjectEncoding, B3Propagator } = peer<B3Module>('@opentelemetry/propagator-b3');
    const { AWSXRayPropagator } = peer<XrayModule>('@opentelemetry/propagator-aws-xray');
    const w3c = new W3CTraceContextPropagator();
    const b3 = new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER });
    const composite = new CompositePropagator({ propagators: [w3c, b3, new AWSXRayPropagator()] });
    const datadog = datadogExtractor();
    const per = 10;
    const named = (name: string, kind: Kind) => (kind === '' ? name : `${name}/${kind}`);
    const asked = (name: string, propagator: TextMapPropagator, kind: Kind): Case => ({
      case: named(name, kind),
      per,
      run: () => each(events[kind], (record) => propagator.extract(ROOT_CONTEXT, record, getter)),
    });
    const w3cKinds = found.filter((kind) => ['', 'w3c', 'w3c-tracestate', 'everything'].includes(kind));
    const cases: Case[] = [
      ...kinds.map((kind) => {
        const messages = recordsOf(events[kind]);
        return { case: named('tidemark', kind), per, run: () => all(messages) };
      }),
      { case: 'tidemark/with-records', per, run: () => all(recordsOf(events[''])) },
      ...kinds.filter((kind) => kind !== 'datadog').map((kind) => asked('otel-composite', composite, kind)),
      ...w3cKinds.map((kind) => asked('otel-w3c', w3c, kind)),
      { case: 'datadog', per, run: () => each(events.datadog, (record) => datadog.extract({ Records: [record] })) },
      { case: 'limit', per, run: () => each(events[''], limit) },
    ];
    checkEqualWork([w3c, composite], datadog);
    const results = withOwnPeers(measure(cases, { peers: [] }));
    report('extract', results, json, [
      'Per message of a batch of 10 SQS records. `tidemark` is all formats together, on messages with traceparent and AWSTraceHeader, as',
      'senders with active tracing leave them. Every other row is compared with the peers on the same messages; `everything` is a message',
      'with W3C, B3 and X-Ray, as the composite writes it. `datadog` is its SQS extractor on its own carrier, one record a call; `limit`',
      'is the least that validates a traceparent and hands out its ids. `nothing`, `refused` and `xray` include a search of the whole body,',
      'where a context could be as well: the propagators do not look there, and of `nothing` it is three quarters.',
    ]);
  },
};

/** Ours ÷ each peer on the same messages; Datadog's extractor and the limit know one kind only, and every row is held against that. */
const withOwnPeers = (results: readonly Result[]): Result[] =>
  results.map((result) => {
    const [name, kind = ''] = result.case.split('/');
    if (name !== 'tidemark') return result;
    const ratios = peerKeys.flatMap((key) => {
      const same = results.find((other) => other.case === (kind === '' ? key : `${key}/${kind}`));
      const other =
        same ?? (key === 'limit' || key === 'datadog' ? results.find((each) => each.case === key) : undefined);
      return other === undefined ? [] : [[key, result.p10 / other.p10] as const];
    });
    return { ...result, ratioTo: Object.fromEntries(ratios) };
  });

/** Equal work: whoever is timed must have found the trace. */
const checkEqualWork = (propagators: readonly TextMapPropagator[], datadog: DatadogExtractor): void => {
  const sample = (events[''] as { Records: Record_[] }).Records[0] as Record_;
  for (const propagator of propagators) {
    const span = trace.getSpanContext(propagator.extract(ROOT_CONTEXT, sample, getter));
    if (span?.traceId !== traceId) throw new Error('a peer did not find the trace: nothing to compare');
  }
  if (datadog.extract(events.datadog) === null) throw new Error('datadog did not find the trace: nothing to compare');
  for (const kind of found) {
    if (recordsOf(events[kind]).some((message) => extract(message).context?.traceId !== traceId)) {
      throw new Error(`tidemark did not find the trace of ${kind}: nothing to compare`);
    }
  }
};

/** The extractor that datadog-lambda-js uses for SQS, over its tracer. */
const datadogExtractor = (): DatadogExtractor => {
  Object.assign(process.env, {
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  });
  peer<{ init: (options: object) => void }>('dd-trace').init({
    plugins: false,
    url: 'http://127.0.0.1:9',
    startupLogs: false,
  });
  peer('datadog-lambda-js');
  const require = createRequire(import.meta.url);
  const inside = (path: string) =>
    require(join(peersFolder, 'node_modules/datadog-lambda-js/dist/trace', path)) as unknown;
  const { SQSEventTraceExtractor } = inside('context/extractors/sqs.js') as {
    SQSEventTraceExtractor: new (wrapper: unknown, config: object) => DatadogExtractor;
  };
  const { TracerWrapper } = inside('tracer-wrapper.js') as { TracerWrapper: new () => unknown };
  return new SQSEventTraceExtractor(new TracerWrapper(), { dataStreamsEnabled: false });
};

const all = (messages: readonly Message[]): unknown => {
  let last: unknown;
  for (let index = 0; index < messages.length; index++) last = extract(messages[index] as Message);
  return last;
};

const each = (from: unknown, run: (record: Record_) => unknown): unknown => {
  const { Records } = from as { readonly Records: readonly Record_[] };
  let last: unknown;
  for (let index = 0; index < Records.length; index++) last = run(Records[index] as Record_);
  return last;
};

/** The least there is: scan one known attribute by char codes, cut the ids out. */
const limit = ({ messageAttributes }: Record_): unknown => {
  const header = messageAttributes['traceparent']?.stringValue;
  if (header === undefined || header.length !== 55) return undefined;
  let trace = 0;
  let span = 0;
  for (let at = 0; at < 55; at++) {
    const code = header.charCodeAt(at);
    if (at === 2 || at === 35 || at === 52) {
      if (code !== 45) return undefined;
      continue;
    }
    const digit = code < 128 ? (table[code] as number) : 255;
    if (digit === 255) return undefined;
    if (at < 35) trace |= digit;
    else if (at < 52) span |= digit;
  }
  if (trace === 0 || span === 0) return undefined;
  return { traceId: header.slice(3, 35), spanId: header.slice(36, 52), flags: table[header.charCodeAt(54)] };
};

const table = new Uint8Array(128).fill(255);
for (let value = 0; value < 16; value++) table[value.toString(16).charCodeAt(0)] = value;
