export type Environment = Readonly<Record<string, string | undefined>>;

interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

/** Reads variables one by one. Of several names the first that has a usable value counts. An empty value is none, as the specification asks. */
export interface Reading {
  readonly text: (name: string) => string | undefined;
  readonly flag: (name: string) => boolean;
  readonly number: (name: string, otherwise: number, bounds: Bounds) => number;
  readonly whole: (names: readonly string[], otherwise: number, bounds: Bounds) => number;
  readonly choice: <Word extends string>(names: readonly string[], words: readonly Word[], otherwise: Word) => Word;
  /** An http or https URL without a user and a fragment. */
  readonly url: (name: string) => string | undefined;
  /** `key=value,key=value`, percent-encoded. All of it is left out when one member cannot be read. `secret`: a warning does not show it. */
  readonly pairs: (name: string, kind?: 'secret') => Readonly<Record<string, string>>;
}

export const reading = (env: Environment, warn: (warning: string) => void): Reading => {
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;
  const refuse = (name: string, value: string, expected: string, used: string): undefined =>
    warn(`${name} is ${JSON.stringify(value.slice(0, 60))}; expected is ${expected}. ${used}`) as undefined;

  const first = <T>(
    names: readonly string[],
    read: (value: string) => T | undefined,
    expected: string,
    otherwise: T,
  ): T => {
    for (const [at, name] of names.entries()) {
      const value = text(name);
      if (value === undefined) continue;
      const found = read(value);
      if (found !== undefined) return found;
      const next = names.slice(at + 1).find((other) => text(other) !== undefined);
      refuse(name, value, expected, next === undefined ? `The default, ${otherwise}, is used.` : `${next} is used.`);
    }
    return otherwise;
  };

  const choice: Reading['choice'] = (names, words, otherwise) =>
    first(
      names,
      (value) => words.find((word) => word === value.toLowerCase()),
      `one of ${words.join(', ')}`,
      otherwise,
    );

  return {
    text,
    flag: (name) => choice([name], ['true', 'false'], 'false') === 'true',
    number: (name, otherwise, bounds) =>
      first([name], (value) => numeric(value, bounds), `a number ${range(bounds)}`, otherwise),
    whole: (names, otherwise, bounds) =>
      first(
        names,
        (value) => (/^\d+$/.test(value) ? numeric(value, bounds) : undefined),
        `a whole number ${range(bounds)}`,
        otherwise,
      ),
    choice,
    url: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      const authority = authorityOf(value);
      if (authority !== '' && !authority.includes('@') && URL.canParse(value)) {
        const scheme = value.indexOf(':');
        return value.slice(0, scheme).toLowerCase() + value.slice(scheme).split('#', 1)[0];
      }
      // Its text may hold a password.
      warn(`${name} is no http or https URL, or has a user in it. It is ignored.`);
      return undefined;
    },
    pairs: (name, kind) => {
      const value = text(name);
      if (value === undefined) return {};
      const found = pairsIn(value);
      if (found !== undefined) return found;
      const shown = kind === 'secret' ? 'cannot be read' : `is ${JSON.stringify(value.slice(0, 60))}`;
      warn(`${name} ${shown}; expected is key=value pairs, percent-encoded. All of it is ignored.`);
      return {};
    },
  };
};

/** What is between the scheme of an http or https URL and its path; empty for anything else. Parsing a URL costs ten times as much. */
export const authorityOf = (url: string): string => {
  const scheme = url.slice(0, 8).toLowerCase();
  const from = scheme === 'https://' ? 8 : scheme.startsWith('http://') ? 7 : url.length;
  let to = from;
  while (to < url.length && !'/\\?#'.includes(url[to] as string)) to += 1;
  return url.slice(from, to);
};

const numeric = (value: string, { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: Bounds) => {
  const number = Number(value);
  return number >= least && number <= most ? number : undefined;
};

const range = ({ least, most }: Bounds): string =>
  most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;

const pairsIn = (value: string): Record<string, string> | undefined => {
  const found: [string, string][] = [];
  for (const pair of value.split(',')) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    const key = decoded(pair.slice(0, Math.max(0, at)).trim());
    const member = decoded(pair.slice(at + 1).trim());
    if (at < 0 || !key || member === undefined) return undefined;
    found.push([key, member]);
  }
  return Object.fromEntries(found);
};

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};
