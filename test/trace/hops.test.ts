import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shopSpans } from '../../bench/shop-spans.ts';
import { type Span, spanKinds } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { estimateSkew, provenSkew } from '../../lib/trace/clock-skew.ts';
import { callHops } from '../../lib/trace/hops.ts';
import { reattach, usualCalls } from '../../lib/trace/reattach.ts';
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
  const known = usualCalls(traces);
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

test('side by side calls of one name on hosts with clocks of their own are told apart, at any share of deleted spans', () => {
  const all = shopSpans(200);
  for (const percent of [5, 20, 50]) {
    let state = percent;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const spans = all.flat();
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const gone = new Set(
      spans
        .filter(({ kind, parentSpanId }) => kind === spanKinds.server && parentSpanId !== undefined)
        .filter(() => random() * 100 < percent)
        .map(({ spanId }) => spanId),
    );
    const kept = spans.filter(({ spanId }) => !gone.has(spanId));
    const traces = assemble(kept);
    const skews = estimateSkew(traces);
    const known = usualCalls(traces, skews);
    const answers = new Map(
      traces.flatMap((trace) =>
        reattach(trace, known, skews).map(({ missingSpanId, parent, confidence }) => {
          assert.ok(confidence >= 0.5 && confidence <= 1);
          return [missingSpanId, trace.nodes[parent]?.span.spanId];
        }),
      ),
    );
    const named = new Set(kept.map(({ parentSpanId }) => parentSpanId));
    const gaps = [...gone].filter((id) => named.has(id));
    assert.ok(gaps.length > 20);
    const right = gaps.filter((id) => answers.get(id) === byId.get(id)?.parentSpanId).length;
    assert.ok(right / gaps.length >= 0.95, `${right} of ${gaps.length} at ${percent} %`);
  }
});

test('an error that was kept for itself alone hangs under nothing and misses nothing', () => {
  const kept = aSpan({
    parentSpanId: 'dddddddddddddddd',
    status: 2,
    from: 5,
    to: 6,
    attributes: { 'tidemark.sampling.stratum': 'error' },
  });
  const [trace] = assemble([aSpan({ from: 0, to: 10 }), kept]);
  assert.ok(trace !== undefined);
  assert.deepEqual(reattach(trace), []);
});

test('clock offsets are told where most calls stick out, and never from messages', () => {
  const calls = (ahead: number, kinds: readonly number[] = [spanKinds.client, spanKinds.server]) =>
    Array.from({ length: 9 }, (_, at) => {
      const id = (n: number) => hex(at * 2 + n + 1, 16);
      const base = { traceId: hex(at + 1, 32) };
      return [
        aSpan({ ...base, spanId: id(0), service: 'web', kind: kinds[0] ?? 0, from: 0, to: 20 }),
        aSpan({
          ...base,
          spanId: id(1),
          parentSpanId: id(0),
          service: 'pay',
          kind: kinds[1] ?? 0,
          from: 2 + ahead + at / 10,
          to: 18 + ahead - at / 10,
        }),
      ];
    }).flat();
  const told = (spans: readonly Span[]) =>
    provenSkew(estimateSkew(assemble(spans))).map(({ from, to, offsetNanos, calls }) => [from, to, offsetNanos, calls]);
  assert.deepEqual(told(calls(30)), [['web', 'pay', 30_000_000, 9]]);
  assert.deepEqual(told(calls(-30)), [['web', 'pay', -30_000_000, 9]]);
  assert.deepEqual(told(calls(1)), [], 'what fits is not proof');
  assert.deepEqual(told(calls(30, [spanKinds.producer, spanKinds.consumer])), []);
});

test('what is around spans that were kept for themselves alone is no broken chain and no missing parent', () => {
  const promoted = (span: Span): Span => ({
    ...span,
    status: 2,
    traceState: 'ot=th:0',
    attributes: { ...span.attributes, 'tidemark.sampling.stratum': 'error' },
  });
  const kindsOf = (spans: readonly Span[]) => score('2026-01-01T00:00:00Z', spans).findings.map(({ kind }) => kind);
  const brokenIn = (spans: readonly Span[]) => kindsOf(spans).filter((kind) => kind === 'broken-chain');
  // web keeps all; orders keeps nothing in this window but the errors, and stock neither.
  const onlyErrors = chains.flatMap((spans, at) =>
    spans.flatMap((span) => {
      const service = span.resource['service.name'];
      if (service === 'web') return [span];
      return service === 'orders' && span.kind === spanKinds.server && at % 20 === 0 ? [promoted(span)] : [];
    }),
  );
  assert.deepEqual(brokenIn(onlyErrors), []);
  assert.equal(score('2026-01-01T00:00:00Z', onlyErrors).traces.orphans, 0);

  // Every service drops all but a few traces, and keeps the spans of the others that failed: any one alone.
  for (const kind of [spanKinds.server, spanKinds.client]) {
    for (const service of ['web', 'orders', 'stock']) {
      const spans = chains.flatMap((all, at) =>
        at % 50 === 0
          ? all
          : all.filter((span) => span.kind === kind && span.resource['service.name'] === service).map(promoted),
      );
      const { traces, reattached } = score('2026-01-01T00:00:00Z', spans);
      assert.deepEqual(brokenIn(spans), [], `${service}, kind ${kind}`);
      assert.equal(traces.orphans, 0);
      assert.deepEqual(reattached, []);
    }
  }

  // Where the others are not sampled, a chain that is broken is still told.
  const broken = chains.flatMap((spans, at) =>
    spans
      .filter((_, n) => n !== 2 || at % 2 === 0)
      .map((span, n) => (n === 4 && at % 10 === 0 ? promoted(span) : span)),
  );
  assert.deepEqual(brokenIn(broken), ['broken-chain']);
});
