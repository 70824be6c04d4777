import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decompress, deflate, sniffEncoding } from '../../lib/adapters/compression.ts';
import type { Alert } from '../../lib/model/alert.ts';
import type { Bucket } from '../../lib/model/ports.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { closeWindow } from '../../lib/trace/close-window.ts';
import { prefixOf } from '../../lib/trace/window.ts';
import { aSpan } from '../support/a-span.ts';
import { memoryQueue, memoryTable } from '../support/memory.ts';

const minutes = (count: number) => `2026-01-01T00:${String(count).padStart(2, '0')}:00Z`;

/** Windows of a minute that are full of failures or of nothing. */
const scorer = () => {
  const clock = () => Date.parse(minutes(30));
  const objects = new Map<string, Uint8Array>();
  const bucket: Bucket = {
    get: async (key) => objects.get(key),
    put: async (key, body) => void objects.set(key, Uint8Array.from(body)),
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
  };
  const failures = Array.from({ length: 20 }, (_, at) =>
    aSpan({ traceId: String(at + 1).padStart(32, '0'), service: 'pay', status: 2 }),
  );
  const raised: string[] = [];
  const table = memoryTable(clock);
  let beforeBus: (() => Promise<unknown>) | undefined;
  const close = async (minute: number, { failing = true } = {}) => {
    const window = { windowStart: minutes(minute), partition: 0 };
    if (failing) objects.set(`${prefixOf(window)}spans`, gzipSync(encodeJson(failures)));
    return closeWindow(window, {
      bucket,
      table,
      bus: {
        put: async (events) => {
          const hook = beforeBus;
          beforeBus = undefined;
          await hook?.();
          for (const { detail } of events) {
            const { status, startsAt } = detail as Alert;
            raised.push(`${status} ${startsAt}`);
          }
        },
      },
      clock,
      log: () => undefined,
      thresholds: {},
      windowSeconds: 60,
      windows: memoryQueue(),
      decompress,
      deflate,
      sniffEncoding,
    });
  };
  return {
    close,
    raised,
    beforeNextBus: (hook: () => Promise<unknown>) => {
      beforeBus = hook;
    },
  };
};

describe('an episode', () => {
  it('stays one when the next window is scored while its first has not come to the bus yet', async () => {
    const { close, raised, beforeNextBus } = scorer();
    beforeNextBus(() => close(2));
    await close(1);
    assert.deepEqual([...new Set(raised)], ['firing 2026-01-01T00:01:00Z']);
    await close(5, { failing: false });
    assert.equal(raised.at(-1), 'resolved 2026-01-01T00:01:00Z');
  });

  it('begins once when its window dies before the bus and is scored again, after a later one', async () => {
    for (const laterFirst of [false, true]) {
      const { close, raised, beforeNextBus } = scorer();
      beforeNextBus(() => Promise.reject(new Error('the process is gone')));
      await assert.rejects(close(1), /gone/);
      for (const minute of laterFirst ? [2, 1] : [1, 2]) await close(minute);
      assert.deepEqual([...new Set(raised)], ['firing 2026-01-01T00:01:00Z']);
      await close(5, { failing: false });
      await close(5, { failing: false });
      assert.deepEqual(raised.slice(-1), ['resolved 2026-01-01T00:01:00Z']);
      assert.equal(raised.filter((each) => each.startsWith('resolved')).length, 1);
    }
  });

  it('ends when its fault was not seen for two windows, and the next one has its own beginning', async () => {
    const { close, raised } = scorer();
    await close(1);
    await close(2);
    await close(3, { failing: false });
    await close(4, { failing: false });
    assert.deepEqual(raised, ['firing 2026-01-01T00:01:00Z']);
    await close(5, { failing: false });
    await close(6);
    assert.deepEqual(raised.slice(1), ['resolved 2026-01-01T00:01:00Z', 'firing 2026-01-01T00:06:00Z']);
  });
});
