import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../lib/model/kubernetes-objects.ts';
import { effectiveResources } from '../../lib/watermark/effective-resources.ts';
import { inRange, predictLinear } from '../../lib/watermark/forecast.ts';
import { readQuantity } from '../../lib/watermark/quantity.ts';
import { readReplay } from '../../lib/watermark/read-replay.ts';
import { replay } from '../../lib/watermark/replay.ts';
import { activeAfterTicks, ourActiveAt } from '../support/prometheus-ticks.ts';
import type { OutageCase, PredictionCase, VectorCase } from '../support/watermark-cases.ts';

const vectors = <T>(name: string, atLeast = 150): T[] => {
  const list = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors', `${name}.json`), 'utf8')) as T[];
  assert.ok(list.length >= atLeast, `${name}: saw only ${list.length}`);
  return list;
};

test('quantities are read as apimachinery reads them, refusals included', () => {
  for (const [text, expected] of vectors<[string, string | null]>('quantities')) {
    const read = readQuantity(text);
    assert.equal('nanos' in read ? String(read.nanos) : null, expected, JSON.stringify(text));
  }
});

test('effective requests and limits are those of component-helpers', () => {
  type Lists = Record<'requests' | 'limits', Record<string, string>>;
  type Expected = Record<'spec' | 'status' | 'podStatus', Lists>;
  for (const { pod, expected } of vectors<{ pod: Pod; expected: Expected }>('effective-resources')) {
    for (const [options, lists] of [
      [{}, expected.spec],
      [{ useStatus: true }, expected.status],
      [{ useStatus: true, usePodStatus: true }, expected.podStatus],
    ] as const) {
      const { requests, limits, refused } = effectiveResources(pod, options);
      const texts = (amounts: Readonly<Record<string, bigint>>) =>
        Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]));
      assert.deepEqual({ requests: texts(requests), limits: texts(limits) }, lists, pod.metadata.name);
      assert.deepEqual(refused, []);
    }
  }
});

test('transitions are those of a Prometheus rule when low equals high', () => {
  for (const each of vectors<{ expected: unknown }>('prometheus-rules')) {
    const read = readReplay({
      rule: (each as never as { rule: unknown }).rule,
      readings: (each as never as { readings: unknown }).readings,
    });
    assert.ok('rule' in read);
    const [recording] = read.recordings;
    const moves = replay(read.rule, recording?.readings ?? []).transitions.map(({ at, from, to }) => ({
      at,
      from,
      to,
    }));
    assert.deepEqual(moves, each.expected);
  }
});

test('ticks over several series have the alerts active that a Prometheus rule has', async () => {
  for (const { expected, ...recording } of vectors<VectorCase & { expected: unknown }>('prometheus-vectors', 60)) {
    assert.deepEqual(await activeAfterTicks(recording), expected, JSON.stringify(recording));
  }
});

test('pending alerts come back after an outage as Prometheus restores them', () => {
  for (const { expected, ...outage } of vectors<OutageCase & { expected: number }>('prometheus-restore')) {
    assert.equal(ourActiveAt(outage), expected, JSON.stringify(outage));
  }
});

test('predict_linear answers as Prometheus does, to the last bit', () => {
  type Predicted = PredictionCase & { readonly expected: string | null };
  for (const { points, now, rangeSeconds, seconds, expected } of vectors<Predicted>('predict-linear')) {
    const seen = points.map(({ at, value }) => ({ at: Math.round(at * 1000), value: numberOf(value) }));
    const at = Math.round(now * 1000);
    const ours = predictLinear(inRange(seen, at, rangeSeconds), at, seconds);
    assert.equal(ours, expected === null ? undefined : numberOf(expected), JSON.stringify({ points, now, seconds }));
  }
});

const numberOf = (value: number | string): number => Number(String(value).replace('Inf', 'Infinity'));
