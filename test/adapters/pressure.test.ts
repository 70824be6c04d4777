import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pressureReader } from '../../lib/adapters/pressure.ts';
import { Failure } from '../../lib/model/failure.ts';
import { memoryTable } from '../support/memory.ts';

const minute = 60_000;
const item = (fill: number, at: number) => ({
  pk: 'pressure',
  sk: 'orders',
  level: 'high',
  fill,
  backlog: 1,
  capacity: 1,
  at,
});

test('answers from memory, and reads the table only when asked to and at most every 15 s', async () => {
  let now = 1_000_000;
  const table = memoryTable(() => now);
  let reads = 0;
  const counting = {
    get: (pk: string, sk: string) => {
      reads += 1;
      return table.get(pk, sk);
    },
  };
  const reader = pressureReader({ table: counting, queue: 'orders', clock: () => now });
  await table.put(item(0.8, now));
  assert.equal(reader.fill(), undefined);
  assert.equal(reads, 0);
  await Promise.all([reader.refresh(), reader.refresh()]);
  assert.equal(reader.fill(), 0.8);
  assert.equal(reads, 1);
  await table.put(item(0.4, now));
  now += 14_999;
  assert.equal(reader.refresh(), undefined);
  assert.equal(reader.fill(), 0.8);
  now += 1;
  await reader.refresh();
  assert.equal(reader.fill(), 0.4);
});

test('keeps the last value when reading fails, lets it fade after two minutes, and says so once', async () => {
  let now = 0;
  let isDown = false;
  const lines: unknown[] = [];
  const reader = pressureReader({
    table: {
      get: async () => {
        if (isDown) throw new Failure('unavailable', 'throttled');
        return item(0.8, now);
      },
    },
    queue: 'orders',
    clock: () => now,
    log: (level, message, fields) => lines.push([level, message, fields]),
  });
  await reader.refresh();
  isDown = true;
  for (now = 30_000; now <= 2 * minute; now += 30_000) await reader.refresh();
  now = 2 * minute;
  assert.equal(reader.fill(), 0.8);
  now = 2 * minute + 2.5 * minute;
  assert.equal(reader.fill(), 0.4);
  now = 7 * minute;
  assert.equal(reader.fill(), undefined);
  assert.equal(lines.length, 1);
  assert.match(JSON.stringify(lines[0]), /warn.*orders.*throttled/);
  isDown = false;
  await reader.refresh();
  assert.equal(reader.fill(), 0.8);
});

test('an item that nobody renews fades although it is read, and one that is gone or no pressure counts for nothing', async () => {
  let now = 0;
  let stored: object | undefined = item(0.9, 0);
  const reader = pressureReader({ table: { get: async () => stored as never }, queue: 'orders', clock: () => now });
  await reader.refresh();
  now = 10 * minute;
  await reader.refresh();
  assert.equal(reader.fill(), undefined);
  stored = { ...item(0.9, now), fill: 'much' };
  now += minute;
  await reader.refresh();
  assert.equal(reader.fill(), undefined);
  stored = item(0.5, now);
  now += minute;
  await reader.refresh();
  assert.equal(reader.fill(), 0.5);
  stored = undefined;
  now += minute;
  await reader.refresh();
  assert.equal(reader.fill(), undefined);
});
