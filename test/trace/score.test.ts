import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanKinds } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { bucketOf, histogram, quantile, record } from '../../lib/trace/heat-map.ts';
import { score } from '../../lib/trace/score.ts';
import { aSpan } from '../support/a-span.ts';

const window = '2026-01-01T00:00:00Z';
const kinds = (spans: Parameters<typeof score>[1]) =>
  score(window, spans).findings.map(({ kind, service }) => `${kind} ${service}`);
const traceId = (n: number) => n.toString(16).padStart(32, '0');
const many = (count: number, make: (at: number) => ReturnType<typeof aSpan>) =>
  Array.from({ length: count }, (_, at) => make(at + 1));

test('an empty and a healthy window raise nothing', () => {
  assert.deepEqual(kinds([]), []);
  assert.deepEqual(kinds(many(100, (at) => aSpan({ traceId: traceId(at) }))), []);
});

test('five errors above 15 % are a burst; four, or 15 % exactly, are none', () => {
  const errors = (failed: number, all: number) =>
    many(all, (at) => aSpan({ traceId: traceId(at), status: at <= failed ? 2 : 0, service: 'pay' }));
  assert.deepEqual(kinds(errors(5, 33)), ['error-burst pay']);
  assert.deepEqual(kinds(errors(4, 10)), []);
  assert.deepEqual(kinds(errors(15, 100)), []);
  assert.deepEqual(kinds(errors(16, 100)), ['error-burst pay']);
});

test('more than 5 % of spans above 2 s are a long tail; spans of 2 s exactly are not above it', () => {
  const slow = (count: number, ms: number) =>
    many(100, (at) => aSpan({ traceId: traceId(at), service: 'stock', to: at <= count ? ms : 5 }));
  assert.deepEqual(kinds(slow(6, 2001)), ['long-tail stock']);
  assert.deepEqual(kinds(slow(5, 2001)), []);
  assert.deepEqual(kinds(slow(50, 2000)), []);
});

test('senders without consumers beside consumers without a past are a broken chain that names the hop', () => {
  const send = (at: number) =>
    aSpan({
      traceId: traceId(at),
      service: 'orders',
      kind: spanKinds.producer,
      attributes: { 'messaging.destination.name': 'bus' },
    });
  const lost = (at: number) => aSpan({ traceId: traceId(1000 + at), service: 'stock', kind: spanKinds.consumer });
  const [finding] = score(window, [...many(10, send), ...many(4, lost)]).findings;
  assert.equal(finding?.kind, 'broken-chain');
  assert.equal(finding?.service, 'orders');
  assert.match(finding?.summary ?? '', /orders → bus: 4 of 10 .* stock/);
  assert.deepEqual(kinds(many(10, send)), [], 'a backlog is no broken chain');
  assert.deepEqual(kinds([...many(10, send), ...many(3, lost)]), [], '30 % exactly is allowed');
});

test('a missing server span counts only where the called service emits server spans', () => {
  const call = (at: number) =>
    aSpan({
      traceId: traceId(at),
      spanId: traceId(at).slice(16),
      service: 'web',
      kind: spanKinds.client,
      attributes: { 'peer.service': 'pay' },
    });
  const serve = (at: number) =>
    aSpan({ traceId: traceId(at), parentSpanId: traceId(at).slice(16), service: 'pay', kind: spanKinds.server });
  assert.deepEqual(kinds(many(10, call)), [], 'pay may not be instrumented at all');
  assert.deepEqual(kinds([...many(10, call), ...many(7, serve)]), [], '30 % exactly is allowed');
  assert.deepEqual(kinds([...many(10, call), ...many(6, serve)]), ['broken-chain web']);
});

test('order and copies of spans make no difference', () => {
  const spans = many(60, (at) =>
    aSpan({ traceId: traceId(at % 7), status: at % 3 === 0 ? 2 : 0, to: at * 50, service: `s${at % 4}` }),
  );
  const expected = JSON.stringify(score(window, spans));
  fc.assert(
    fc.property(
      fc.shuffledSubarray(spans, { minLength: 60, maxLength: 60 }),
      fc.subarray(spans),
      (shuffled, copies) => {
        assert.equal(JSON.stringify(score(window, [...shuffled, ...copies])), expected);
      },
    ),
    { numRuns: 50 },
  );
});

test('bucket edges are exact where the thresholds lie, and a quantile errs by at most one bucket, upwards', () => {
  assert.equal(bucketOf(2), 31);
  assert.equal(bucketOf(2.0000001), 32);
  assert.equal(bucketOf(1), -1);
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1e-6, max: 3600, noNaN: true }), { minLength: 1, maxLength: 200 }),
      (seconds) => {
        const target = histogram();
        for (const each of seconds) record(target, each);
        const sorted = [...seconds].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0;
        const found = quantile(target, 0.95);
        assert.ok(found >= exact * (1 - 1e-9) && found <= exact * 2 ** (1 / 32) * (1 + 1e-9), `${found} for ${exact}`);
      },
    ),
  );
});

test('spans that share an id by mistake are both kept, copies of either are not, in any order', () => {
  const root = aSpan({ spanId: 'f'.repeat(16), from: 0, to: 100 });
  const twin = { spanId: 'a'.repeat(16), parentSpanId: root.spanId };
  const spans = [root, aSpan({ ...twin, from: 10, to: 20 }), aSpan({ ...twin, from: 30, to: 90 })];
  fc.assert(
    fc.property(fc.shuffledSubarray([...spans, ...spans, ...spans], { minLength: 9, maxLength: 9 }), (shuffled) => {
      const [trace] = assemble(shuffled);
      assert.deepEqual(
        trace?.nodes.map(({ span, parent }) => [span.startNanos, parent]),
        spans.map(({ startNanos }, at) => [startNanos, at === 0 ? -1 : 0]),
      );
    }),
  );
});
