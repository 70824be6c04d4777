import { performance } from 'node:perf_hooks';
import type { Clock, Random } from '../model/ports.ts';

/** The machine's own time. */
export const systemClock: Clock = () => Date.now();

/** Ids and jitter need no secrecy, and node:crypto costs 7 ms at cold start. */
export const systemRandom: Random = () => Math.random();

/**
 * Nanoseconds since the epoch, finer than a millisecond and never backwards within a few milliseconds. The monotonic clock
 * stands still while a Lambda sandbox is frozen, so it is anchored anew whenever it has drifted from the wall clock.
 */
export const systemNanos = (): bigint => {
  const monotonic = performance.now();
  const wall = Date.now();
  if (Math.abs(wall - (anchor + monotonic)) > 5) anchor = wall - monotonic;
  return BigInt(Math.round((anchor + monotonic) * 1000)) * 1000n;
};

let anchor = Date.now() - performance.now();
