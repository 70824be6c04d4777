import type { Clock, Random } from '../model/ports.ts';

/** The machine's own time. */
export const systemClock: Clock = () => Date.now();

/** Milliseconds that nothing sets back, from the start of the process: the time line of `node:perf_hooks`. */
export const systemMonotonic = (): number => performance.now();

/** Ids and jitter need no secrecy, and node:crypto costs 7 ms at cold start. */
export const systemRandom: Random = () => Math.random();

/**
 * Microseconds since the epoch, never backwards within a few milliseconds; a double holds them exactly. The monotonic clock
 * stands still while a Lambda sandbox is frozen, so it is anchored anew whenever it has drifted from the wall clock.
 */
export const systemMicros = (): number => {
  const monotonic = performance.now();
  const wall = Date.now();
  if (!(Math.abs(wall - (anchor + monotonic)) <= 5)) anchor = wall - monotonic;
  looked = monotonic;
  return Math.round((anchor + monotonic) * 1000);
};

/**
 * The same for a stamp that follows another: within a millisecond of the last look at the wall clock it is not looked at again. Not for
 * the first stamp after a pause, since a sandbox may have been frozen meanwhile, which the monotonic clock does not tell.
 */
export const nextMicros = (): number => {
  const monotonic = performance.now();
  if (monotonic - looked > 1) return systemMicros();
  return Math.round((anchor + monotonic) * 1000);
};

/** The same as a distance from an earlier stamp: below half an hour a small integer, where a time is an object each. */
export const microsSince = (base: number): number => {
  const monotonic = performance.now();
  const micros = monotonic - looked > 1 ? systemMicros() - base : (anchor + monotonic) * 1000 - base;
  return micros >= 0 && micros < 0x7ffffffe ? (micros + 0.5) | 0 : Math.round(micros);
};

/** The same in nanoseconds. A bigint costs three allocations: what stamps many times keeps microseconds until they are sent. */
export const systemNanos = (): bigint => BigInt(systemMicros()) * 1000n;

// Not before the first span: touching `performance` takes Node a millisecond, and requiring node:perf_hooks two.
let anchor = Number.NaN;
let looked = Number.NEGATIVE_INFINITY;
