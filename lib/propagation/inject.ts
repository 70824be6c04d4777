import type { Setter } from '../model/carrier.ts';
import type { BaggageEntry, TraceContext } from '../model/trace-context.ts';
import { writeBaggage } from './baggage.ts';
import type { Format } from './format.ts';
import { w3c, writeW3c } from './formats/w3c.ts';
import { type Propagation, standard } from './propagation.ts';

/** What is wrong with a context that cannot be written is the caller's bug, never a reason to fail a send: it is not written. */
const isWritable = (context: TraceContext): boolean => context.traceId.length === 32 && context.spanId.length === 16;

/**
 * Writes a context in every configured format, most important first, then baggage. `set` answers false when it has no room;
 * a format stops at its first name that finds none.
 */
export const inject = (
  context: TraceContext,
  set: (name: string, value: string) => unknown,
  using: Propagation = standard,
  baggage?: readonly BaggageEntry[],
): void => {
  if (!isWritable(context)) return;
  const { writes } = using;
  for (let at = 0; at < writes.length; at++) {
    const format = writes[at] as Format;
    // By its own name what nearly everybody writes is compiled into the caller; a call through the table costs more than the text.
    if (format === w3c) writeW3c(context, set);
    else format.write(context, set);
  }
  if (baggage !== undefined && using.carriesBaggage) {
    const header = writeBaggage(baggage);
    if (header !== '') set('baggage', header);
  }
};

/** What a carrier can still take. */
export interface Room {
  /** Names that are there already, in any case: they are never overwritten, and take no new slot. */
  readonly taken: readonly string[];
  /** How many more names fit. */
  readonly slots: number;
  /** How many more bytes fit, names and values in UTF-8 together with `overhead` for each. */
  readonly bytes: number;
  /** Bytes that each entry costs besides its name and value: 6 for the type name `String` in SQS. */
  readonly overhead: number;
}

/** What was written and what found no room; the names of both. */
export interface Fitted {
  readonly written: readonly string[];
  readonly dropped: readonly string[];
}

/**
 * Injects what fits, by priority: the first format's fields, then `tracestate` before `baggage`, then the other formats.
 * A message that already carries any of the formats' ids is left as it is: a creation context is never modified.
 */
export const injectWithin = (
  context: TraceContext,
  room: Room,
  write: (name: string, value: string) => void,
  using: Propagation = standard,
  baggage?: readonly BaggageEntry[],
): Fitted => {
  const taken = new Set(room.taken.map((name) => name.toLowerCase()));
  const carried = using.writes.some(({ fields: [first = ''] }) => taken.has(first.toLowerCase()));
  if (carried) return { written: [], dropped: [] };
  const written: string[] = [];
  const dropped: string[] = [];
  let { slots, bytes } = room;
  const set: Setter = (name, value) => {
    if (taken.has(name.toLowerCase())) return true;
    const size = Buffer.byteLength(name) + Buffer.byteLength(value) + room.overhead;
    if (slots < 1 || size > bytes) {
      dropped.push(name);
      return false;
    }
    slots--;
    bytes -= size;
    write(name, value);
    written.push(name);
    return true;
  };
  // One round per format keeps ids that belong together together: a format that does not fit whole is not begun.
  for (const [at, format] of using.writes.entries()) {
    if (at === 1) setBaggage(baggage, using, set);
    const needed: [string, string][] = [];
    format.write(context, (name, value) => needed.push([name, value]));
    if (format.name !== 'w3c' && needed.length > slots) dropped.push(...needed.map(([name]) => name));
    else format.write(context, set);
  }
  if (using.writes.length < 2) setBaggage(baggage, using, set);
  return { written, dropped };
};

const setBaggage = (baggage: readonly BaggageEntry[] | undefined, using: Propagation, set: Setter): void => {
  const header = baggage === undefined || !using.carriesBaggage ? '' : writeBaggage(baggage);
  if (header !== '') set('baggage', header);
};
