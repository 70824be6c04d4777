import type { Bucket } from '../model/ports.ts';
import { type Usual, usualOf, type WindowSums } from './usual.ts';
import { reportPrefixOf, type WindowClosed } from './window.ts';

/** The window before may not be scored yet when this one is: a baseline ends two windows back. */
const gap = 2;
/** Scored windows that a baseline needs at least. */
const leastWindows = 5;

/**
 * What is usual before a window: the scores of earlier ones, as they lie in the bucket. Undefined while there are too few. The same
 * objects give the same answer.
 */
export const readBaseline = async (
  bucket: Pick<Bucket, 'get'>,
  { windowStart, partition }: WindowClosed,
  windowSeconds: number,
  windows: number,
): Promise<Usual | undefined> => {
  const at = Date.parse(windowStart);
  const scores = await Promise.all(
    Array.from({ length: windows }, async (_, back) => {
      const start = new Date(at - (gap + back) * windowSeconds * 1000).toISOString().replace('.000Z', 'Z');
      const bytes = await bucket.get(`${reportPrefixOf({ windowStart: start, partition })}score.json`);
      return bytes === undefined ? undefined : sumsOf(bytes);
    }),
  );
  const known = scores.filter((each) => each !== undefined);
  return known.length < leastWindows ? undefined : usualOf(known);
};

/** A score of an earlier version, or half of one, is no part of a baseline. */
const sumsOf = (bytes: Uint8Array): WindowSums | undefined => {
  try {
    const { services, durations, edges } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<WindowSums>;
    return services === undefined || durations === undefined || edges === undefined
      ? undefined
      : { services, durations, edges };
  } catch {
    return undefined;
  }
};
