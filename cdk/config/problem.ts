import { nearest } from './nearest.ts';

/** One thing wrong with the configuration. Checks collect all of them, so that a user mends them in one go. */
export interface Problem {
  /** Where: `watermarks.rules[0].high`. */
  readonly path: string;
  readonly actual: unknown;
  /** What is allowed there, in words. */
  readonly allowed: string;
}

export const inWords = ({ path, actual, allowed }: Problem): string => `${path}: is ${show(actual)}; ${allowed}`;

const show = (value: unknown): string => {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

/** A problem for a section that is no object, and for every key that is not known. */
export const unknownKeys = (path: string, value: unknown, known: readonly string[]): readonly Problem[] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path, actual: value, allowed: 'an object is expected' }];
  }
  return Object.entries(value)
    .filter(([key]) => !known.includes(key))
    .map(([key, actual]) => {
      const meant = nearest(key, known);
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      const allowed = known.length === 0 ? 'no key is known here' : `no such key; there are ${known.join(', ')}${hint}`;
      return { path: `${path}.${key}`, actual, allowed };
    });
};

/** A problem for a value that is there and is no number within bounds. */
export const numberIn = (
  path: string,
  value: unknown,
  least: number,
  most: number,
  whole?: 'whole',
): readonly Problem[] => {
  if (value === undefined) return [];
  const isGood =
    typeof value === 'number' && value >= least && value <= most && (whole === undefined || Number.isInteger(value));
  return isGood
    ? []
    : [
        {
          path,
          actual: value,
          allowed: `a ${whole === undefined ? '' : 'whole '}number from ${least} to ${most} is expected`,
        },
      ];
};
