export type Environment = Readonly<Record<string, string | undefined>>;

interface Bounds {
  readonly least: number;
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
  const first = <T>(
    names: readonly string[],
    read: (value: string) => T | undefined,
    expected: string,
    otherwise: T,
  ): T => {
    const [name, ...others] = names.filter(text) as [string?, ...string[]];
    if (name === undefined) return otherwise;
    const value = text(name) as string;
    const found = read(value);
    if (found !== undefined) return found;
    const [next] = others;
    const used = next ?? `The default, ${otherwise},`;
    warn(`${name} is ${JSON.stringify(value.slice(0, 60))}; expected is ${expected}. ${used} is used.`);
    return first(others, read, expected, otherwise);
  };

  const numeric = (
    names: readonly string[],
    otherwise: number,
    { least, most = Number.MAX_VALUE }: Bounds,
    what: string,
    form: RegExp,
  ) =>
    first(
      names,
      (value) => {
        const number = form.test(value) ? Number(value) : -1;
        return number >= least && number <= most ? number : undefined;
      },
      `a ${what} ${most === Number.MAX_VALUE ? `of at least ${least}` : `from ${least} to ${most}`}`,
      otherwise,
    );

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
    number: (name, otherwise, bounds) => numeric([name], otherwise, bounds, 'number', /^/),
    whole: (names, otherwise, bounds) => numeric(names, otherwise, bounds, 'whole number', /^\d+$/),
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
      warn(`${name} is no http or https URL without a user. It is ignored.`);
      return undefined;
    },
    pairs: (name, kind) => {
      const value = text(name);
      if (value === undefined) return {};
      const found = pairsIn(value);
      if (found !== undefined) return found;
      const shown = kind === 'secret' ? 'cannot be read' : `is ${JSON.stringify(value.slice(0, 60))}`;
      warn(`${name} ${shown}; expected is key=value pairs, percent-encoded. It is ignored.`);
      return {};
    },
  };
};

/** What is between the scheme of an http or https URL and its path; empty for anything else. Parsing a URL costs ten times as much. */
export const authorityOf = (url: string): string => {
  const from = url.indexOf('://') + 3;
  let authority = ['http://', 'https://'].includes(url.slice(0, from).toLowerCase()) ? url.slice(from) : '';
  for (const end of '/\\?#') authority = authority.split(end, 1)[0] as string;
  return authority;
};

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
