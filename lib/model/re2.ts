import { linearPattern } from './linear-pattern.ts';

/**
 * Whether a whole text matches a pattern in RE2's notation, as Alertmanager anchors it; or why the pattern is none. A pattern that
 * JavaScript's engine could lose itself in, having more than one open repetition or a repeated group, is matched by an automaton in
 * linear time: label values come from strangers.
 */
export const wholeMatch = (
  source: string,
): { readonly test: (text: string) => boolean } | { readonly error: string } => {
  const [, flags = '', body = source] = /^\(\?([imsU]+)\)([\s\S]*)$/.exec(source) ?? [];
  if (flags.includes('U')) return { error: `the pattern '${source}' uses the flag U, which is not supported` };
  const read = translated(body, flags.includes('s'));
  if ('error' in read) return { error: `the pattern '${source}' is not valid: ${read.error}` };
  const regexp = compiled(read.text, flags.replaceAll(/[^ims]/g, ''));
  if ('error' in regexp) return { error: `the pattern '${source}' is not valid: ${regexp.error}` };
  if (!read.mayBacktrack) return { test: (text) => regexp.value.test(text) };
  const units = asUnits(read.text);
  const linear = flags.includes('m')
    ? { error: 'the flag m' }
    : linearPattern(flags.includes('i') ? `(?i)${units}` : units);
  if ('error' in linear) return { error: `the pattern '${source}' cannot be matched in linear time: ${linear.error}` };
  return { test: linear.matchesAll };
};

/** With the unicode mode first; without it JavaScript takes escapes that RE2 allows and the unicode mode refuses, such as \-. */
const compiled = (text: string, flags: string): { readonly value: RegExp } | { readonly error: string } => {
  let error = '';
  for (const mode of ['u', '']) {
    try {
      return { value: new RegExp(`^(?:${text})$`, flags + mode) };
    } catch (thrown) {
      error = (thrown as Error).message;
    }
  }
  return { error };
};

/** The automaton knows UTF-16 units: what a class excludes must not tear a character outside of the first plane. */
const asUnits = (text: string): string =>
  text.replaceAll(/\\[SDW]|\\.|\[\^((?:\\.|[^\]\\])*)\]|\[(?:\\.|[^\]\\])*\]/g, (whole, excluded?: string) => {
    const members = excluded ?? { '\\S': blanks, '\\D': '0-9', '\\W': '0-9A-Za-z_' }[whole];
    if (whole === '[\\s\\S]') return '(?:[\\ud800-\\udbff][\\udc00-\\udfff]|[^\\ud800-\\udfff])';
    return members === undefined ? whole : `(?:[\\ud800-\\udbff][\\udc00-\\udfff]|[^${members}\\ud800-\\udfff])`;
  });

/** What RE2 calls by names of POSIX, inside of a class. */
const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};
const blanks = '\\t\\n\\f\\r ';

interface Translated {
  readonly text: string;
  readonly mayBacktrack: boolean;
}

/** RE2's notation in JavaScript's, where the two differ: what a dot and a blank are, quotations, ends of the text, names of groups. */
const translated = (source: string, dotTakesAll: boolean): Translated | { readonly error: string } => {
  let [text, at, open, isRepeatedGroup, inClass] = ['', 0, 0, false, false];
  while (at < source.length) {
    const rest = source.slice(at, at + 12);
    const each = source[at] as string;
    if (each === '\\') {
      const next = source[at + 1];
      if (next === undefined) return { error: "it ends with '\\'" };
      if (next === 'Q') {
        const end = source.indexOf('\\E', at);
        const literal = source.slice(at + 2, end < 0 ? undefined : end);
        text += literal.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
        at = end < 0 ? source.length : end + 2;
        continue;
      }
      if (next === 'C') return { error: '\\C is not supported' };
      const letter = /^\\([pP])([A-Z])/.exec(rest);
      text += letter === null ? escaped(next, inClass) : `\\${letter[1]}{${letter[2]}}`;
      at += 2 + (letter === null ? 0 : 1);
      continue;
    }
    if (inClass) {
      const named = /^\[:(\^?)([a-z]+):\]/.exec(rest);
      if (named !== null) {
        const units = posix[named[2] ?? ''];
        if (units === undefined || named[1] === '^') return { error: `${named[0]} is not supported` };
        text += units;
        at += named[0].length;
        continue;
      }
      // A bracket inside of a class is one; the unicode mode asks for it to be said.
      text += each === '[' ? '\\[' : each;
      inClass = each !== ']';
      at += 1;
      continue;
    }
    if (each === '[') {
      const [start] = /^\[\^?\]?/.exec(rest) as RegExpExecArray;
      // A closing bracket that comes first is a member.
      text += start.endsWith(']') ? `${start.slice(0, -1)}\\]` : start;
      inClass = true;
      at += start.length;
      continue;
    }
    const [repetition] = /^(?:[*+]|\{\d+(?:,\d*)?\})/.exec(rest) ?? [];
    if (repetition !== undefined) {
      if (repetition !== `{${/\d+/.exec(repetition)?.[0]}}`) open += 1;
      if (text.endsWith(')') && !text.endsWith('\\)')) isRepeatedGroup = true;
      text += repetition;
      at += repetition.length;
      continue;
    }
    const named = /^\(\?P?<[A-Za-z_]\w*>/.exec(source.slice(at, at + 100))?.[0];
    if (named !== undefined) {
      // What a group is called is of no use here, and JavaScript wants no name twice.
      text += '(?:';
      at += named.length;
      continue;
    }
    text += each === '.' ? (dotTakesAll ? '[\\s\\S]' : '[^\\n]') : each;
    at += 1;
  }
  return inClass ? { error: "a '[' is not closed" } : { text, mayBacktrack: open > 1 || isRepeatedGroup };
};

/** One escape. RE2 takes a backslash before any punctuation; the unicode mode only where it means something. */
const escaped = (next: string, inClass: boolean): string => {
  if (next === 's') return inClass ? blanks : `[${blanks}]`;
  if (next === 'S' && !inClass) return `[^${blanks}]`;
  const known = { A: '^', z: '$', a: '\\x07' }[next];
  if (known !== undefined) return known;
  const isPlain = /[^\w\s]/.test(next) && !/[\^$.*+?()[\]{}|/\\]/.test(next) && !(inClass && next === '-');
  return isPlain ? next : `\\${next}`;
};
