import type { Attributes, AttributeValue, Scope, SpanEvent, SpanLink } from '../model/span.ts';
import { hashOfDigits, type Origin, type PlacedSpan } from './placed-span.ts';
import { exactInteger } from './proto-span.ts';
import { maxAttributes, maxDepth, maxListed } from './span-limits.ts';

type Raw = Readonly<Record<string, unknown>>;

/** Keeps its place in a JSON body. What is asked for is parsed then; ids and names, asked for again and again, are kept. */
export class JsonSpan implements PlacedSpan {
  origin: Origin;
  readonly from: number;
  to = 0;
  /** Start and end as whole seconds and the nanoseconds beyond them. */
  startSeconds = 0;
  startRest = 0;
  endSeconds = 0;
  endRest = 0;
  isExcessive = false;
  kind = 0;
  status = 0;
  /** Where values lie in the body; set by the scan. */
  traceFrom = 0;
  spanFrom = 0;
  parentFrom = -1;
  nameFrom = 0;
  nameTo = 0;
  isNamePlain = true;
  attributesFrom = -1;
  attributesTo = -1;
  eventsFrom = -1;
  linksFrom = -1;
  /** Which of the rarer fields are there: none of them is looked for in vain. */
  hasState = false;
  hasMessage = false;
  hasFlags = false;
  hasDropped = false;
  #traceId: string | undefined;
  #spanId: string | undefined;
  #name: string | undefined;
  #attributes: Attributes | undefined;

  constructor(origin: Origin, from: number) {
    this.origin = origin;
    this.from = from;
  }

  get traceId(): string {
    this.#traceId ??= this.#id(this.traceFrom, 32);
    return this.#traceId;
  }

  get spanId(): string {
    this.#spanId ??= this.#id(this.spanFrom, 16);
    return this.#spanId;
  }

  get parentSpanId(): string | undefined {
    return this.parentFrom < 0 ? undefined : this.#id(this.parentFrom, 16);
  }

  get name(): string {
    if (this.#name === undefined) {
      const { buffer } = this.origin;
      this.#name = this.isNamePlain
        ? buffer.toString('utf8', this.nameFrom, this.nameTo)
        : (JSON.parse(buffer.toString('utf8', this.nameFrom - 1, this.nameTo + 1)) as string);
    }
    return this.#name;
  }

  get startNanos(): bigint {
    return BigInt(this.startSeconds) * 1_000_000_000n + BigInt(this.startRest);
  }

  get endNanos(): bigint {
    return BigInt(this.endSeconds) * 1_000_000_000n + BigInt(this.endRest);
  }

  get resource(): Attributes {
    return this.origin.resource;
  }

  get scope(): Scope | undefined {
    return this.origin.scope;
  }

  get traceHash(): number {
    return hashOfDigits(this.origin.buffer, this.traceFrom, this.traceFrom + 32);
  }

  get spanHash(): number {
    return hashOfDigits(this.origin.buffer, this.spanFrom, this.spanFrom + 16);
  }

  get attributes(): Attributes {
    if (this.#attributes === undefined) {
      const { buffer } = this.origin;
      const { attributesFrom: from, attributesTo: to } = this;
      this.#attributes = from < 0 ? {} : jsonAttributes(parseExact(buffer.toString('utf8', from, to)));
    }
    return this.#attributes;
  }

  get traceState(): string | undefined {
    return this.hasState ? text(this.#raw()['traceState']) : undefined;
  }

  get statusMessage(): string | undefined {
    if (!this.hasMessage) return undefined;
    const { status } = this.#raw();
    return (isObject(status) ? text(status['message']) : '') || undefined;
  }

  get flags(): number | undefined {
    return this.hasFlags ? count(this.#raw()['flags'], true) : undefined;
  }

  get droppedAttributesCount(): number | undefined {
    return this.#dropped('droppedAttributesCount', 'attributes', maxAttributes);
  }

  get droppedEventsCount(): number | undefined {
    return this.#dropped('droppedEventsCount', 'events', maxListed);
  }

  get droppedLinksCount(): number | undefined {
    return this.#dropped('droppedLinksCount', 'links', maxListed);
  }

  get links(): readonly SpanLink[] {
    if (this.linksFrom < 0) return none;
    return objects(this.#raw()['links']).map((raw) => {
      const link: { -readonly [Key in keyof SpanLink]: SpanLink[Key] } = {
        traceId: text(raw['traceId']).toLowerCase(),
        spanId: text(raw['spanId']).toLowerCase(),
      };
      const state = text(raw['traceState']);
      const flags = count(raw['flags'], true);
      const dropped = count(raw['droppedAttributesCount']);
      const attributes = jsonAttributes(raw['attributes']);
      if (state !== '') link.traceState = state;
      if (flags !== undefined) link.flags = flags;
      if (dropped !== undefined) link.droppedAttributesCount = dropped;
      if (Object.keys(attributes).length > 0) link.attributes = attributes;
      return link;
    });
  }

  get events(): readonly SpanEvent[] {
    if (this.eventsFrom < 0) return none;
    return objects(this.#raw(true)['events']).map((raw) => {
      const dropped = count(raw['droppedAttributesCount']);
      return {
        name: text(raw['name']),
        timeNanos: nanos(raw['timeUnixNano']),
        attributes: jsonAttributes(raw['attributes']),
        ...(dropped === undefined ? {} : { droppedAttributesCount: dropped }),
      };
    });
  }

  #id(from: number, length: number): string {
    return this.origin.buffer.toString('latin1', from, from + length).toLowerCase();
  }

  /** The whole span, parsed. Times in it are quoted first where their last digits matter. */
  #raw(exact = false): Raw {
    const whole = this.origin.buffer.toString('utf8', this.from, this.to);
    return JSON.parse(exact ? exactNanos(whole) : whole) as Raw;
  }

  /** What its sender left out, and what is left out here. */
  #dropped(told: string, listed: string, most: number): number | undefined {
    if (!this.hasDropped && !this.isExcessive) return undefined;
    const raw = this.#raw();
    const list = raw[listed];
    const length = Array.isArray(list) ? list.length : isObject(list) ? Object.keys(list).length : 0;
    const dropped = (count(raw[told]) ?? 0) + Math.max(0, length - most);
    return dropped === 0 ? undefined : dropped;
  }
}

const none: readonly never[] = [];

/**
 * Nanoseconds since the epoch do not fit a double. OTLP writes them as strings; where a text has numbers, they are quoted before it is
 * parsed. Inside a string the quote before the colon would be escaped, so no text is touched. A reviver would cost three times the parse.
 */
export const exactNanos = (text: string): string => text.replace(/(UnixNano"\s*:\s*)(\d+)(?![\d.eE])/g, '$1"$2"');

/** A list of `{ key, value: { …Value } }`, or, as in `aws/spans` records, a flat map. */
export const jsonAttributes = (given: unknown, depth = 0): Attributes => {
  const attributes: Record<string, AttributeValue> = {};
  if (isObject(given)) {
    let read = 0;
    for (const key in given) {
      if (read >= maxAttributes) break;
      read += 1;
      if (key === '__proto__') continue;
      const value = plainValue(given[key], depth);
      if (value !== undefined && value !== null) attributes[key] = value;
    }
    return attributes;
  }
  for (const pair of objects(given)) {
    const key = pair['key'];
    if (typeof key !== 'string' || key === '__proto__') continue;
    const value = anyValue(pair['value'], depth);
    if (value !== undefined) attributes[key] = value;
  }
  return attributes;
};

/** A value that is written as itself, as in `aws/spans` records. */
const plainValue = (value: unknown, depth: number): AttributeValue | undefined => {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (typeof value === 'bigint') return exactInteger(BigInt.asIntN(64, value));
  if (depth > maxDepth) return undefined;
  if (Array.isArray(value)) return value.slice(0, maxAttributes).map((each) => plainValue(each, depth + 1) ?? null);
  return isObject(value) ? jsonAttributes(value, depth + 1) : undefined;
};

export const jsonScope = (raw: unknown): Scope => {
  const { name, version } = isObject(raw) ? raw : {};
  return typeof version === 'string' && version !== '' ? { name: text(name), version } : { name: text(name) };
};

/** Undefined for what is no value, or nested too deep. */
const anyValue = (value: unknown, depth: number): AttributeValue | undefined => {
  if (value === undefined || value === null) return null;
  if (!isObject(value) || depth > maxDepth) return undefined;
  if (typeof value['stringValue'] === 'string') return value['stringValue'];
  if (typeof value['boolValue'] === 'boolean') return value['boolValue'];
  if (value['intValue'] !== undefined) return integer(value['intValue']);
  if (value['doubleValue'] !== undefined) return double(value['doubleValue']);
  if (typeof value['bytesValue'] === 'string') return Uint8Array.from(Buffer.from(value['bytesValue'], 'base64'));
  const array = value['arrayValue'];
  if (isObject(array)) {
    const list = Array.isArray(array['values']) ? array['values'] : [];
    return list.slice(0, maxAttributes).map((each) => anyValue(each, depth + 1) ?? null);
  }
  const map = value['kvlistValue'];
  if (isObject(map)) return depth < maxDepth ? jsonAttributes(objects(map['values']), depth + 1) : undefined;
  return Object.keys(value).length === 0 ? null : undefined;
};

const integer = (value: unknown): number | bigint | undefined => {
  if (typeof value === 'bigint') return exactInteger(BigInt.asIntN(64, value));
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value)
    ? exactInteger(BigInt.asIntN(64, BigInt(value)))
    : undefined;
};

/** Protobuf's JSON writes what JSON has no number for as text. */
const double = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined;
};

/** `JSON.parse`, but integers beyond 2^53 are bigints. Only text that has so many digits in a row is read the slower way. */
export const parseExact = (text: string): unknown =>
  /[:[,\s]-?\d{16}/.test(text)
    ? JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
        typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d{1,20}$/.test(context?.source ?? '')
          ? BigInt(context?.source ?? '')
          : value,
      )
    : JSON.parse(text);

const nanos = (value: unknown): bigint => {
  if (typeof value === 'string') return /^\d{1,20}$/.test(value) ? BigInt(value) : 0n;
  return typeof value === 'number' && value > 0 && value < 2 ** 64 ? BigInt(Math.trunc(value)) : 0n;
};

/** A whole number from 0; undefined for anything else, and for 0 unless it says something. */
const count = (value: unknown, isZeroTold = false): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && (value > 0 || (value === 0 && isZeroTold))
    ? value
    : undefined;

const objects = (value: unknown): Raw[] => (Array.isArray(value) ? value.slice(0, maxListed).filter(isObject) : []);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
