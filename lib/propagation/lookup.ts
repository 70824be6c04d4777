import type { Find, Format, Text } from './format.ts';

/** The names that matter to a set of formats, laid out so that one pass over a carrier's own keys finds them all. */
export interface Names {
  /** By length: the names of that length with their bit. */
  readonly byLength: readonly (readonly Name[] | undefined)[];
  /** In the order of the bits. */
  readonly all: readonly Name[];
}

export interface Name {
  readonly spelled: string;
  readonly lower: string;
  readonly bit: number;
  /** The bits of all spellings of this name. */
  readonly bits: number;
}

/** Set by `scan` when some name is not spelled as usual or occurs twice: values must then be looked for by `findAny`. */
export const irregular = 1 << 30;

/** At most 30 names: the answer of a scan is one small integer. */
export const namesOf = (formats: readonly Format[], others: readonly string[]): Names => {
  const spellings = [...new Set([...others, ...formats.flatMap((format) => format.marks)])].slice(0, 30);
  const all = spellings.map((spelled, at): Name => {
    const lower = spelled.toLowerCase();
    const bits = spellings.reduce((sum, other, slot) => (other.toLowerCase() === lower ? sum | (1 << slot) : sum), 0);
    return { spelled, lower, bit: 1 << at, bits };
  });
  // By length, without holes, which would make the table slow to index.
  const longest = Math.max(...all.map(({ spelled }) => spelled.length));
  const byLength = Array.from({ length: longest + 1 }, (_, length) => {
    const names = all.filter(({ spelled }) => spelled.length === length);
    return names.length === 0 ? undefined : names;
  });
  return { byLength, all };
};

/** Which of the names are own keys, as bits. Allocates nothing. */
export const scan = (values: object, names: Names): number => {
  const { byLength } = names;
  let mask = 0;
  for (const key in values) {
    if (key.length >= byLength.length) continue;
    const candidates = byLength[key.length];
    if (candidates === undefined) continue;
    for (let index = 0; index < candidates.length; index++) {
      const { spelled, lower, bit, bits } = candidates[index] as Name;
      if (key === spelled) {
        if (Object.hasOwn(values, key)) mask |= (mask & bits) === 0 ? bit : bit | irregular;
        break;
      }
      // One shared letter at the end first: most keys of the same length differ there.
      const last = key.charCodeAt(key.length - 1) | 32;
      if (last !== (lower.charCodeAt(key.length - 1) | 32) || !isSame(key, lower)) continue;
      // Another spelling of the same name may be the one that it is.
      if (candidates[index + 1]?.lower === lower) continue;
      if (Object.hasOwn(values, key)) mask |= bits | irregular;
    }
  }
  return mask;
};

/** Compares without the case of ASCII letters. `lower` is in lower case; lengths are equal. */
const isSame = (key: string, lower: string): boolean => {
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    const folded = code >= 65 && code <= 90 ? code | 32 : code;
    if (folded !== lower.charCodeAt(at)) return false;
  }
  return true;
};

/** For carriers where every name is spelled as usual and occurs once. */
export const findExact: Find = (values, text, name) => {
  const value = (values as Record<string, unknown>)[name];
  return value === undefined ? undefined : text(value);
};

/** Whatever the case; the values of several spellings are joined with a comma, as HTTP joins fields. */
export const findAny: Find = (values, text, name) => {
  const lower = name.toLowerCase();
  let found: string | undefined;
  for (const key in values) {
    if (key.length !== lower.length || !isSame(key, lower) || !Object.hasOwn(values, key)) continue;
    const value = text((values as Record<string, unknown>)[key]);
    if (value !== undefined) found = found === undefined ? value : `${found},${value}`;
  }
  return found;
};

/** A name as it is spelled in this carrier. */
export const spelledIn = (values: object, name: Name): string => {
  for (const key in values) if (key.length === name.lower.length && isSame(key, name.lower)) return key;
  return name.spelled;
};

/** The text before the first comma: repeated fields arrive joined, and the first one counts. */
export const first = (text: string): string => {
  const comma = text.indexOf(',');
  return comma < 0 ? text : text.slice(0, comma).trimEnd();
};

/** A field that may repeat, as HTTP joins it. What is no string is left out: asking a stranger's object for its text may throw. */
export const fieldText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((each) => typeof each === 'string');
  return texts.length === 0 ? undefined : texts.join(',');
};

export type { Text };
