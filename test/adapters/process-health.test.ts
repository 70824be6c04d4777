import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type HealthListener, lambdaCpus, processHealth } from '../../lib/adapters/process-health.ts';

const nothing: HealthListener = { cpu: () => undefined, collected: () => undefined, tick: () => undefined };

test('tells the share of the CPU that the function has, between two looks at least a second apart', () => {
  let at = 0;
  let micros = 0;
  const told: number[][] = [];
  const health = processHealth({
    listener: { ...nothing, cpu: (...all) => void told.push(all) },
    cpus: 0.5,
    monotonic: () => at,
    cpuMicros: () => micros,
  });
  try {
    at = 999;
    health.look();
    assert.deepEqual(told, []);
    at = 2000;
    micros = 500_000;
    health.look();
    at = 3000;
    // The collector's threads included: more than there is.
    micros = 2_500_000;
    health.look();
    assert.deepEqual(told, [
      [0.5, 0, 2000],
      [1, 2000, 3000],
    ]);
  } finally {
    health.stop();
  }
});

test('a Lambda function has a whole CPU from 1769 MB on', () => {
  assert.equal(lambdaCpus({}), 1);
  assert.equal(lambdaCpus({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769' }), 1);
  assert.equal(lambdaCpus({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008' }), 1);
  assert.equal(lambdaCpus({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' }), 512 / 1769);
  assert.equal(lambdaCpus({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: 'x' }), 1);
});

test('hears of each major collection, and of no minor one', async () => {
  // A process of its own could not be looked into, and the flag of --expose-gc belongs to a thread's options.
  const worker = new Worker(
    `import { parentPort } from 'node:worker_threads';
     import { setFlagsFromString } from 'node:v8';
     import { runInNewContext } from 'node:vm';
     import { processHealth } from ${JSON.stringify(new URL('../../lib/adapters/process-health.ts', import.meta.url).href)};
     setFlagsFromString('--expose-gc');
     const gc = runInNewContext('gc');
     let count = 0;
     const health = processHealth({ listener: { cpu() {}, tick() {}, collected: () => { count += 1; } } });
     for (let at = 0; at < 30; at++) gc({ type: 'minor' });
     for (let at = 0; at < 3; at++) gc({ type: 'major' });
     // Reported when the machine gets round to it; a busy one takes its time.
     const until = Date.now() + 10_000;
     const settle = () => {
       if (count < 3 && Date.now() < until) return setTimeout(settle, 10);
       setTimeout(() => { health.stop(); parentPort.postMessage(count); }, 50);
     };
     settle();`,
    { eval: true },
  );
  const [count] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  // V8 may think of one itself.
  assert.ok(count >= 3 && count < 10, `${count}`);
});

test('keeps no process alive', async () => {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `import { processHealth } from ${JSON.stringify(new URL('../../lib/adapters/process-health.ts', import.meta.url).href)};
     processHealth({ listener: { cpu() {}, tick() {}, collected() {} } });`,
  ]);
  const ended = await Promise.race([once(child, 'exit'), wait(20_000, undefined, { ref: false })]);
  if (ended === undefined) child.kill();
  assert.equal(ended?.[0], 0);
});
