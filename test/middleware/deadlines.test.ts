import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { unwatch, watch } from '../../lib/middleware/deadlines.ts';

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test('each deadline is told once, the nearest first, and none that was called off', async () => {
  const told: string[] = [];
  const late = watch(60, () => told.push('late'));
  const early = watch(20, () => told.push('early'));
  const off = watch(30, () => told.push('off'));
  watch(40, () => told.push('middle'));
  unwatch(off);
  while (told.length < 3) await wait(5);
  await wait(30);
  assert.deepEqual(told, ['early', 'middle', 'late']);
  unwatch(late);
  unwatch(early);
});

test('a timer that an earlier one left behind neither misses a later deadline nor tells it before its time', async () => {
  unwatch(watch(10, () => assert.fail('was called off')));
  const started = performance.now();
  const after = await new Promise<number>((resolve) => watch(50, () => resolve(performance.now() - started)));
  assert.ok(after >= 48, `after ${after} ms`);
});

test('a process ends when nothing is watched any more', () => {
  const file = join(import.meta.dirname, '../../lib/middleware/deadlines.ts');
  const code = `import { unwatch, watch } from ${JSON.stringify(file)};
    unwatch(watch(600_000, () => {}));
    const second = watch(600_000, () => {});
    unwatch(second);`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', code], {
    timeout: 60_000,
    encoding: 'utf8',
  });
  assert.equal(signal, null, 'was still running after a minute');
  assert.equal(status, 0, stderr);
});
