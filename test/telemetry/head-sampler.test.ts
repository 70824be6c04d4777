import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTraceState, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { headSampler, type SamplerName } from '../../lib/telemetry/head-sampler.ts';

const traceId = (randomness: string) => `4bf92f3577b34da6a3${randomness}`;
const under = (traceFlags: number, state?: string) =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceId('00000000000000'),
    spanId: '00f067aa0ba902b7',
    traceFlags,
    isRemote: true,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  });
const ask = (name: SamplerName, ratio: number, context = ROOT_CONTEXT, id = traceId('80000000000000')) =>
  headSampler({ name, ratio }).shouldSample(context, id, 'span', SpanKind.SERVER, {}, []);

test('each name decides about roots and children as OpenTelemetry has it', () => {
  const table: [SamplerName, number, number, number][] = [
    // root, child of a sampled parent, child of one that is not
    ['always_on', 2, 2, 2],
    ['always_off', 0, 0, 0],
    ['traceidratio', 2, 2, 2],
    ['parentbased_always_on', 2, 2, 0],
    ['parentbased_always_off', 0, 2, 0],
    ['parentbased_traceidratio', 2, 2, 0],
  ];
  for (const [name, root, sampled, unsampled] of table) {
    const decisions = [ROOT_CONTEXT, under(1), under(0)].map((context) => ask(name, 0.5, context).decision);
    assert.deepEqual(decisions, [root, sampled, unsampled], name);
  }
});

test('a ratio keeps what reaches its threshold, and says so in tracestate', () => {
  assert.equal(ask('traceidratio', 0.5, ROOT_CONTEXT, traceId('7fffffffffffff')).decision, 0);
  const kept = ask('traceidratio', 0.5);
  assert.equal(kept.decision, 2);
  assert.equal(kept.traceState?.serialize(), 'ot=th:8');
  assert.equal(ask('traceidratio', 0, ROOT_CONTEXT, traceId('ffffffffffffff')).decision, 0);
  assert.equal(ask('traceidratio', 1, ROOT_CONTEXT, traceId('00000000000000')).decision, 2);
});

test('explicit randomness prevails over the trace id, and other members stay', () => {
  const kept = ask('traceidratio', 0.5, under(0, 'a=1,ot=rv:ffffffffffffff;th:c;x:y'), traceId('00000000000000'));
  assert.equal(kept.decision, 2);
  assert.equal(kept.traceState?.serialize(), 'ot=th:8;rv:ffffffffffffff;x:y,a=1');
  const dropped = ask('traceidratio', 0.5, under(1, 'a=1,ot=th:c'), traceId('00000000000000'));
  assert.equal(dropped.decision, 0);
  assert.equal(dropped.traceState?.serialize(), 'a=1');
});

test('what a lower ratio keeps, a higher one keeps as well', () => {
  const hex = fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: 14, maxLength: 14 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(
      hex,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (low, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const keeps = (ratio: number) => ask('traceidratio', ratio, ROOT_CONTEXT, traceId(low)).decision === 2;
        assert.ok(!keeps(less) || keeps(more));
      },
    ),
  );
});
