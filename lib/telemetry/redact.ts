import { type PersonalKind, personalKinds, type RedactionProfile, secretWords } from '../model/config/telemetry.ts';
import { Failure } from '../model/failure.ts';
import { type SearchPattern, searchPattern } from '../model/linear-pattern.ts';
import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { detect, plainly } from './detect.ts';
import { withoutLiterals } from './sql.ts';
import { redacted, withoutQueryValues, withoutUrlSecrets } from './urls.ts';

export interface RedactorOptions {
  /** HMAC-SHA256 of a text under the profile's key; without it what is found becomes the name of its kind. */
  readonly hmac?: (message: string) => Uint8Array;
}

/** Takes out of spans what a profile forbids. */
export interface Redactor {
  /** The same span when nothing was to be taken out of it. Ids, times and `tracestate` always stay. */
  readonly span: (span: Span) => Span;
  readonly attributes: (attributes: Attributes) => Attributes;
  readonly text: (text: string) => string;
  /** Baggage on its way out: entries whose keys may not leave are missing. */
  readonly baggage: <Entry extends { readonly key: string; readonly value: string }>(
    entries: readonly Entry[],
  ) => readonly Entry[];
}

/**
 * A redactor for a profile. Keys are decided first: with `allowKeys` what is not listed is removed, whatever it holds. Then values: URLs,
 * SQL, what is personal, what a pattern of the profile matches. `service.name` always stays, since spans are routed by it.
 */
export const redactor = (profile: RedactionProfile, options: RedactorOptions = {}): Redactor => {
  const kinds = new Set(profile.find ?? personalKinds);
  const patterns = Object.entries(profile.patterns ?? {}).map(([name, source]) => ({
    name,
    pattern: read(name, source),
  }));
  const allowed = profile.allowKeys === undefined ? undefined : keySet(profile.allowKeys);
  const blocked = keySet(profile.blockKeys ?? []);
  const allowedQuery = new Set(profile.allowQuery ?? []);
  const { urls = true, sql = true } = profile;
  const { hmac } = options;

  const instead = (kind: string, value: string): string =>
    hmac === undefined ? `[${kind}]` : `${kind}:${letters(hmac(`${kind}\0${canonical(kind, plainly(value))}`))}`;

  /** Short texts in which nothing was found: methods, routes and hosts come with every span. */
  const harmless = new Set<string>();
  const text = (value: string): string => {
    if (value.length > maxHarmless) return looked(value);
    if (harmless.has(value)) return value;
    const out = looked(value);
    if (out !== value) return out;
    if (harmless.size >= maxKeys) harmless.clear();
    harmless.add(value);
    return out;
  };
  const looked = (value: string): string => {
    let out = urls ? withoutUrlSecrets(value, allowedQuery) : value;
    const found = detect(out, kinds);
    if (found.length > 0) out = replaced(out, found, (each, part) => instead(each.kind, part));
    for (const { name, pattern } of patterns) {
      const ranges = pattern.ranges(out);
      if (ranges.length > 0) {
        const parts = ranges.map(([start, end]) => ({ start, end }));
        out = replaced(out, parts, (_, part) => instead(name, part));
      }
    }
    return out;
  };

  /** What happens to the value of a key. Asked for the same few keys over and over. */
  const ways = new Map<string, KeyWay>();
  const wayOf = (key: string): KeyWay => {
    const known = ways.get(key);
    if (known !== undefined) return known;
    // Keys come from services: not even a hostile one may fill the memory with them.
    if (ways.size >= maxKeys) ways.clear();
    const way = decide(key);
    ways.set(key, way);
    return way;
  };
  const decide = (key: string): KeyWay => {
    if (key === 'service.name') return { name: key, how: 'keep' };
    if (allowed !== undefined && !allowed(key)) return { name: key, how: 'remove' };
    if (blocked(key)) return { name: key, how: 'replace' };
    const name = text(key);
    if (sql && (key === 'db.query.text' || key === 'db.statement')) return { name, how: 'sql' };
    if (sql && (key.startsWith('db.query.parameter.') || key.startsWith('db.operation.parameter.'))) {
      return { name, how: 'replace' };
    }
    if (urls && key === 'url.query') return { name, how: 'query' };
    if (urls && urlKeys.has(key)) return { name, how: 'url' };
    return { name, how: namesSecret(key) ? 'replace-text' : 'text' };
  };

  const value = (given: AttributeValue, how: KeyWay['how'], system: string | undefined): AttributeValue => {
    if (how === 'keep') return given;
    if (how === 'replace') return redacted;
    if (typeof given === 'string') {
      if (how === 'replace-text') return redacted;
      if (how === 'sql') return text(withoutLiterals(given, system));
      if (how === 'query') return text(withoutQueryValues(given, allowedQuery));
      if (how === 'url') {
        const query = given.includes('://') ? -1 : given.search(/[?#]/);
        return text(query < 0 ? given : given.slice(0, query) + withoutQueryValues(given.slice(query), allowedQuery));
      }
      return text(given);
    }
    if (typeof given === 'number') {
      // A card's number may come as a number; other kinds cannot be told from plain ones.
      if (!Number.isInteger(given) || given < 1e12 || !kinds.has('card')) return given;
      const digits = String(given);
      return detect(digits, onlyCards).length > 0 ? instead('card', digits) : given;
    }
    if (typeof given === 'boolean' || given === null) return given;
    if (typeof given === 'bigint') {
      const digits = String(given);
      return kinds.has('card') && detect(digits, onlyCards).length > 0 ? instead('card', digits) : given;
    }
    if (given instanceof Uint8Array) return bytes(given, how);
    if (!isList(given)) return map(given, how, system);
    let out: AttributeValue[] | undefined;
    for (let at = 0; at < given.length; at++) {
      const member = given[at] as AttributeValue;
      const clean = value(member, how, system);
      if (clean === member) continue;
      out ??= [...given];
      out[at] = clean;
    }
    return out ?? given;
  };

  /** Bytes may hold text of any encoding that keeps ASCII: what is found in them takes all of them along. */
  const bytes = (given: Uint8Array, how: KeyWay['how']): AttributeValue => {
    if (how !== 'text') return redacted;
    const seen = Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString('latin1');
    return text(seen) === seen ? given : redacted;
  };

  /** A map's own keys are no attribute keys: only a secret's name counts among them. */
  const map = (given: Attributes, how: KeyWay['how'], system: string | undefined): AttributeValue => {
    let changed = false;
    const clean = Object.entries(given).map(([key, member]) => {
      const after = value(member, namesSecret(key) ? 'replace-text' : how, system);
      const name = text(key);
      changed ||= after !== member || name !== key;
      return [name, after] as const;
    });
    return changed ? Object.fromEntries(clean) : given;
  };

  const attributes = (given: Attributes): Attributes => {
    let out: Record<string, AttributeValue> | undefined;
    for (const key in given) {
      const way = wayOf(key);
      const before = given[key] as AttributeValue;
      const after = way.how === 'remove' ? before : value(before, way.how, systemOf(given));
      if (way.how !== 'remove' && after === before && way.name === key) {
        if (out !== undefined) out[key] = before;
        continue;
      }
      out ??= membersBefore(given, key);
      if (way.how !== 'remove') out[way.name] = after;
    }
    return out ?? given;
  };

  const resources = new WeakMap<Attributes, Attributes>();
  const resource = (given: Attributes): Attributes => {
    // One object for all spans of a batch: looked through once.
    const known = resources.get(given);
    if (known !== undefined) return known;
    const clean = attributes(given);
    resources.set(given, clean);
    return clean;
  };

  const span = (given: Span): Span => {
    const clean = {
      name: text(given.name),
      attributes: attributes(given.attributes),
      resource: resource(given.resource),
      statusMessage: given.statusMessage === undefined ? undefined : text(given.statusMessage),
      events: each(given.events, event),
      links: each(given.links, link),
    };
    const isSame =
      clean.name === given.name &&
      clean.attributes === given.attributes &&
      clean.resource === given.resource &&
      clean.statusMessage === given.statusMessage &&
      clean.events === given.events &&
      clean.links === given.links;
    return isSame ? given : copyOf(given, clean);
  };

  const event = (given: SpanEvent): SpanEvent => {
    const name = text(given.name);
    const clean = attributes(given.attributes);
    return name === given.name && clean === given.attributes ? given : { ...given, name, attributes: clean };
  };

  const link = (given: SpanLink): SpanLink => {
    if (given.attributes === undefined) return given;
    const clean = attributes(given.attributes);
    return clean === given.attributes ? given : { ...given, attributes: clean };
  };

  return {
    span,
    attributes,
    text,
    baggage: (entries) =>
      entries.flatMap((entry) => {
        const { how, name } = wayOf(entry.key);
        if (how === 'remove' || name !== entry.key) return [];
        const clean = value(entry.value, how, undefined) as string;
        return [clean === entry.value ? entry : { ...entry, value: clean }];
      }),
  };
};

/** `keep` as it is; `remove` with its key; `replace` whatever it holds; `replace-text` unless it is a number; the rest by what the key holds. */
interface KeyWay {
  readonly name: string;
  readonly how: 'keep' | 'remove' | 'replace' | 'replace-text' | 'sql' | 'query' | 'url' | 'text';
}

const maxKeys = 2000;
const maxHarmless = 128;
const onlyCards: ReadonlySet<PersonalKind> = new Set(['card']);
const urlKeys = new Set(['url.full', 'url.original', 'http.url', 'http.target', 'url.path', 'url.fragment']);

const read = (name: string, source: string): SearchPattern => {
  const pattern = searchPattern(source);
  if ('error' in pattern) throw new Failure('misconfigured', pattern.error, { where: `patterns.${name}` });
  return pattern;
};

/** Exact keys, and `prefix.*`. */
const keySet = (keys: readonly string[]): ((key: string) => boolean) => {
  const exact = new Set(keys.filter((key) => !key.endsWith('*')));
  const prefixes = keys.filter((key) => key.endsWith('*')).map((key) => key.slice(0, -1));
  return (key) => exact.has(key) || prefixes.some((prefix) => key.startsWith(prefix));
};

/** A key that names a secret: one of its words is one of these, or two of them together are (`x-api-key`, `accessToken`). */
const namesSecret = (key: string): boolean => {
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word, at) => secretWords.includes(word) || secretWords.includes(`${word}${words[at + 1] ?? ''}`));
};
const systemOf = (attributes: Attributes): string | undefined => {
  const system = attributes['db.system.name'] ?? attributes['db.system'];
  return typeof system === 'string' ? system : undefined;
};

const membersBefore = (given: Attributes, stop: string): Record<string, AttributeValue> => {
  const out: Record<string, AttributeValue> = {};
  for (const key in given) {
    if (key === stop) break;
    out[key] = given[key] as AttributeValue;
  }
  return out;
};

const each = <T>(items: readonly T[], clean: (item: T) => T): readonly T[] => {
  let out: T[] | undefined;
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as T;
    const after = clean(item);
    if (after === item) continue;
    out ??= [...items];
    out[at] = after;
  }
  return out ?? items;
};

/** Field by field: a span that was recorded here has getters, which a spread would lose. */
const copyOf = (given: Span, clean: { readonly [field in keyof Span]?: Span[field] | undefined }): Span => {
  const copy: Record<string, unknown> = {};
  for (const field of fields) {
    const value = Object.hasOwn(clean, field) ? clean[field] : given[field];
    if (value !== undefined) copy[field] = value;
  }
  return copy as unknown as Span;
};

/** Every field that a span can have: a new one must be named here, or redacted spans would lose it. */
const fields = [
  'traceId',
  'spanId',
  'parentSpanId',
  'traceState',
  'flags',
  'name',
  'kind',
  'startNanos',
  'endNanos',
  'status',
  'statusMessage',
  'resource',
  'attributes',
  'links',
  'events',
  'droppedAttributesCount',
  'droppedEventsCount',
  'droppedLinksCount',
  'scope',
] as const satisfies readonly (keyof Span)[];

const replaced = <Part extends { readonly start: number; readonly end: number }>(
  text: string,
  parts: readonly Part[],
  by: (part: Part, text: string) => string,
): string => {
  let out = '';
  let copied = 0;
  for (const part of parts) {
    out += text.slice(copied, part.start) + by(part, text.slice(part.start, part.end));
    copied = part.end;
  }
  return out + text.slice(copied);
};

/** One spelling of what is the same thing, so that its tokens are equal. */
const canonical = (kind: string, value: string): string => {
  if (kind === 'email') return value.replace('%40', '@').toLowerCase();
  if (kind === 'phone') return national(value);
  if (kind === 'card') return value.replace(/[^0-9]/g, '');
  if (kind === 'iban' || kind === 'residentId') return value.replace(/[^0-9A-Za-z]/g, '').toUpperCase();
  return value;
};

/** Without the calling code of the countries whose national numbers are known as well. */
const national = (value: string): string => {
  const plus = /^(?:\+|%2[Bb])/.test(value);
  const digits = value.replace(/^%2[Bb]|[^0-9]/g, '');
  if (plus && digits.length === 11 && digits.startsWith('1')) return digits.slice(1);
  return digits.replace(/^(?:00)?86(?=1\d{10}$)/, '');
};

/** 64 bits as 16 letters: digits could be taken for a number of something when they are looked through again. */
const letters = (bytes: Uint8Array): string => {
  let out = '';
  for (let at = 0; at < 8; at++) {
    const byte = bytes[at] as number;
    out += 'abcdefghijklmnop'[byte >>> 4];
    out += 'abcdefghijklmnop'[byte & 15];
  }
  return out;
};

const isList = (given: AttributeValue): given is readonly AttributeValue[] => Array.isArray(given);
