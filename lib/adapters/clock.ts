import type { Clock, Random } from '../model/ports.ts';

/** The machine's own time. */
export const systemClock: Clock = () => Date.now();

/** Ids and jitter need no secrecy, and node:crypto costs 7 ms at cold start. */
export const systemRandom: Random = () => Math.random();
