import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTraceState } from '@opentelemetry/api';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import type { Attributes, AttributeValue, Scope, Span, SpanEvent, SpanLink } from '../../lib/model/span.ts';
import { encodeJson, jsonEncoder, protobufEncoder } from '../../lib/telemetry/encode.ts';
import { decodeJson, decodeProto } from '../../lib/trace/decode.ts';
import { aSpan } from '../support/a-span.ts';
import { decodeOtlpJson, decodeOtlpProtobuf } from '../support/decode-otlp.ts';

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((all) => all.join(''))
    .filter((id) => /[^0]/.test(id));
/** Whole characters only, since a lone surrogate has no UTF-8. Lengths on both sides of what a length byte holds, too. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\n\u0000\u001f',
    'é'.repeat(63),
    'é'.repeat(64),
    '漢'.repeat(42),
    '漢'.repeat(43),
    '😀'.repeat(70),
  ),
  fc
    .tuple(fc.constantFrom('x', 'é', '\\'), fc.constantFrom(95, 96, 97, 127, 128, 255, 256, 257, 16_383, 16_384))
    .map(([unit, count]) => unit.repeat(count)),
);
const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 1, -1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value));
const bytes = fc.uint8Array({ maxLength: 200 });
const value: fc.Arbitrary<AttributeValue> = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    integer,
    double,
    fc.boolean(),
    bytes,
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(text, value, { maxKeys: 6, noNullPrototype: true });
const nanos = fc.bigInt({ min: 0n, max: 2n ** 62n });
const traceState = fc.constantFrom(undefined, 'ot=th:c', 'vendor=a,ot=th:8;rv:abcdefabcdefab');
const count = fc.constantFrom(0, 1, 300);
const flags = fc.constantFrom(0x100, 0x101, 0x301, 0x103);
const event: fc.Arbitrary<SpanEvent> = fc.record({
  name: text,
  timeNanos: nanos,
  attributes,
  droppedAttributesCount: count,
});
const link: fc.Arbitrary<SpanLink> = fc
  .record({ traceId: hex(32), spanId: hex(16), traceState, flags, attributes, droppedAttributesCount: count })
  .map(present);
const scopes: readonly Scope[] = [
  { name: 'tidemark' },
  { name: 'orders', version: '1.2.3' },
  { name: '', version: 'é' },
];
const span = (resource: fc.Arbitrary<Attributes>): fc.Arbitrary<Span> =>
  fc
    .record({
      traceId: hex(32),
      spanId: hex(16),
      parentSpanId: fc.option(hex(16), { nil: undefined }),
      traceState,
      flags,
      name: text,
      kind: fc.integer({ min: 1, max: 5 }),
      startNanos: nanos,
      endNanos: nanos,
      status: fc.constantFrom(0, 1, 2),
      statusMessage: fc.option(text, { nil: undefined }),
      resource,
      attributes,
      links: fc.array(link, { maxLength: 3 }),
      events: fc.array(event, { maxLength: 3 }),
      droppedAttributesCount: count,
      droppedEventsCount: count,
      droppedLinksCount: count,
      scope: fc.constantFrom(...scopes),
    })
    .map(present);
const batch = fc
  .array(attributes, { minLength: 1, maxLength: 3 })
  .chain((resources) => fc.array(span(fc.constantFrom(...resources)), { minLength: 1, maxLength: 6 }));

function present<T extends object>(record: T): never {
  return Object.fromEntries(Object.entries(record).filter(([, each]) => each !== undefined)) as never;
}

/** The same span as the SDK has it. */
const readable = (each: Span, resourceOf: (given: Attributes) => ReadableSpan['resource']): ReadableSpan =>
  ({
    name: each.name,
    kind: each.kind - 1,
    spanContext: () => contextOf(each),
    parentSpanContext:
      each.parentSpanId === undefined && (each.flags ?? 0) < 0x200
        ? undefined
        : {
            spanId: each.parentSpanId ?? '',
            traceId: each.traceId,
            traceFlags: 1,
            isRemote: ((each.flags ?? 0) & 0x200) !== 0,
          },
    startTime: hrTime(each.startNanos),
    endTime: hrTime(each.endNanos),
    status: { code: each.status, ...(each.statusMessage === undefined ? {} : { message: each.statusMessage }) },
    attributes: each.attributes,
    links: each.links.map((one) => ({
      context: contextOf(one),
      attributes: one.attributes,
      droppedAttributesCount: one.droppedAttributesCount,
    })),
    events: each.events.map((one) => ({
      name: one.name,
      time: hrTime(one.timeNanos),
      attributes: one.attributes,
      droppedAttributesCount: one.droppedAttributesCount,
    })),
    resource: resourceOf(each.resource),
    instrumentationScope: each.scope,
    droppedAttributesCount: each.droppedAttributesCount,
    droppedEventsCount: each.droppedEventsCount,
    droppedLinksCount: each.droppedLinksCount,
  }) as unknown as ReadableSpan;

const contextOf = (given: {
  traceId: string;
  spanId: string;
  flags?: number | undefined;
  traceState?: string | undefined;
}) => ({
  traceId: given.traceId,
  spanId: given.spanId,
  traceFlags: (given.flags ?? 0) & 0xff,
  isRemote: ((given.flags ?? 0) & 0x200) !== 0,
  ...(given.traceState === undefined ? {} : { traceState: createTraceState(given.traceState) }),
});
const hrTime = (at: bigint): [number, number] => [Number(at / 1_000_000_000n), Number(at % 1_000_000_000n)];

const theirs = (spans: readonly Span[]): ReadableSpan[] => {
  const resources = new Map<string, ReadableSpan['resource']>();
  return spans.map((each) =>
    readable(each, (given) => {
      const key = JSON.stringify(given);
      const known = resources.get(key) ?? ({ attributes: given } as unknown as ReadableSpan['resource']);
      resources.set(key, known);
      return known;
    }),
  );
};

const toProtobuf = protobufEncoder();
const toJson = jsonEncoder();

test('a standard decoder reads from our protobuf what it reads from that of the SDK', () => {
  fc.assert(
    fc.property(batch, (spans) => {
      const expected = decodeOtlpProtobuf(ProtobufTraceSerializer.serializeRequest(theirs(spans)) as Uint8Array);
      assert.deepEqual(decodeOtlpProtobuf(toProtobuf(spans)), expected);
    }),
    { numRuns: 500 },
  );
});

test('and from our JSON what it reads from that of the SDK', () => {
  fc.assert(
    fc.property(batch, (spans) => {
      const expected = decodeOtlpJson(JsonTraceSerializer.serializeRequest(theirs(spans)) as Uint8Array);
      assert.deepEqual(decodeOtlpJson(toJson(spans)), expected);
    }),
    { numRuns: 500 },
  );
});

test('protobuf and JSON of the same spans say the same, with 64-bit integers, doubles without a number and large counts', () => {
  const unusual = {
    most: 2n ** 63n - 1n,
    least: -(2n ** 63n),
    beyond: 2 ** 60,
    nothing: Number.NaN,
    up: Number.POSITIVE_INFINITY,
    down: Number.NEGATIVE_INFINITY,
    small: 5e-324,
    list: [1n, [true, [0.5]], { deep: new Uint8Array([0, 255]) }, null],
  };
  const spans = [
    aSpan({ attributes: unusual, droppedAttributesCount: 2 ** 32 - 1, flags: 0xffffffff, kind: 0 }),
    { ...aSpan(), startNanos: 0n, endNanos: 2n ** 64n - 1n },
  ];
  const read = decodeOtlpProtobuf(toProtobuf(spans));
  assert.deepEqual(decodeOtlpJson(toJson(spans)), read);
  const [first, second] = spansIn(read);
  assert.deepEqual(
    first.attributes.map(({ value }) => value),
    [
      { intValue: '9223372036854775807', value: 'intValue' },
      { intValue: '-9223372036854775808', value: 'intValue' },
      { doubleValue: 2 ** 60, value: 'doubleValue' },
      { doubleValue: Number.NaN, value: 'doubleValue' },
      { doubleValue: Number.POSITIVE_INFINITY, value: 'doubleValue' },
      { doubleValue: Number.NEGATIVE_INFINITY, value: 'doubleValue' },
      { doubleValue: 5e-324, value: 'doubleValue' },
      {
        value: 'arrayValue',
        arrayValue: {
          values: [
            { intValue: '1', value: 'intValue' },
            {
              value: 'arrayValue',
              arrayValue: {
                values: [
                  { boolValue: true, value: 'boolValue' },
                  { value: 'arrayValue', arrayValue: { values: [{ doubleValue: 0.5, value: 'doubleValue' }] } },
                ],
              },
            },
            {
              value: 'kvlistValue',
              kvlistValue: {
                values: [{ key: 'deep', value: { bytesValue: 'AP8=', value: 'bytesValue' } }],
              },
            },
            {},
          ],
        },
      },
    ],
  );
  assert.equal(first.droppedAttributesCount, 2 ** 32 - 1);
  assert.equal(first.flags, 0xffffffff);
  assert.equal(second.startTimeUnixNano, '0');
  assert.equal(second.endTimeUnixNano, '18446744073709551615');
});

test('our own readers find every span of a batch of both kinds', () => {
  const spans = Array.from({ length: 600 }, (_, at) =>
    aSpan({
      service: `s${at % 3}`,
      name: `é${at}`,
      attributes: { at, text: 'x'.repeat(at) },
      parentSpanId: '00f067aa0ba902b7',
    }),
  );
  const names = spans.map(({ name }) => name).sort();
  assert.deepEqual(
    decodeProto(toProtobuf(spans))
      .spans.map(({ name }) => name)
      .sort(),
    names,
  );
  assert.deepEqual(
    decodeJson(encodeJson(spans))
      .spans.map(({ name }) => name)
      .sort(),
    names,
  );
});

test('a batch keeps its bytes while the next one is written', () => {
  const first = toProtobuf([aSpan({ name: 'first' })]);
  const before = Buffer.from(first);
  toProtobuf([aSpan({ name: 'second' })]);
  assert.deepEqual(first, before);
});

test('a lone surrogate is replaced in protobuf and escaped in JSON, and spoils neither', () => {
  const spans = [aSpan({ name: `a\ud800${'b'.repeat(120)}`, attributes: { '\udfff': '\ud800' } })];
  assert.equal(spansIn(decodeOtlpProtobuf(toProtobuf(spans)))[0].name, `a\ufffd${'b'.repeat(120)}`);
  assert.equal(spansIn(decodeOtlpJson(toJson(spans)))[0].name, `a\ud800${'b'.repeat(120)}`);
});

test('spans of equal resources in different objects share one resource', () => {
  const spans = [aSpan({ service: 'a' }), aSpan({ service: 'a' }), aSpan({ service: 'b' })];
  const read = decodeOtlpProtobuf(toProtobuf(spans)) as { resourceSpans: unknown[] };
  assert.equal(read.resourceSpans.length, 2);
});

interface ReadSpan {
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  readonly droppedAttributesCount: number;
  readonly flags: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}
const spansIn = (request: unknown) =>
  (request as { resourceSpans: { scopeSpans: { spans: ReadSpan[] }[] }[] }).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  ) as [ReadSpan, ReadSpan];
