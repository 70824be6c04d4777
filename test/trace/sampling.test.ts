import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Span, spanKinds } from '../../lib/model/span.ts';
import {
  countBounds,
  countOf,
  randomnessOf,
  shareOf,
  tally,
  thresholdOf,
  weightOf,
  wilson,
} from '../../lib/trace/sampling.ts';
import { score } from '../../lib/trace/score.ts';
import { aSpan } from '../support/a-span.ts';

const window = '2026-01-01T00:00:00Z';
const traceId = (n: number) => n.toString(16).padStart(32, '0');
const stateOf = (threshold: string) => `ot=th:${threshold}`;

test('a threshold says how many spans one stands for', () => {
  const weight = (traceState?: string) => weightOf(traceState === undefined ? {} : { traceState });
  assert.equal(weight(), 1);
  for (const [threshold, expected] of [
    ['0', 1],
    ['8', 2],
    ['c', 4],
    ['e', 8],
    ['f', 16],
    ['f8', 32],
    ['fc', 64],
  ] as const) {
    assert.equal(weight(stateOf(threshold)), expected, threshold);
  }
  assert.equal(weight('vendor=1, ot=rv:01234567890abc;th:C ,other=th:8'), 4);
  for (const broken of ['ot=th:', 'ot=th:xyz', 'ot=th:000000000000000', 'ot=p:8', '', 'th:8', 'ot=th:ffffffffffffff'])
    assert.equal(weight(broken), 1, broken);
  assert.equal(thresholdOf({ traceState: stateOf('f8') }), 'f8000000000000');
  assert.equal(randomnessOf({ traceId: traceId(0xabc) }), '00000000000abc');
  assert.equal(randomnessOf({ traceId: traceId(1), traceState: 'ot=th:8;rv:9abcdef0123456' }), '9abcdef0123456');
});

const some = (count: number, threshold?: string) =>
  Array.from({ length: count }, () => (threshold === undefined ? {} : { traceState: stateOf(threshold) }));

test('bounds are those of the tables: Wilson at one-sided 95 %, Poisson by chi-squared', () => {
  for (const [hits, all, expected] of [
    [3, 3, 0.526],
    [3, 4, 0.356],
    [4, 10, 0.194],
    [5, 20, 0.127],
    [10, 33, 0.191],
  ] as const) {
    assert.ok(Math.abs(wilson(hits / all, all) - expected) < 0.001, `${hits}/${all}`);
    const { share, lower } = shareOf(tally(some(hits, '8')), tally(some(all - hits, '8')));
    assert.equal(share, hits / all);
    assert.ok(Math.abs(lower - expected) < 0.001);
  }
  for (const [events, expected] of [
    [2, 0.355],
    [3, 0.818],
    [5, 1.97],
    [8, 3.98],
  ] as const) {
    const [lower] = countBounds(tally(some(events, 'fc')));
    assert.ok(Math.abs(lower / 64 - expected) < 0.02, `${events}: ${lower / 64}`);
  }
  assert.deepEqual(countBounds(tally(some(7))), [7, 7]);
  assert.equal(countOf(tally([...some(3), ...some(2, 'c')])), 11);
  assert.equal(shareOf(tally(some(1)), tally(some(3))).lower, 0.25, 'what is not sampled has no interval');
});

test('of a kept stratum only the rest is uncertain', () => {
  const { share, lower } = shareOf(tally(some(20)), tally(some(10, 'f')));
  assert.equal(share, 20 / 180);
  assert.ok(lower < share && lower > 0.06);
});

const many = (count: number, make: (at: number) => Partial<Span> & { to?: number; service?: string }): Span[] =>
  Array.from({ length: count }, (_, at) => aSpan({ traceId: traceId(at + 1), service: 'pay', ...make(at) }));

const kinds = (spans: readonly Span[]) => score(window, spans).findings.map(({ kind }) => kind);

test('one sampled error, or two, never look like a hundred; enough of them are a burst with adjusted counts', () => {
  const sampled = (failed: number, all: number) =>
    many(all, (at) => ({ status: at < failed ? 2 : 0, traceState: stateOf('fc') }));
  assert.deepEqual(kinds(sampled(1, 1)), []);
  assert.deepEqual(kinds(sampled(2, 2)), []);
  assert.deepEqual(kinds(sampled(5, 20)), [], '25 % of 20 may be less than 15 % of all');
  assert.deepEqual(kinds(sampled(15, 30)), ['error-burst']);
  const { findings, services } = score(window, sampled(15, 30));
  assert.equal(findings[0]?.value, 15 * 64);
  assert.match(findings[0]?.summary ?? '', /about 960 of 1920 spans failed/);
  assert.deepEqual(services['pay'], { spans: 1920, errors: 960, p95Seconds: services['pay']?.p95Seconds });
});

test('errors that are all kept count as they are beside sampled successes', () => {
  const kept = (failed: number, rest: number) => [
    ...many(failed, () => ({
      status: 2,
      traceState: stateOf('0'),
      attributes: { 'tidemark.sampling.stratum': 'error' },
    })),
    ...many(rest, (at) => ({ traceId: traceId(1000 + at), traceState: stateOf('f') })),
  ];
  assert.deepEqual(kinds(kept(30, 30)), [], '30 of about 510');
  assert.deepEqual(kinds(kept(300, 30)), ['error-burst'], '300 of about 780');
});

test('slow spans of a few kept ones are no tail until the bound says so; P95 is of what they stand for', () => {
  const sampled = (slow: number, all: number) =>
    many(all, (at) => ({ to: at < slow ? 3000 : 5, traceState: stateOf('f') }));
  assert.deepEqual(kinds(sampled(3, 30)), [], '10 % of 30 may be 5 % of all');
  assert.deepEqual(kinds(sampled(12, 60)), ['long-tail']);
  const mixed = [...many(10, () => ({ to: 3000 })), ...many(100, () => ({ to: 5, traceState: stateOf('f') }))];
  assert.ok((score(window, mixed).services['pay']?.p95Seconds ?? 9) < 0.01, '10 slow ones of 1,610');
});

test('adjusted counts are without bias, and their bounds hold as often as they say', () => {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const rounds = 2000;
  let sum = 0;
  let above = 0;
  for (let round = 0; round < rounds; round += 1) {
    const kept = Array.from({ length: 400 }, (_, at) => ({ traceState: stateOf(at % 2 === 0 ? 'c' : 'e') })).filter(
      (span) => random() < 1 / weightOf(span),
    );
    const found = tally(kept);
    sum += countOf(found);
    if (countBounds(found)[0] <= 400) above += 1;
  }
  assert.ok(Math.abs(sum / rounds / 400 - 1) < 0.01, String(sum / rounds));
  assert.ok(above / rounds > 0.94, String(above / rounds));
});

/** web calls pay; `kept` says of each side whether it was kept, with its threshold. */
const calls = (count: number, server: (at: number) => { readonly isKept: boolean; readonly threshold?: string }) =>
  Array.from({ length: count }, (_, at): Span[] => {
    // Randomness spread evenly over all 56 bits.
    const random = Math.floor((at / count) * 2 ** 52) * 16;
    const id = `${'0'.repeat(18)}${random.toString(16).padStart(14, '0')}`;
    const spanId = (at + 1).toString(16).padStart(16, '0');
    const { isKept, threshold } = server(at);
    return [
      aSpan({ traceId: id, spanId, service: 'web', kind: spanKinds.client }),
      ...(isKept
        ? [
            aSpan({
              traceId: id,
              parentSpanId: spanId,
              service: 'pay',
              kind: spanKinds.server,
              ...(threshold === undefined ? {} : { traceState: stateOf(threshold) }),
            }),
          ]
        : []),
    ];
  }).flat();

test('a side that consistently keeps less is not missing; one that keeps on its own says nothing; one that loses is told', () => {
  assert.deepEqual(
    kinds(calls(80, (at) => ({ isKept: at >= 60, threshold: 'c' }))),
    [],
    'R >= T is kept, the rest is not expected',
  );
  assert.deepEqual(kinds(calls(80, (at) => ({ isKept: at % 4 === 0, threshold: 'c' }))), [], 'kept whatever R is');
  assert.deepEqual(kinds(calls(80, (at) => ({ isKept: at % 2 === 0 }))), ['broken-chain']);
  assert.deepEqual(kinds(calls(80, (at) => ({ isKept: at >= 60 && at % 2 === 0, threshold: 'c' }))), ['broken-chain']);
});
