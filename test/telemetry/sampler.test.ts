import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  type TraceState,
  trace,
} from '@opentelemetry/api';
import {
  type ComposableSampler,
  createComposableParentThresholdSampler,
  createComposableProbabilitySampler,
  createCompositeSampler,
} from '@opentelemetry/sampler-composite';
import fc from 'fast-check';
import { adjustedCount, estimateTotal, readOt, thresholdOf, withOt, writeOt } from '../../lib/telemetry/probability.ts';
import {
  type BacklogSampler,
  backlogSampler,
  decisions,
  nextStep,
  type RateChange,
  stepOf,
} from '../../lib/telemetry/sampler.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1000);
const kind = SpanKind.INTERNAL;
const headOnly = { pressure: () => undefined, keepErrors: false } as const;

interface Sampling {
  shouldSample: BacklogSampler['shouldSample'];
}
const ask = (sampler: Sampling, context: Context, traceId: string) => {
  const { decision, traceState } = sampler.shouldSample(context, traceId, 'span', kind, {}, []);
  return { decision, traceState: traceState?.serialize() };
};
const childOf = (parent: Partial<SpanContext> & { readonly state?: string }): Context => {
  const { state, ...rest } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceFlags: 1,
    isRemote: true,
    ...rest,
    ...(state === undefined ? {} : { traceState: createTraceState(state) as TraceState }),
  });
};
const composite = (root: ComposableSampler) =>
  createCompositeSampler(createComposableParentThresholdSampler(root)) as unknown as Sampling;

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''));
const traceIds = hex(32).filter((id) => !/^0+$/.test(id));

// Vectors

test('decides and writes tracestate as the reference implementation does, for every parent', () => {
  const others = fc.constantFrom('', 'a=1', 'a=1,b=2');
  const members = fc.array(
    fc.oneof(
      hex(14).map((digits) => `rv:${digits}`),
      fc
        .integer({ min: 1, max: 14 })
        .chain(hex)
        .map((digits) => `th:${digits}`),
      fc.constantFrom(
        'th:0',
        'th:8',
        'th:c',
        'rv:00000000000000',
        'rv:ffffffffffffff',
        'x:y',
        'k:',
        'th:',
        'rv:1',
        'th:zz',
        'th:123456789012345',
      ),
    ),
    { maxLength: 4 },
  );
  const states = fc
    .tuple(members, others)
    .map(([ot, rest]) =>
      [...(ot.length === 0 ? [] : [`ot=${ot.join(';')}`]), ...(rest === '' ? [] : [rest])].join(','),
    );
  const ratios = fc.constantFrom(1, 0.5, 0.25, 1 / 3, 0.1, 0.01, 2 ** -6);
  fc.assert(
    fc.property(
      traceIds,
      fc.option(states),
      fc.constantFrom(0, 1, 2, 3),
      ratios,
      (traceId, state, traceFlags, ratio) => {
        const ours = backlogSampler({ ...headOnly, ratio });
        const theirs = composite(createComposableProbabilitySampler(ratio));
        for (const context of [ROOT_CONTEXT, childOf({ traceId, traceFlags, ...(state === null ? {} : { state }) })]) {
          assert.deepEqual(
            ask(ours, context, traceId),
            ask(theirs, context, traceId),
            `${state} ${traceFlags} ${ratio}`,
          );
        }
      },
    ),
    { numRuns: numRuns * 5 },
  );
});

test('keeps exactly at the threshold and above', () => {
  // T of one half is 80000000000000.
  const sampler = backlogSampler({ ...headOnly, ratio: 0.5 });
  const at = (randomness: string) => ask(sampler, ROOT_CONTEXT, `0000000000000000aa${randomness}`).decision;
  assert.equal(at('80000000000000'), decisions.sample);
  assert.equal(at('7fffffffffffff'), decisions.notRecord);
  assert.equal(at('ffffffffffffff'), decisions.sample);
});

test('writes the thresholds of the specification in their shortest form', () => {
  const written = (rate: number) => writeOt({ threshold: thresholdOf(rate), randomness: undefined, rest: undefined });
  assert.deepEqual([1, 0.5, 0.25, 0.125, 1 / 16, 1 / 32, 1 / 64].map(written), [
    'th:0',
    'th:8',
    'th:c',
    'th:e',
    'th:f',
    'th:f8',
    'th:fc',
  ]);
  assert.equal(thresholdOf(0), undefined);
  assert.equal(adjustedCount('a=1, ot=x:y;th:fc'), 64);
  assert.equal(adjustedCount(undefined), 1);
  assert.equal(
    withOt('a=1,ot=th:8;rv:ffffffffffffff', (ot) => ({ ...ot, threshold: '00000000000000' })),
    'ot=th:0;rv:ffffffffffffff,a=1',
  );
});

test('reads any ot value without throwing and writes what it read', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      const ot = readOt(text);
      assert.deepEqual(readOt(writeOt(ot)), ot);
    }),
    { numRuns },
  );
});

test('finds the parent where the API keeps it', () => {
  const sampler = backlogSampler({ ...headOnly, ratio: 2 ** -6 });
  const span = trace.wrapSpanContext({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 });
  assert.equal(
    ask(sampler, trace.setSpan(ROOT_CONTEXT, span), `${'a'.repeat(18)}${'0'.repeat(14)}`).decision,
    decisions.sample,
  );
});

// Rates

test('keeps all below 30 %, follows the formula to 70 %, and at most a tenth above, never below 1/64', () => {
  assert.deepEqual(
    [0, 0.1, 0.29, 0.3, 0.32, 0.33, 0.5, 0.7, 0.71, 0.9, 1, 1.07, 1.1, 5, Number.NaN].map((fill) => 2 ** -stepOf(fill)),
    [1, 1, 1, 1, 1, 1 / 2, 1 / 2, 1 / 2, 1 / 16, 1 / 16, 1 / 16, 1 / 32, 1 / 64, 1 / 64, 1],
  );
  for (let fill = 0; fill < 2; fill += 0.001) {
    const formula = Math.max(0.01, Math.min(1, 1 - 0.9 * fill));
    const rate = 2 ** -stepOf(fill);
    assert.ok(rate >= 2 ** -6 && rate <= 1);
    if (fill >= 0.3 && fill <= 0.7) assert.ok(Math.abs(Math.log2(rate / formula)) <= 0.5, `${fill}`);
    if (fill > 0.7) assert.ok(rate <= 0.1, `${fill}`);
  }
});

test('lowers the rate at once and raises it only after the fill has receded by 5 %', () => {
  const walk = (fills: readonly number[]) => {
    let step = 0;
    return fills.map((fill) => {
      step = nextStep(step, fill);
      return step;
    });
  };
  assert.deepEqual(walk([0.69, 0.71, 0.69, 0.66, 0.64, 0.69, 0.3, 0.27]), [1, 4, 4, 4, 1, 1, 1, 0]);
  // A fill that trembles around a border changes the rate once.
  const trembling = walk(Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? 0.69 : 0.71)));
  assert.equal(trembling.filter((step, at) => step !== trembling[at - 1]).length, 2);
});

test('caps the rate at a tenth while stressed, and tells of every change once', () => {
  let fill: number | undefined = 0;
  let stressed = false;
  const changes: RateChange[] = [];
  const sampler = backlogSampler({
    pressure: () => fill,
    stressed: () => stressed,
    onChange: (change) => changes.push(change),
  });
  assert.equal(sampler.rate, 1);
  stressed = true;
  assert.equal(sampler.rate, 1 / 16);
  fill = 0.5;
  assert.equal(sampler.rate, 1 / 16);
  stressed = false;
  assert.equal(sampler.rate, 1 / 2);
  fill = undefined;
  assert.equal(sampler.rate, 1);
  assert.deepEqual(changes, [
    { rate: 1 / 16, level: 'normal', fill: 0, stressed: true },
    { rate: 1 / 2, level: 'medium', fill: 0.5, stressed: false },
    { rate: 1, level: 'normal', fill: undefined, stressed: false },
  ]);
  assert.equal(backlogSampler({ pressure: () => undefined, ratio: 0.01 }).rate, 0.01);
  assert.equal(backlogSampler({ pressure: () => 0.5, ratio: 0.01 }).rate, 0.01);
});

// Strata

test('records what it does not sample, and keeps errors and slow roots with a threshold of their own', () => {
  const sampler = backlogSampler({ pressure: () => undefined, ratio: 2 ** -6, keepSlowMs: 100 });
  const { decision } = ask(sampler, ROOT_CONTEXT, `${'0'.repeat(31)}1`);
  assert.equal(decision, decisions.record);
  const ended = { status: 0, startNanos: 0n, endNanos: 1_000_000n, traceState: 'ot=th:fc,a=1' };
  assert.equal(sampler.atEnd(ended, true), undefined);
  assert.deepEqual(sampler.atEnd({ ...ended, status: 2 }, false), { name: 'error', traceState: 'ot=th:0,a=1' });
  assert.deepEqual(sampler.atEnd({ ...ended, endNanos: 100_000_000n }, true), {
    name: 'slow',
    traceState: 'ot=th:0,a=1',
  });
  assert.equal(sampler.atEnd({ ...ended, endNanos: 99_999_999n }, true), undefined);
  assert.equal(sampler.atEnd({ ...ended, endNanos: 100_000_000n }, false), undefined);
  const off = backlogSampler({ pressure: () => undefined, keepErrors: false });
  assert.equal(off.atEnd({ ...ended, status: 2 }, true), undefined);
});

// Bias

/** mulberry32: small, seeded, good enough for trace ids. */
const seeded = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
};
const word = (random: () => number) => random().toString(16).padStart(8, '0');

test('stays unbiased over 1,000 seeds under a saw-tooth backlog, and its intervals hold the truth in 93 to 97 of 100', () => {
  const seeds = 1000;
  const roots = 3000;
  const totals = { count: 0, errors: 0, millis: 0 };
  const truth = { errors: 0, millis: 0 };
  let covered = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const random = seeded(seed * 2_654_435_761 + 17);
    let fill = 0;
    const sampler = backlogSampler({ pressure: () => fill, keepSlowMs: 900 });
    const weights: number[] = [];
    for (let at = 0; at < roots; at++) {
      // From empty to 20 % over capacity and back to nothing, three times a run; the work is slower the fuller it is.
      fill = ((at % (roots / 3)) / (roots / 3)) * 1.2;
      const isError = random() % 50 === 0;
      const millis = (random() % 600) * (1 + fill);
      const traceId = word(random) + word(random) + word(random) + word(random);
      const result = sampler.shouldSample(ROOT_CONTEXT, traceId, 'root', kind, {}, []);
      const traceState = result.traceState?.serialize();
      const ended = {
        status: isError ? 2 : 0,
        startNanos: 0n,
        endNanos: BigInt(Math.round(millis * 1e6)),
        ...(traceState === undefined ? {} : { traceState }),
      };
      const stratum = sampler.atEnd(ended, true);
      truth.errors += isError ? 1 : 0;
      truth.millis += millis;
      if (stratum === undefined && result.decision !== decisions.sample) continue;
      const weight = adjustedCount(stratum?.traceState ?? traceState);
      weights.push(weight);
      totals.errors += isError ? weight : 0;
      totals.millis += weight * millis;
    }
    const estimate = estimateTotal(weights);
    totals.count += estimate.value;
    if (estimate.low <= roots && roots <= estimate.high) covered += 1;
  }
  const bias = {
    count: totals.count / (seeds * roots) - 1,
    errors: totals.errors / truth.errors - 1,
    millis: totals.millis / truth.millis - 1,
  };
  for (const [what, value] of Object.entries(bias)) assert.ok(Math.abs(value) < 0.01, `${what}: ${value}`);
  assert.ok(covered >= 0.93 * seeds && covered <= 0.97 * seeds, `${covered} of ${seeds}`);
});

test('changes no decision by redelivery or on another hop, however the backlog has moved meanwhile', () => {
  const random = seeded(7);
  let fill = 0;
  const producer = backlogSampler({ pressure: () => fill, keepErrors: false });
  const consumer = backlogSampler({ pressure: () => fill, stressed: () => fill > 1, keepErrors: false });
  for (let at = 0; at < 20_000; at++) {
    fill = (random() % 130) / 100;
    const traceId = word(random) + word(random) + word(random) + word(random);
    const sent = producer.shouldSample(ROOT_CONTEXT, traceId, 'send', kind, {}, []);
    const state = sent.traceState?.serialize();
    const context = childOf({
      traceId,
      traceFlags: sent.decision === decisions.sample ? 1 : 0,
      ...(state === undefined ? {} : { state }),
    });
    for (let delivery = 0; delivery < 3; delivery++) {
      fill = (random() % 130) / 100;
      const received = consumer.shouldSample(context, traceId, 'process', kind, {}, []);
      assert.equal(received.decision, sent.decision);
      assert.equal(received.traceState?.serialize(), state);
    }
  }
});
