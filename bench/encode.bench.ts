/**
 * A full batch of an exporter: 512 spans with 7 attributes, one in eight with an event, one in eight with a link, turned into the bytes of
 * a request. Each side is given the spans in its own shape, as its recorder leaves them.
 */
import { createTraceState, type SpanContext } from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Span } from '../lib/model/span.ts';
import { jsonEncoder, protobufEncoder } from '../lib/telemetry/encode.ts';
import type { Bench } from './index.ts';
import { measure, report } from './measure.ts';

const size = 512;

export const bench: Bench = {
  question: 'What does it cost to encode a span as OTLP, protobuf and JSON, against otlp-transformer?',
  run: async ({ json }) => {
    const spans = Array.from({ length: size }, (_, at) => ours(at));
    const theirs = spans.map(readable);
    const protobuf = protobufEncoder();
    const text = jsonEncoder();
    const plan = { warmUp: 60 };
    const pair = (kind: string, own: () => Uint8Array, other: () => Uint8Array) => [
      { case: `tidemark/${kind}`, per: size, run: () => whole(own()) },
      { case: `otlp-transformer/${kind}`, per: size, run: () => whole(other()) },
    ];
    const results = (
      [
        ['protobuf', () => protobuf(spans), () => ProtobufTraceSerializer.serializeRequest(theirs) as Uint8Array],
        ['json', () => text(spans), () => JsonTraceSerializer.serializeRequest(theirs) as Uint8Array],
      ] as const
    )
      .flatMap(([kind, own, other]) => measure(pair(kind, own, other), plan))
      .map(({ ratioTo, ...rest }) => ({
        ...rest,
        // The key that readers of the JSON know; protobuf is held against protobuf, JSON against JSON.
        ...(ratioTo === undefined ? {} : { ratioTo: { 'otlp-transformer': Object.values(ratioTo)[0] as number } }),
      }));
    report('encode', results, json, [
      'per span of a batch of 512; B/op is what is left on the JavaScript heap, without the bytes of the request themselves',
      `bytes per span on the wire: protobuf ${perSpan(protobuf(spans))} (theirs ${perSpan(ProtobufTraceSerializer.serializeRequest(theirs))}), JSON ${perSpan(text(spans))} (theirs ${perSpan(JsonTraceSerializer.serializeRequest(theirs))})`,
    ]);
  },
};

const perSpan = (bytes: Uint8Array | undefined): number => Math.round((bytes?.length ?? 0) / size);

/** An encoder that leaves something out would win. */
const whole = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length < 300 * size) throw new Error(`${bytes.length} bytes are too few for ${size} spans`);
  return bytes;
};

const resource = {
  'service.name': 'orders',
  'cloud.provider': 'aws',
  'cloud.region': 'eu-central-1',
  'faas.name': 'take-orders',
};
const scope = { name: 'tidemark' };
const digits = (value: number, length: number): string =>
  Math.imul(value + 1, 0x9e3779b1)
    .toString(16)
    .replace('-', '')
    .padStart(length, '0a1b2c3d4e5f6789');

export const ours = (at: number): Span => {
  const start = 1_767_225_600_000_000_000n + BigInt(at) * 1_234_567n;
  const traceId = digits(at >> 3, 32);
  return {
    traceId,
    spanId: digits(at, 16),
    parentSpanId: digits(at + 7, 16),
    name: 'process orders',
    kind: 5,
    startNanos: start,
    endNanos: start + 45_000_123n,
    status: at % 16 === 0 ? 2 : 0,
    flags: 0x301,
    resource,
    scope,
    attributes: {
      'messaging.system.name': 'aws.sqs',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'orders',
      'messaging.message.id': `059f36b4-87a3-44ab-83d2-66197527${String(at).padStart(4, '0')}`,
      'messaging.message.body.size': 600 + at,
      'tidemark.message.dwell_ms': at * 1.5 + 0.25,
    },
    events:
      at % 8 === 0
        ? [
            {
              name: 'exception',
              timeNanos: start + 1_000_000n,
              attributes: { 'exception.type': 'TypeError', 'exception.message': `order ${at} has no items` },
            },
          ]
        : [],
    links:
      at % 8 === 1
        ? [{ traceId: digits(at, 32), spanId: digits(at + 1, 16), flags: 0x301, traceState: 'ot=th:c' }]
        : [],
  };
};

const sharedResource = { attributes: resource };

export const readable = (span: Span): ReadableSpan => {
  const context: SpanContext = { traceId: span.traceId, spanId: span.spanId, traceFlags: 1 };
  const parent: SpanContext = {
    traceId: span.traceId,
    spanId: span.parentSpanId as string,
    traceFlags: 1,
    isRemote: true,
  };
  return {
    name: span.name,
    kind: span.kind - 1,
    spanContext: () => context,
    parentSpanContext: parent,
    startTime: hrTime(span.startNanos),
    endTime: hrTime(span.endNanos),
    status: { code: span.status },
    attributes: span.attributes,
    links: span.links.map(({ traceId, spanId }) => ({
      context: { traceId, spanId, traceFlags: 1, isRemote: true, traceState: createTraceState('ot=th:c') },
      attributes: {},
    })),
    events: span.events.map(({ name, timeNanos, attributes }) => ({ name, time: hrTime(timeNanos), attributes })),
    resource: sharedResource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  } as unknown as ReadableSpan;
};

const hrTime = (at: bigint): [number, number] => [Number(at / 1_000_000_000n), Number(at % 1_000_000_000n)];
