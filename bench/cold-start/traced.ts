/** A whole traced handler: tracing, contexts of every format and source, a span for each record. */
import { createTracing, eachRecord, systemNanos, systemRandom, traced } from '../../lib/index.ts';

const tracing = createTracing({ env: process.env, nanos: systemNanos, random: systemRandom });
export const handler = traced((event: unknown) => eachRecord(event, async () => undefined, tracing), tracing);
