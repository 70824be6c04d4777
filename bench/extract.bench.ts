import { context, ROOT_CONTEXT, type TextMapPropagator, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { recordsOf } from '../lib/message/records.ts';
import type { Message } from '../lib/model/message.ts';
import { extract } from '../lib/propagation/extract.ts';
import type { Bench } from './index.ts';
import { type Case, measure, report } from './measure.ts';
import { peer } from './peers.ts';

/** The peers' types are not installed with the project. */
type Propagator = new (options?: object) => TextMapPropagator;
interface B3Module {
  readonly B3Propagator: Propagator;
  readonly B3InjectEncoding: { readonly SINGLE_HEADER: number };
}
interface XrayModule {
  readonly AWSXRayPropagator: Propagator;
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

const events = {
  w3c: event({ tenant: 'acme', traceparent }),
  'w3c-tracestate': event({ tenant: 'acme', traceparent, tracestate: 'vendor=opaque,other=1' }),
  b3: event({ tenant: 'acme', b3: `${traceId}-${spanId}-1` }),
  b3multi: event({ tenant: 'acme', 'x-b3-traceid': traceId, 'x-b3-spanid': spanId, 'x-b3-sampled': '1' }),
  xray: event({ tenant: 'acme' }, { AWSTraceHeader: xrayText }),
  nothing: event({ tenant: 'acme' }),
  refused: event({ tenant: 'acme', traceparent: `00-${traceId}-${spanId}-0X` }),
} as const;

type Attributes = Record<string, { stringValue?: string }>;
interface Record_ {
  readonly messageAttributes: Attributes;
  readonly attributes: Record<string, string>;
}

const getter = {
  keys: (carrier: Attributes) => Object.keys(carrier),
  get: (carrier: Attributes, name: string) => carrier[name]?.stringValue,
};

export const bench: Bench = {
  question: 'What does it cost to find the context of a message, whatever its format?',
  run: async ({ json }) => {
    context.disable();
    const { B3InjectEncoding, B3Propagator } = peer<B3Module>('@opentelemetry/propagator-b3');
    const { AWSXRayPropagator } = peer<XrayModule>('@opentelemetry/propagator-aws-xray');
    const w3c = new W3CTraceContextPropagator();
    const composite = new CompositePropagator({
      propagators: [w3c, new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER }), new AWSXRayPropagator()],
    });
    const per = 10;
    const cases: Case[] = [
      ...Object.entries(events).map(([name, each]) => {
        const messages = recordsOf(each);
        return { case: name === 'w3c' ? 'tidemark' : `tidemark/${name}`, per, run: () => all(messages) };
      }),
      {
        case: 'tidemark/with-records',
        per,
        run: () => all(recordsOf(events.w3c)),
      },
      {
        case: 'otel-composite',
        per,
        run: () => each(events.w3c, (record) => composite.extract(ROOT_CONTEXT, record.messageAttributes, getter)),
      },
      {
        case: 'otel-w3c',
        per,
        run: () => each(events.w3c, (record) => w3c.extract(ROOT_CONTEXT, record.messageAttributes, getter)),
      },
      { case: 'limit', per, run: () => each(events.w3c, limit) },
    ];
    // Equal work: every peer must have found the trace before it is timed.
    const sample = (events.w3c as { Records: Record_[] }).Records[0] as Record_;
    for (const propagator of [w3c, composite]) {
      const found = trace.getSpanContext(propagator.extract(ROOT_CONTEXT, sample.messageAttributes, getter));
      if (found?.traceId !== traceId) throw new Error('a peer did not find the trace: nothing to compare');
    }
    for (const name of ['w3c', 'w3c-tracestate', 'b3', 'b3multi', 'xray'] as const) {
      if (recordsOf(events[name]).some((message) => extract(message).context?.traceId !== traceId)) {
        throw new Error(`tidemark did not find the trace of ${name}: nothing to compare`);
      }
    }
    const results = measure(cases, { peers: ['otel-composite', 'otel-w3c', 'limit'] });
    report('extract', results, json, [
      'Per message of a batch of 10 SQS records with three attributes at most. `tidemark` is all formats together on W3C.',
      '`limit` is the least that validates a traceparent and hands out its ids. Peers get W3C messages in every row.',
    ]);
  },
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
