import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AttributeValue } from '../../lib/model/span.ts';
import { encodeJson, protobufEncoder } from '../../lib/telemetry/encode.ts';
import { decodeJson, decodeProto } from '../../lib/trace/decode.ts';
import { aSpan } from '../support/a-span.ts';

const encodeProto = protobufEncoder();

const key = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => text !== '__proto__');
const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    fc.double({ noInteger: true }).filter((number) => !Number.isSafeInteger(number)),
    fc.uint8Array({ maxLength: 40 }),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

test('every kind of attribute value comes out of a body as it went in', () => {
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true }), (attributes) => {
      const events = [{ name: 'event', timeNanos: 1n, attributes }];
      const span = aSpan({ attributes, events });
      for (const { spans } of [decodeProto(encodeProto([span])), decodeJson(encodeJson([span]))]) {
        assert.deepEqual(spans[0]?.attributes, attributes);
        assert.deepEqual(spans[0]?.events[0]?.attributes, attributes);
      }
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
  );
});

const read = (json: string) => {
  const ids =
    '"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","startTimeUnixNano":1,"endTimeUnixNano":2';
  const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[{${ids},"attributes":[{"key":"k","value":${json}}]}]}]}]}`;
  return decodeJson(body).spans[0]?.attributes;
};

test('64-bit integers keep their last digit, as text and as numbers', () => {
  for (const [json, expected] of [
    ['{"intValue":"9007199254740993"}', 9007199254740993n],
    ['{"intValue":9007199254740993}', 9007199254740993n],
    ['{"intValue": -9223372036854775808}', -(2n ** 63n)],
    ['{"intValue":"9223372036854775807"}', 2n ** 63n - 1n],
    ['{"intValue":9007199254740991}', 9007199254740991],
    ['{"intValue":"-5"}', -5],
    ['{"doubleValue":12345678901234567890}', 12345678901234567000],
    ['{"doubleValue":"NaN"}', Number.NaN],
    ['{"doubleValue":"-Infinity"}', Number.NEGATIVE_INFINITY],
    ['{}', null],
  ] as const) {
    assert.deepEqual(read(json), { k: expected }, json);
  }
});

test('a value that is none costs its attribute and nothing else', () => {
  for (const json of [
    '{"intValue":"five"}',
    '{"intValue":{}}',
    '{"doubleValue":"big"}',
    '{"stringValue":1}',
    '7',
    '[]',
    '{"intValue":"123456789012345678901"}',
  ]) {
    assert.deepEqual(read(json), {}, json);
  }
});
