import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeJson, decodeProto } from '../../lib/trace/decode.ts';
import { parseWindowClosed, partitionOf, windowParts, windowStartOf } from '../../lib/trace/window.ts';
import { aSpan, origin } from '../support/a-span.ts';

const body = (span: object) =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'Straße' } }] },
        scopeSpans: [{ spans: [span] }],
      },
    ],
  });
const good = {
  traceId: '4BF92F3577B34DA6A3CE929D0E0E4736',
  spanId: '00f067aa0ba902b7',
  name: 'n',
  kind: 2,
  startTimeUnixNano: '1767225600000000001',
  endTimeUnixNano: '1767225600000000002',
};

test('JSON: ids are folded, nanoseconds kept to the digit, as text and as numbers', () => {
  const { spans } = decodeJson(body(good));
  assert.equal(spans[0]?.traceId, '4bf92f3577b34da6a3ce929d0e0e4736');
  assert.equal(spans[0]?.startNanos, 1767225600000000001n);
  assert.equal(spans[0]?.resource['service.name'], 'Straße');
  const numbers = decodeJson(body(good).replaceAll(/"(1767225600000000\d+)"/g, '$1'));
  assert.equal(numbers.spans[0]?.endNanos, 1767225600000000002n);
});

test('JSON: a bad span is refused with its reason and the others are kept; a bad body is an error', () => {
  const two = JSON.parse(body(good)) as { resourceSpans: { scopeSpans: { spans: object[] }[] }[] };
  two.resourceSpans[0]?.scopeSpans[0]?.spans.push(
    { ...good, traceId: 'short' },
    { ...good, endTimeUnixNano: '1' },
    { ...good, kind: 'SPAN_KIND_CLIENT' },
  );
  const { spans, refused } = decodeJson(JSON.stringify(two));
  assert.deepEqual(
    spans.map(({ kind }) => kind),
    [2, 3],
  );
  assert.deepEqual(refused, { 'trace id is not 32 hex digits': 1, 'ends before it starts': 1 });
  assert.match(decodeJson(body(good).slice(0, 40)).error ?? '', /is not JSON/);
  assert.match(decodeJson('{}').error ?? '', /resourceSpans is missing/);
});

test('neither reader throws on anything', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeProto(bytes)),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.json(), (text) => void decodeJson(text)),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(
      fc.json(),
      (text) => void decodeJson(`{"resourceSpans":[{"resource":${text},"scopeSpans":[{"spans":[${text}]}]}]}`),
    ),
    { numRuns: 1000 },
  );
});

test('a span belongs to the window of its start and to the partition of its trace', () => {
  assert.equal(windowStartOf(origin + 59_999_999_999n, 60), '2026-01-01T00:00:00Z');
  assert.equal(windowStartOf(origin + 60_000_000_000n, 60), '2026-01-01T00:01:00Z');
  const parts = windowParts([aSpan({ from: 0 }), aSpan({ from: 61_000, to: 61_001 }), aSpan({ from: 5 })], 60, 1);
  assert.deepEqual(
    parts.map(({ windowStart, spans }) => [windowStart, spans.length]),
    [
      ['2026-01-01T00:00:00Z', 2],
      ['2026-01-01T00:01:00Z', 1],
    ],
  );
  assert.ok(new Set(Array.from({ length: 100 }, (_, at) => partitionOf(`${at}`.padStart(32, '0'), 4))).size === 4);
});

test('a WindowClosed message that is none says why', () => {
  assert.deepEqual(parseWindowClosed('{"windowStart":"2026-01-01T00:00:00Z","partition":0}'), {
    windowStart: '2026-01-01T00:00:00Z',
    partition: 0,
  });
  const part = { windowStart: '2026-01-01T00:00:00Z', partition: 3, part: { index: 1, of: 2 } };
  assert.deepEqual(parseWindowClosed(JSON.stringify(part)), part);
  for (const wrong of [
    '',
    'null',
    '{}',
    '{"windowStart":"x","partition":0}',
    '{"windowStart":"2026-01-01T00:00:00Z","partition":-1}',
    '{"windowStart":"2026-01-01T00:00:00Z","partition":0,"part":null}',
    '{"windowStart":"2026-01-01T00:00:00Z","partition":0,"part":{"index":2,"of":2}}',
    '{"windowStart":"2026-01-01T00:00:00Z","partition":0,"part":{"index":-1,"of":2}}',
    '{"windowStart":"2026-01-01T00:00:00Z","partition":0,"part":{"index":0.5,"of":2}}',
  ]) {
    assert.ok('error' in parseWindowClosed(wrong), wrong);
  }
});
