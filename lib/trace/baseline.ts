import type { Bucket } from '../model/ports.ts';
import { inTurns } from './in-turns.ts';
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
      const window = { windowStart: start, partition };
      const bytes = await bucket.get(`${reportPrefixOf(window)}score.json`);
      if (bytes !== undefined) return sumsOf(bytes);
      const of = partsIn(await bucket.get(partsKeyOf(window)));
      const parts = await inTurns(Array.from({ length: of }), (_, index) =>
        bucket.get(`${reportPrefixOf({ ...window, part: { index, of } })}score.json`),
      );
      const known = parts.flatMap((part) => (part === undefined ? [] : (sumsOf(part) ?? [])));
      return known.length === of && of > 0 ? known : undefined;
    }),
  );
  const known = scores.filter((each) => each !== undefined);
  return known.length < leastWindows ? undefined : usualOf(known.flat());
};

/** Beside where its score would be: into how many parts a window was divided. */
export const partsKeyOf = (window: WindowClosed): string => `${reportPrefixOf(window)}parts.json`;

const partsIn = (bytes: Uint8Array | undefined): number => {
  if (bytes === undefined) return 0;
  try {
    const { parts } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { parts?: unknown };
    return typeof parts === 'number' && Number.isInteger(parts) && parts > 0 && parts <= mostParts ? parts : 0;
  } catch {
    return 0;
  }
};

const mostParts = 1000;

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
