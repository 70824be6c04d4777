import type { Span } from '../model/span.ts';
import { type Decoded, decodeJson, decodeProto } from './decode.ts';
import type { PackedSpans } from './pack-spans.ts';
import { hashOfText, isPlaced } from './placed-span.ts';

/** Where spans of one window and partition are kept, and how a batch of them is named. */
export interface WindowPart {
  /** RFC 3339 to the second, UTC: `2026-01-01T00:05:00Z`. */
  readonly windowStart: string;
  readonly partition: number;
  readonly spans: readonly Span[];
}

/** The message that closes a window, or a part of one that is too large to be scored at once. */
export interface WindowClosed {
  readonly windowStart: string;
  readonly partition: number;
  readonly part?: WindowPartRef;
}

/** One of so many parts that the traces of a window and partition are divided into, counted from 0. */
export interface WindowPartRef {
  readonly index: number;
  readonly of: number;
}

export const windowStartOf = (nanos: bigint, windowSeconds: number): string =>
  startText(Number(nanos / 1_000_000_000n), windowSeconds);

const startText = (seconds: number, windowSeconds: number): string =>
  new Date((seconds - (seconds % windowSeconds)) * 1000).toISOString().replace('.000Z', 'Z');

/** FNV-1a 32 of the trace id, modulo the partitions: every service of a trace ends in the same one. */
export const partitionOf = (traceId: string, partitions: number): number => hashOfText(traceId) % partitions;

/** Divides spans among windows (by their start) and partitions. */
export const windowParts = (spans: readonly Span[], windowSeconds: number, partitions: number): WindowPart[] => {
  const parts: WindowPart[] = [];
  const windows = new Map<string, (Span[] | undefined)[]>();
  // Most spans of a batch lie in the window of the one before, so that comparing is all that they cost.
  let from = 1;
  let until = 0;
  let windowStart = '';
  let current: (Span[] | undefined)[] = [];
  for (const span of spans) {
    const seconds = isPlaced(span) ? span.startSeconds : Number(span.startNanos / 1_000_000_000n);
    if (seconds < from || seconds >= until) {
      from = seconds - (seconds % windowSeconds);
      until = from + windowSeconds;
      windowStart = startText(seconds, windowSeconds);
      const known = windows.get(windowStart);
      current = known ?? [];
      if (known === undefined) windows.set(windowStart, current);
    }
    const partition = partitions === 1 ? 0 : (isPlaced(span) ? span.traceHash : hashOfText(span.traceId)) % partitions;
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

/** The key of a body of spans in a window: `name` derives from its content, so a redelivered batch rewrites its object. */
export const objectKeyOf = (window: WindowClosed, { format }: PackedSpans, name: string): string =>
  `${prefixOf(window)}${name}.${format === 'json' ? 'json' : 'pb'}.zst`;

/** Reads an object of a window again, unpacked. */
export const decodeStored = (key: string, plain: Uint8Array): Decoded =>
  key.includes('.pb') ? decodeProto(plain) : decodeJson(plain);

export const prefixOf = ({ windowStart, partition }: WindowClosed): string => `spans/${windowStart}/${partition}/`;

/** Where the page, the score and the pictures of a window, or of a part of one, are. */
export const reportPrefixOf = ({ windowStart, partition, part }: WindowClosed): string =>
  `reports/${windowStart}/${partition}/${part === undefined ? '' : `part-${part.index + 1}-of-${part.of}/`}`;

/** The message in a body, or why it is none. */
export const parseWindowClosed = (body: string): WindowClosed | { readonly error: string } => {
  try {
    const { windowStart, partition, part } = JSON.parse(body) as Partial<WindowClosed>;
    if (typeof windowStart !== 'string' || Number.isNaN(Date.parse(windowStart)))
      return { error: 'windowStart is not an RFC 3339 time' };
    if (typeof partition !== 'number' || !Number.isInteger(partition) || partition < 0)
      return { error: 'partition is not a whole number' };
    if (part === undefined) return { windowStart, partition };
    const { index, of } = part ?? {};
    if (!Number.isInteger(index) || !Number.isInteger(of) || index < 0 || index >= of)
      return { error: 'part is not one of a whole number of parts' };
    return { windowStart, partition, part: { index, of } };
  } catch (thrown) {
    return { error: `is not JSON: ${(thrown as Error).message}` };
  }
};
