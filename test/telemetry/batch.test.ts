import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackEnd } from '../../lib/model/back-end.ts';
import type { Span } from '../../lib/model/span.ts';
import { type BatchOptions, spanBatches } from '../../lib/telemetry/batch.ts';
import { aSpan } from '../support/a-span.ts';

const set = (options: Partial<BatchOptions> = {}) => {
  const batches: (readonly Span[])[] = [];
  const budgets: number[] = [];
  const lines: string[] = [];
  const timers: { ms: number; call: () => void; cancelled: boolean }[] = [];
  let now = 0;
  const backEnd: BackEnd = {
    name: 'test',
    export: async (spans, deadlineMs) => {
      batches.push(spans);
      budgets.push(deadlineMs);
      return { kept: spans.length, dropped: {} };
    },
  };
  const made = spanBatches({
    backEnd,
    maxQueue: 10,
    maxBatch: 5,
    timeoutMs: 1000,
    clock: () => now,
    later: (ms, call) => {
      const timer = { ms, call, cancelled: false };
      timers.push(timer);
      return () => {
        timer.cancelled = true;
      };
    },
    log: (level, message, fields) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...options,
  });
  return { ...made, batches, budgets, lines, timers, pass: (ms: number) => (now += ms) };
};
const turn = () => new Promise((done) => setImmediate(done));

test('a flush sends what has finished, and nothing twice', async () => {
  const { keep, flush, batches } = set();
  await flush(100);
  assert.equal(batches.length, 0);
  keep(aSpan({ name: 'one' }));
  await flush(100);
  await flush(100);
  assert.deepEqual(
    batches.map((spans) => spans.map(({ name }) => name)),
    [['one']],
  );
});

test('a full batch leaves by itself; the queue takes its limit, one more is dropped and counted', async () => {
  let release: () => void = () => undefined;
  const sent: number[] = [];
  const { keep, flush, lines } = set({
    backEnd: {
      name: 'slow',
      export: (spans) => {
        sent.push(spans.length);
        return new Promise((done) => {
          release = () => done({ kept: spans.length, dropped: {} });
        });
      },
    },
  });
  for (let each = 0; each < 5; each++) keep(aSpan());
  assert.deepEqual(sent, [5]);
  for (let each = 0; each < 10; each++) keep(aSpan());
  keep(aSpan());
  const flushed = flush(100);
  for (let each = 0; each < 4; each++) {
    release();
    await turn();
  }
  await flushed;
  assert.deepEqual(sent, [5, 5, 5]);
  assert.deepEqual(lines, ['warn spans were dropped: the queue was full {"dropped":1,"maxQueue":10}']);
});

test('an export is given what is left of the flush, and its own timeout at most', async () => {
  const { keep, flush, budgets } = set();
  keep(aSpan());
  await flush(300);
  keep(aSpan());
  await flush(5000);
  assert.deepEqual(budgets, [300, 1000]);
});

test('batches that find no more time wait for the next flush', async () => {
  const sent: number[] = [];
  let now = 0;
  const { keep, flush } = set({
    clock: () => now,
    maxBatch: 6,
    backEnd: {
      name: 'slow',
      export: async (spans) => {
        sent.push(spans.length);
        now += 400;
        return { kept: spans.length, dropped: {} };
      },
    },
  });
  for (let each = 0; each < 5; each++) keep(aSpan());
  await flush(300);
  assert.deepEqual(sent, [5]);
});

test('a back end that breaks its promise or loses spans is told of, and the flush goes on', async () => {
  const { keep, flush, lines } = set({
    backEnd: { name: 'broken', export: () => Promise.reject(new Error('no')) },
  });
  keep(aSpan());
  await flush(100);
  assert.match(lines[0] ?? '', /not exported.*"broken".*no/);
  const losing = set({ backEnd: { name: 'losing', export: async () => ({ kept: 0, dropped: { throttled: 1 } }) } });
  losing.keep(aSpan());
  await losing.flush(100);
  assert.match(losing.lines[0] ?? '', /not exported.*"throttled":1/);
});

test('with a delay spans leave although nobody flushes, and a flush in between calls that off', async () => {
  const { keep, flush, timers, batches } = set({ delayMs: 50 });
  keep(aSpan());
  keep(aSpan());
  assert.deepEqual(
    timers.map(({ ms }) => ms),
    [50],
  );
  await flush(100);
  assert.equal(timers[0]?.cancelled, true);
  keep(aSpan());
  timers[1]?.call();
  await turn();
  assert.equal(batches.length, 2);
});

test('without a delay nothing leaves before the flush', async () => {
  const { keep, timers, batches } = set();
  keep(aSpan());
  await turn();
  assert.deepEqual([timers.length, batches.length], [0, 0]);
});

test('a collector that nobody asked for is not missed', async () => {
  const { keep, flush, lines } = set({
    backEnd: { name: 'otlp', export: async (spans) => ({ kept: 0, dropped: { 'no-collector': spans.length } }) },
  });
  keep(aSpan());
  await flush(100);
  assert.deepEqual(lines, []);
});
