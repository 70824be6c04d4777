import { compress, decompress, deflate, sniffEncoding } from '../../lib/adapters/compression.ts';
import { contentName } from '../../lib/adapters/crypto.ts';
import { batchReply } from '../../lib/message/batch-reply.ts';
import { bodyOf, recordsOf } from '../../lib/message/records.ts';
import type { Bucket } from '../../lib/model/ports.ts';
import { protobufEncoder } from '../../lib/telemetry/encode.ts';
import { closeWindow } from '../../lib/trace/close-window.ts';
import { collector } from '../../lib/trace/collect.ts';
import type { PartLimits } from '../../lib/trace/read-window.ts';
import type { WindowClosed } from '../../lib/trace/window.ts';
import { memoryQueue, memoryTable } from './memory.ts';

export const windowStart = '2026-01-01T00:00:00Z';

export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** The collector and the scorer on a bucket, a table and a queue in memory, wired as the functions wire them. */
export const spanHouse = (
  options: {
    now?: number;
    slackSeconds?: number;
    partitions?: number;
    foreign?: ReadonlyMap<string, Uint8Array>;
    limits?: PartLimits;
    mostHeld?: PartLimits;
  } = {},
) => {
  const { slackSeconds = 30, partitions = 1, foreign = new Map<string, Uint8Array>(), limits, mostHeld } = options;
  const time = { now: options.now ?? Date.parse(windowStart) + 30_000 };
  const clock = () => time.now;
  const objects = new Map<string, Uint8Array>();
  const bucket: Bucket = {
    get: async (key) => objects.get(key),
    put: async (key, body) => void objects.set(key, Uint8Array.from(body)),
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
  };
  const table = memoryTable(clock);
  const windows = memoryQueue();
  const logged: Logged[] = [];
  const log = (level: string, message: string, fields?: Readonly<Record<string, unknown>>) =>
    void logged.push({ level, message, fields });
  const encode = protobufEncoder();
  const collect = collector({
    bucket,
    table,
    windows,
    windowSeconds: 60,
    slackSeconds,
    partitions,
    clock,
    log,
    encode: (spans) => ({ format: 'protobuf', bytes: encode(spans) }),
    compress,
    contentName,
    objects: async (name, key) => foreign.get(`${name}/${key}`),
    decompress,
    sniffEncoding,
    ...(mostHeld === undefined ? {} : { mostHeld }),
  });
  /** As functions/collect-spans.ts does for triggers with records. */
  const collectRecords = async (event: unknown) => {
    const messages = recordsOf(event);
    const failed = await collect.records(messages.map(bodyOf));
    return batchReply(messages, new Set(messages.filter((_, index) => failed.has(index))));
  };
  const alerts: unknown[] = [];
  const closing = {
    bucket,
    table,
    bus: {
      put: async (events: readonly { readonly detail: unknown }[]) =>
        void alerts.push(...events.map(({ detail }) => detail)),
    },
    windows,
    ...(limits === undefined ? {} : { limits }),
    clock,
    log,
    thresholds: {},
    windowSeconds: 60,
    decompress,
    deflate,
    sniffEncoding,
  };
  const closed = (window: WindowClosed) => closeWindow(window, closing);
  const close = async (partition = 0, start = windowStart) => {
    const scored = await closed({ windowStart: start, partition });
    if (scored === undefined) throw new Error('the window was divided');
    return scored;
  };
  return {
    collect,
    collectRecords,
    close,
    closed,
    closing,
    objects,
    bucket,
    table,
    sent: windows.sent,
    logged,
    alerts,
    time,
  };
};

/** How many spans were refused, by reason, as it was told in log lines. */
export const refusals = (logged: readonly Logged[]): Record<string, number> => {
  const sum: Record<string, number> = {};
  for (const { fields } of logged) {
    for (const [reason, count] of Object.entries((fields?.['refused'] as Record<string, number>) ?? {})) {
      sum[reason] = (sum[reason] ?? 0) + count;
    }
  }
  return sum;
};
