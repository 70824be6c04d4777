import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Span, spanKinds } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { callHops } from '../../lib/trace/hops.ts';
import { knownCalls, reattach } from '../../lib/trace/reattach.ts';
import { score } from '../../lib/trace/score.ts';
import { aSpan } from '../support/a-span.ts';

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/** web → orders → stock, with a database call at each end; the ids tell which span is which. */
const chain = (at: number): Span[] => {
  const base = { traceId: hex(at + 1, 32) };
  const id = (n: number) => hex(at * 16 + n + 1, 16);
  const offset = at * 50;
  const span = (
    n: number,
    parent: number,
    service: string,
    name: string,
    kind: number,
    from: number,
    to: number,
    attributes = {},
  ) =>
    aSpan({
      ...base,
      spanId: id(n),
      ...(parent < 0 ? {} : { parentSpanId: id(parent) }),
      service,
      name,
      kind,
      from: offset + from,
      to: offset + to,
      attributes,
    });
  return [
    span(0, -1, 'web', 'GET /', spanKinds.server, 0, 40),
    span(1, 0, 'web', 'POST orders', spanKinds.client, 2, 38),
    span(2, 1, 'orders', 'POST /orders', spanKinds.server, 4, 36),
    span(3, 2, 'orders', 'POST stock', spanKinds.client, 6, 20),
    span(4, 3, 'stock', 'POST /stock', spanKinds.server, 8, 18),
    span(5, 4, 'stock', 'SELECT', spanKinds.client, 10, 12, { 'db.system': 'postgresql' }),
    span(6, 2, 'orders', 'INSERT', spanKinds.client, 22, 30),
  ];
};

const chains = Array.from({ length: 400 }, (_, at) => chain(at));

test('healthy traces with databases and uninstrumented peers raise nothing and miss nothing', () => {
  const spans = chains.flat();
  assert.deepEqual(score('2026-01-01T00:00:00Z', spans).findings, []);
  assert.deepEqual(
    callHops(assemble(spans)).map(({ from, to, missing }) => [from, to, missing.length]),
    [
      ['orders', 'stock', 0],
      ['web', 'orders', 0],
    ],
  );
});

test('with 5 to 50 % of server spans deleted the missing rate is told within 2 points', () => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 50 }), fc.integer(), (percent, seed) => {
      let state = seed >>> 0;
      const random = () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      };
      const gone = new Set<Span>();
      for (const spans of chains) {
        for (const at of [2, 4]) if (random() * 100 < percent) gone.add(spans[at] as Span);
      }
      const kept = chains.flat().filter((span) => !gone.has(span));
      const hops = callHops(assemble(kept));
      const calls = hops.reduce((sum, { spans }) => sum + spans.length, 0);
      const missing = hops.reduce((sum, hop) => sum + hop.missing.length, 0);
      const truth = gone.size / (2 * chains.length);
      assert.ok(Math.abs(missing / calls - truth) < 0.02, `${missing / calls} for ${truth}`);
    }),
    { numRuns: 30 },
  );
});

test('the parent of a deleted middle hop is found again in at least 95 of 100 traces', () => {
  const kept = chains.map((spans, at) => spans.filter((_, n) => n !== (at % 2 === 0 ? 2 : 4) || at % 3 === 0));
  const traces = assemble(kept.flat());
  const known = knownCalls(traces);
  let right = 0;
  let all = 0;
  traces.forEach((trace, at) => {
    if (at % 3 === 0) return;
    all += 1;
    const middle = at % 2 === 0 ? 2 : 4;
    const [found] = reattach(trace, known);
    assert.equal(found?.missingSpanId, chains[at]?.[middle]?.spanId);
    if (trace.nodes[found?.parent ?? -1]?.span.spanId === chains[at]?.[middle - 1]?.spanId) right += 1;
  });
  assert.ok(right / all >= 0.95, `${right} of ${all}`);
});
