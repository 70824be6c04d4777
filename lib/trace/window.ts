import type { Span } from '../model/span.ts';

/** Where spans of one window and partition are kept, and how a batch of them is named. */
export interface WindowPart {
  /** RFC 3339 to the second, UTC: `2026-01-01T00:05:00Z`. */
  readonly windowStart: string;
  readonly partition: number;
  readonly spans: readonly Span[];
}

/** The message that closes a window. */
export interface WindowClosed {
  readonly windowStart: string;
  readonly partition: number;
}

export const windowStartOf = (nanos: bigint, windowSeconds: number): string => {
  const length = BigInt(windowSeconds) * 1_000_000_000n;
  return new Date(Number(((nanos / length) * length) / 1_000_000n)).toISOString().replace('.000Z', 'Z');
};

/** FNV-1a 32 of the trace id, modulo the partitions: every service of a trace ends in the same one. */
export const partitionOf = (traceId: string, partitions: number): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < traceId.length; at += 1) hash = Math.imul(hash ^ traceId.charCodeAt(at), 0x01000193) >>> 0;
  return hash % partitions;
};

/** Divides spans among windows (by their start) and partitions. */
export const windowParts = (spans: readonly Span[], windowSeconds: number, partitions: number): WindowPart[] => {
  const parts: WindowPart[] = [];
  const windows = new Map<string, (Span[] | undefined)[]>();
  const length = BigInt(windowSeconds) * 1_000_000_000n;
  // Most spans of a batch lie in the window of the one before, so that comparing is all that they cost.
  let from = 1n;
  let until = 0n;
  let windowStart = '';
  let current: (Span[] | undefined)[] = [];
  for (const span of spans) {
    const start = span.startNanos;
    if (start < from || start >= until) {
      from = (start / length) * length;
      until = from + length;
      windowStart = windowStartOf(start, windowSeconds);
      const known = windows.get(windowStart);
      current = known ?? [];
      if (known === undefined) windows.set(windowStart, current);
    }
    const partition = partitions === 1 ? 0 : partitionOf(span.traceId, partitions);
    const list = current[partition];
    if (list !== undefined) list.push(span);
    else {
      const own = [span];
      current[partition] = own;
      parts.push({ windowStart, partition, spans: own });
    }
  }
  return parts;
};

/** FNV-1a 64 of a batch's content: a redelivered batch gets the same key and rewrites the same object. */
export const batchKey = (content: string): string => {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let at = 0; at < content.length; at += 1) {
    low = (low ^ content.charCodeAt(at)) >>> 0;
    // 64-bit multiplication by the FNV prime 2^40 + 0x1b3, in halves.
    const product = low * 0x1b3;
    const carry = Math.floor(product / 2 ** 32);
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
};

export const prefixOf = ({ windowStart, partition }: WindowClosed): string => `spans/${windowStart}/${partition}/`;

/** Where a window's page, score and pictures are. */
export const reportPrefixOf = ({ windowStart, partition }: WindowClosed): string =>
  `reports/${windowStart}/${partition}/`;

/** The message in a body, or why it is none. */
export const parseWindowClosed = (body: string): WindowClosed | { readonly error: string } => {
  try {
    const { windowStart, partition } = JSON.parse(body) as Partial<WindowClosed>;
    if (typeof windowStart !== 'string' || Number.isNaN(Date.parse(windowStart)))
      return { error: 'windowStart is not an RFC 3339 time' };
    if (typeof partition !== 'number' || !Number.isInteger(partition) || partition < 0)
      return { error: 'partition is not a whole number' };
    return { windowStart, partition };
  } catch (thrown) {
    return { error: `is not JSON: ${(thrown as Error).message}` };
  }
};
