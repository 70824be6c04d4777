/** What replaces a value in a URL, as semantic conventions have it. */
export const redacted = 'REDACTED';

/** Where a URL or a query ends within a text. */
const isEnd = (code: number): boolean =>
  code <= 32 || code === 34 || code === 60 || code === 62 || code === 96 || code === 39;

/**
 * Every URL in a text, and every path with a query (`GET /users?email=…`), without its secrets. One pass each.
 */
export const withoutUrlSecrets = (text: string, allowed: ReadonlySet<string>): string => {
  const absolute = text.includes('://') ? withoutSecretsOfUrls(text, allowed) : text;
  return absolute.includes('?') ? withoutQueriesOfPaths(absolute, allowed) : absolute;
};

/** A word that begins with `/` and has a `?` followed by a name and `=`. */
const withoutQueriesOfPaths = (text: string, allowed: ReadonlySet<string>): string => {
  let out = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    if (isEnd(text.charCodeAt(at))) continue;
    const start = at;
    let query = -1;
    for (; at < text.length && !isEnd(text.charCodeAt(at)); at++)
      if (query < 0 && text.charCodeAt(at) === 63) query = at;
    if (query < 0 || text.charCodeAt(start) !== 47 || !/^\?[\w.~%[\]-]{1,64}=/.test(text.slice(query, query + 66)))
      continue;
    out += text.slice(copied, query) + withoutQueryValues(text.slice(query, at), allowed);
    copied = at;
  }
  return copied === 0 ? text : out + text.slice(copied);
};

/**
 * Every URL in a text without its user name and password and without the values of its query parameters and of a fragment that has
 * parameters. One pass.
 */
const withoutSecretsOfUrls = (text: string, allowed: ReadonlySet<string>): string => {
  let out = '';
  let copied = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at)) {
    const start = at + 3;
    let at_ = -1;
    let end = start;
    // The authority ends at the first of these; the last `@` in it ends the user's part.
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === 47 || code === 63 || code === 35 || code === 92 || isEnd(code)) break;
      if (code === 64) at_ = end;
    }
    if (at_ >= 0) {
      out += `${text.slice(copied, start)}${redacted}`;
      copied = at_;
    }
    // The path.
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === 63 || code === 35 || isEnd(code)) break;
    }
    if (text[end] === '?' || text[end] === '#') {
      let stop = end + 1;
      while (stop < text.length && !isEnd(text.charCodeAt(stop))) stop += 1;
      out += text.slice(copied, end) + withoutQueryValues(text.slice(end, stop), allowed);
      copied = stop;
      end = stop;
    }
    at = end;
  }
  return copied === 0 ? text : out + text.slice(copied);
};

/** `?a=1&b=2#c` with the values replaced. A part without `=` has no name to be known by, and is replaced whole. */
export const withoutQueryValues = (query: string, allowed: ReadonlySet<string>): string => {
  let out = '';
  let at = 0;
  while (at < query.length) {
    let mark = '';
    while (at < query.length && isSeparator(query.charCodeAt(at))) mark += query[at++];
    out += mark;
    const start = at;
    while (at < query.length && !isSeparator(query.charCodeAt(at))) at += 1;
    if (at === start) continue;
    const part = query.slice(start, at);
    const equals = part.indexOf('=');
    if (equals < 0) out += mark.endsWith('#') && !part.includes('%') ? part : redacted;
    else
      out +=
        allowed.has(part.slice(0, equals)) || equals === part.length - 1
          ? part
          : `${part.slice(0, equals)}=${redacted}`;
  }
  return out;
};

const isSeparator = (code: number): boolean => code === 63 || code === 38 || code === 59 || code === 35;
