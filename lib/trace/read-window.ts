import type { Bucket } from '../model/ports.ts';
import type { Span } from '../model/span.ts';
import { distinctCounter } from './distinct.ts';
import { freeBytes } from './free-bytes.ts';
import { inTurns } from './in-turns.ts';
import { packSpans } from './pack-spans.ts';
import { hashOfText, isPlaced } from './placed-span.ts';
import { decodeStored, prefixOf, type WindowClosed, type WindowPartRef } from './window.ts';

export interface WindowReading {
  readonly bucket: Pick<Bucket, 'get' | 'list'>;
  readonly decompress: (bytes: Uint8Array, encoding: string | undefined) => Promise<Uint8Array>;
  readonly sniffEncoding: (bytes: Uint8Array) => string | undefined;
  /** @default `partLimits` */
  readonly limits?: PartLimits;
}

/** What is scored at once: different spans, and bytes of unpacked bodies. */
export interface PartLimits {
  readonly spans: number;
  readonly bytes: number;
}

/** Scoring takes up to 2.5 KB a span beside its body: with these a function of 1,769 MB is half full. */
export const partLimits: PartLimits = { spans: 250_000, bytes: 256 * 2 ** 20 };

/** A window that is more than can be scored at once: into how many parts it is to be divided, and what it holds. */
export interface Oversize {
  readonly parts: number;
  readonly holds: PartLimits;
}

/**
 * The spans of a window and partition, or of the part of it that is asked for. A whole one that is beyond the limits is counted, not
 * held. Spans count once, however often they were delivered, so that the number of parts is that of the spans.
 */
export const readWindow = async (
  window: WindowClosed,
  reading: WindowReading,
): Promise<{ readonly spans: readonly Span[] } | Oversize> => {
  const { part } = window;
  if (part !== undefined) return { spans: await readPart(window, part, reading) };
  const { limits = partLimits } = reading;
  const held: (readonly Span[])[] = [];
  const raw = { spans: 0, bytes: 0 };
  await eachBody(window, reading, ({ spans, bytes, free }, at) => {
    raw.spans += spans.length;
    raw.bytes += bytes;
    if (isWithin(raw, limits)) held[at] = spans;
    else {
      held.length = 0;
      free();
    }
  });
  if (isWithin(raw, limits)) return { spans: held.flat() };
  const counter = distinctCounter(2 * limits.spans);
  await eachBody(window, reading, ({ spans, free }) => {
    for (const span of spans) counter.add(identityOf(span));
    free();
  });
  const spans = counter.count();
  const parts = Math.ceil(Math.max(spans / limits.spans, raw.bytes / limits.bytes));
  // Within the limits but for what came more than once.
  if (parts <= 1) return { spans: await readPart(window, { index: 0, of: 1 }, reading) };
  return { parts, holds: { spans, bytes: raw.bytes } };
};

const isWithin = ({ spans, bytes }: PartLimits, limits: PartLimits): boolean =>
  spans <= limits.spans && bytes <= limits.bytes;

const readPart = async (
  window: WindowClosed,
  part: WindowPartRef,
  reading: WindowReading,
): Promise<readonly Span[]> => {
  const held: (readonly Span[])[] = [];
  await eachBody(window, reading, (body, at) => {
    held[at] = ofPart(body, part);
  });
  return held.flat();
};

interface Body {
  readonly spans: readonly Span[];
  readonly bytes: number;
  /** To be called when none of the spans is needed any more. */
  readonly free: () => void;
}

/** Calls for every object of a window with its spans, as they come; `at` is its place among the keys. */
const eachBody = async (
  window: WindowClosed,
  { bucket, decompress, sniffEncoding }: WindowReading,
  visit: (body: Body, at: number) => void,
): Promise<void> => {
  // Objects are fetched some at a time; unpacked they are large, so that is done for one after the other.
  let unpacking: Promise<void> = Promise.resolve();
  await inTurns(await bucket.list(prefixOf(window)), async (key, at) => {
    const packed = await bucket.get(key);
    if (packed === undefined) return;
    unpacking = unpacking.then(async () => {
      const plain = await decompress(packed, sniffEncoding(packed));
      const free = () => (plain === packed ? undefined : freeBytes(plain));
      visit({ spans: decodeStored(key, plain).spans, bytes: plain.length, free }, at);
    });
    await unpacking;
  });
};

/** Spans of one part in bodies of their own, so that the rest of what they came in need not be held. */
const ofPart = ({ spans, free }: Body, part: WindowPartRef): readonly Span[] => {
  const own = spans.filter((span) => partOf(traceHashOf(span), part.of) === part.index);
  if (own.length === spans.length) return own;
  const others: Span[] = [];
  const bodies = packSpans(own, (rest) => {
    others.push(...rest);
    return { format: 'protobuf', bytes: new Uint8Array() };
  });
  const again = bodies.flatMap(({ format, bytes }) => decodeStored(extensions[format], bytes).spans);
  if (others.length === 0) free();
  return [...again, ...others];
};

const extensions = { protobuf: '.pb', json: '.json' } as const;

/** Which part of a window the traces of a hash are in. Mixed first: modulo the partitions, all hashes of a window are alike. */
export const partOf = (traceHash: number, parts: number): number => mixed(traceHash) % parts;

const traceHashOf = (span: Span): number => (isPlaced(span) ? span.traceHash : hashOfText(span.traceId));

/** 53 bits of what makes a span the same: its ids and its kind. */
const identityOf = (span: Span): number => {
  const traceHash = traceHashOf(span);
  const spanHash = isPlaced(span) ? span.spanHash : hashOfText(span.spanId);
  return (traceHash & 0x1fffff) * 2 ** 32 + mixed(traceHash ^ Math.imul(spanHash, 0x9e3779b1) ^ span.kind);
};

/** Every bit of the result depends on all of the hash (the last step of MurmurHash3, 32 bits). */
const mixed = (hash: number): number => {
  const one = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const other = Math.imul(one ^ (one >>> 13), 0xc2b2ae35);
  return (other ^ (other >>> 16)) >>> 0;
};
