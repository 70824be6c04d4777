/** What replaces a literal: a placeholder as drivers have them, so that the statement stays readable. */
const placeholder = '?';

/** Systems in which `"…"` is a name; elsewhere (MySQL, and where nobody says) it may be a text. */
const namesInQuotes = new Set([
  'postgresql',
  'oracle',
  'oracle.db',
  'db2',
  'ibm.db2',
  'sqlite',
  'cockroachdb',
  'redshift',
  'aws.redshift',
  'trino',
  'snowflake',
]);

/**
 * A statement without its literals: texts in every quoting (`'…'`, `N'…'`, `$tag$…$tag$`, and `"…"` unless the system takes it for a
 * name), numbers, and comments. One pass. Where dialects disagree on what ends a text, or it has no end, the rest is replaced.
 */
export const withoutLiterals = (statement: string, system?: string): string => {
  const quotesAreNames = system !== undefined && namesInQuotes.has(system.toLowerCase());
  let out = '';
  /** Up to here it is in `out`. */
  let copied = 0;
  let at = 0;
  const replace = (end: number, by: string): void => {
    out += statement.slice(copied, at) + by;
    at = end;
    copied = end;
  };
  const { length } = statement;
  while (at < length) {
    const code = statement.charCodeAt(at);
    if (code === 39 || (code === 34 && !quotesAreNames)) {
      const end = quotedEnd(statement, at, code);
      replace(end, placeholder);
    } else if (code === 34 || code === 96) {
      const end = statement.indexOf(statement[at] as string, at + 1);
      at = end < 0 ? length : end + 1;
    } else if (code === 45 && statement.charCodeAt(at + 1) === 45) {
      const end = statement.indexOf('\n', at);
      replace(end < 0 ? length : end, '--');
    } else if (code === 35 && !quotesAreNames) {
      const end = statement.indexOf('\n', at);
      replace(end < 0 ? length : end, '#');
    } else if (code === 47 && statement.charCodeAt(at + 1) === 42) {
      const end = statement.indexOf('*/', at + 2);
      replace(end < 0 ? length : end + 2, '/**/');
    } else if (code === 36) {
      const tag = dollarTag(statement, at);
      if (tag === undefined) at = wordEnd(statement, at + 1);
      else {
        const end = statement.indexOf(tag, at + tag.length);
        replace(end < 0 ? length : end + tag.length, placeholder);
      }
    } else if (isDigit(code) || (code === 46 && isDigit(statement.charCodeAt(at + 1)))) {
      replace(numberEnd(statement, at), placeholder);
    } else if (isWord(code)) {
      const end = wordEnd(statement, at);
      // `N'…'`, `X'…'`, `E'…'`, `_utf8'…'`: the mark goes with the text.
      if (statement.charCodeAt(end) === 39) replace(quotedEnd(statement, end, 39), placeholder);
      else at = end;
    } else if (code === 58 || code === 64) {
      // A named parameter.
      at = wordEnd(statement, at + 1);
    } else at += 1;
  }
  return copied === 0 ? statement : out + statement.slice(copied);
};

/** Two quotes stand for one. A backslash before a quote ends the text in one dialect and not in another: nothing after it is trusted. */
const quotedEnd = (statement: string, start: number, quote: number): number => {
  for (let at = start + 1; at < statement.length; at++) {
    const code = statement.charCodeAt(at);
    if (code === 92 && statement.charCodeAt(at + 1) === quote) return statement.length;
    if (code !== quote) continue;
    if (statement.charCodeAt(at + 1) !== quote) return at + 1;
    at += 1;
  }
  return statement.length;
};

/** `$$` or `$tag$`, at most 64 characters. */
const dollarTag = (statement: string, at: number): string | undefined => {
  for (let end = at + 1; end < statement.length && end - at < 64; end++) {
    const code = statement.charCodeAt(end);
    if (code === 36) return statement.slice(at, end + 1);
    if (!isWord(code) || (end === at + 1 && isDigit(code))) return undefined;
  }
  return undefined;
};

const numberEnd = (statement: string, start: number): number => {
  let at = start;
  for (; at < statement.length; at++) {
    const code = statement.charCodeAt(at);
    const isSign = (code === 43 || code === 45) && (statement.charCodeAt(at - 1) | 32) === 101;
    if (!isWord(code) && code !== 46 && !isSign) break;
  }
  return at;
};

const wordEnd = (statement: string, start: number): number => {
  let at = start;
  while (at < statement.length && (isWord(statement.charCodeAt(at)) || statement.charCodeAt(at) === 36)) at += 1;
  return at;
};

const isDigit = (code: number): boolean => code >= 48 && code < 58;
const isWord = (code: number): boolean =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code >= 128;
