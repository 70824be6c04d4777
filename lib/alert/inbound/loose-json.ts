/** What was read of a text that is almost JSON. */
export interface Loose {
  readonly value: unknown;
  /** The text ended before the value did: what had begun by then is left out. */
  readonly isCut: boolean;
}

const cut = Symbol('cut');

/** Deeper than any message of ours; a stack must not end on a line of brackets. */
const maxDepth = 64;

/**
 * JSON written by a template that does not escape: quotes, backslashes and line breaks inside of texts, and commas too many. A quote
 * ends a text only where what follows goes on as JSON does, and a backslash is one. Objects, lists and texts; anything else is read as a text. Never throws,
 * and takes time in proportion to the length.
 */
export const looseJson = (source: string): Loose => {
  let at = 0;
  let isCut = false;
  const space = (): void => {
    while (at < source.length && ' \t\r\n'.includes(source[at] as string)) at += 1;
  };
  const value = (depth: number): unknown => {
    space();
    if (at >= source.length || depth > maxDepth) return cut;
    const first = source[at];
    if (first === '{') return object(depth);
    if (first === '[') return list(depth);
    if (first === '"') return quoted('value');
    const end = nextOf(source, at, ',}]');
    const word = source.slice(at, end).trim();
    at = end;
    return word === 'null' ? null : word;
  };
  const object = (depth: number): unknown => {
    const members: Record<string, unknown> = {};
    at += 1;
    for (;;) {
      space();
      if (source[at] === '}') {
        at += 1;
        return members;
      }
      if (source[at] === ',') {
        at += 1;
        continue;
      }
      if (source[at] !== '"') return stop(members);
      const name = quoted('name');
      space();
      if (typeof name !== 'string' || source[at] !== ':') return stop(members);
      at += 1;
      const inner = value(depth + 1);
      if (inner !== cut && name !== '__proto__') members[name] = inner;
      if (isCut || inner === cut) return stop(members);
    }
  };
  const list = (depth: number): unknown => {
    const entries: unknown[] = [];
    at += 1;
    for (;;) {
      space();
      if (source[at] === ']') {
        at += 1;
        return entries;
      }
      if (source[at] === ',') {
        at += 1;
        continue;
      }
      if (source[at] === undefined || source[at] === '}') return stop(entries);
      const inner = value(depth + 1);
      // Of a list, what is not whole is left out: half an alert would be another alert.
      if (isCut || inner === cut) return stop(entries);
      entries.push(inner);
    }
  };
  const stop = <T>(found: T): T => {
    isCut = true;
    at = source.length;
    return found;
  };
  const quoted = (kind: 'name' | 'value'): unknown => {
    const from = at + 1;
    for (let end = source.indexOf('"', from); end >= 0; end = source.indexOf('"', end + 1)) {
      if (kind === 'value' && !endsText(source, end + 1)) continue;
      at = end + 1;
      return source.slice(from, end);
    }
    return cut;
  };
  const found = value(0);
  return { value: found === cut ? undefined : found, isCut: isCut || found === cut };
};

/** What may follow the end of a text: the next name, the next entry, or the end of what it stands in. */
const following = /\s*(?:$|,\s*(?:"[A-Za-z_][\w:.-]*"\s*:|[{}\]])|[}\]]\s*(?:$|[,}\]]))/y;

const endsText = (source: string, from: number): boolean => {
  following.lastIndex = from;
  return following.test(source);
};

const nextOf = (source: string, from: number, characters: string): number => {
  let at = from;
  while (at < source.length && !characters.includes(source[at] as string)) at += 1;
  return at;
};
