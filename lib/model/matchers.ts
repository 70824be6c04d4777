import { wholeMatch } from './re2.ts';

/** One condition on a label, in Alertmanager's sense: a label that is missing is empty, and patterns are anchored. */
export interface Matcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
  readonly holds: (value: string) => boolean;
}

export type Labels = Readonly<Record<string, string>>;

/** True when every matcher holds. */
export const matchesAll = (matchers: readonly Matcher[], labels: Labels): boolean =>
  matchers.every(({ name, holds }) => holds(labels[name] ?? ''));

export const equalMatcher = (name: string, value: string): Matcher => ({
  name,
  op: '=',
  value,
  holds: (actual) => actual === value,
});

/** Reads `name="value"`, several of them separated by commas, with or without braces. Never throws. */
export const parseMatchers = (text: string): { readonly matchers: readonly Matcher[] } | { readonly error: string } => {
  let rest = text.trim();
  if (rest.startsWith('{') !== rest.endsWith('}')) return { error: `a brace is missing in '${text}'` };
  if (rest.startsWith('{')) rest = rest.slice(1, -1);
  const matchers: Matcher[] = [];
  for (;;) {
    rest = rest.trimStart();
    if (rest === '') return { matchers };
    const found =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^",}]*)\s*(,|$)/.exec(rest);
    if (found === null)
      return { error: `'${rest}' is no matcher: name="value", name!="value", name=~"…" or name!~"…"` };
    const [whole, name = '', op, value = ''] = found;
    const made = matcher(unquoted(name), op as Matcher['op'], unquoted(value.trim()));
    if ('error' in made) return made;
    matchers.push(made);
    rest = rest.slice(whole.length);
  }
};

/** The matcher, or why its pattern is none. */
export const matcher = (name: string, op: Matcher['op'], value: string): Matcher | { readonly error: string } => {
  if (op === '=') return equalMatcher(name, value);
  if (op === '!=') return { name, op, value, holds: (actual) => actual !== value };
  const pattern = wholeMatch(value);
  if ('error' in pattern) return pattern;
  const { test } = pattern;
  return { name, op, value, holds: op === '=~' ? test : (actual) => !test(actual) };
};

/** `{a="b",c=~"d"}`, sorted as Alertmanager sorts: part of the group key. */
export const writeMatchers = (matchers: readonly Matcher[]): string =>
  `{${[...matchers]
    .sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value) || compare(a.op, b.op))
    .map(({ name, op, value }) => `${name}${op}${quoted(value)}`)
    .join(',')}}`;

/** `{a="b",c="d"}` sorted by name. */
export const writeLabels = (labels: Labels): string =>
  `{${Object.keys(labels)
    .sort(compare)
    .map((name) => `${name}=${quoted(labels[name] ?? '')}`)
    .join(', ')}}`;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Go's %q for the characters that occur in labels; JSON differs only in rare control characters. */
const quoted = (text: string): string => JSON.stringify(text);

const unquoted = (text: string): string =>
  text.startsWith('"')
    ? text
        .slice(1, -1)
        .replace(/\\(.)/g, (_, letter: string) => ({ n: '\n', t: '\t', r: '\r' })[letter] ?? letterOf(letter))
    : text;

/** Of a pattern's escapes only quotes and backslashes are the notation's own; `\d` stays `\d`. */
const letterOf = (letter: string): string => (letter === '"' || letter === '\\' ? letter : `\\${letter}`);
