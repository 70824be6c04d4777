import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../lib/model/kubernetes-objects.ts';
import { effectiveResources } from '../../lib/watermark/effective-resources.ts';
import { readQuantity } from '../../lib/watermark/quantity.ts';
import { readReplay } from '../../lib/watermark/read-replay.ts';
import { replay } from '../../lib/watermark/replay.ts';

const vectors = <T>(name: string): T[] => {
  const list = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors', `${name}.json`), 'utf8')) as T[];
  assert.ok(list.length >= 150, `${name}: saw only ${list.length}`);
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
  for (const { pod, expected } of vectors<{ pod: Pod; expected: { spec: Lists; status: Lists } }>(
    'effective-resources',
  )) {
    for (const [useStatus, lists] of [
      [false, expected.spec],
      [true, expected.status],
    ] as const) {
      const { requests, limits, refused } = effectiveResources(pod, { useStatus });
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
