import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { idRefusalOf, maxAttributes, maxDepth, maxListed, timeRefusalOf } from './span-limits.ts';

type Raw = Readonly<Record<string, unknown>>;

/** A span as OTLP/JSON has it, or why it is refused. Never throws. */
export const jsonSpan = (raw: Raw, resource: Attributes): Span | string => {
  let traceId = text(raw['traceId']);
  let spanId = text(raw['spanId']);
  let parent = text(raw['parentSpanId']);
  let refusal = idRefusalOf(traceId, spanId, parent);
  if (refusal !== undefined) {
    // Upper-case digits are accepted and folded; most ids need no folding.
    traceId = traceId.toLowerCase();
    spanId = spanId.toLowerCase();
    parent = parent.toLowerCase();
    refusal = idRefusalOf(traceId, spanId, parent);
    if (refusal !== undefined) return refusal;
  }
  const startNanos = nanos(raw['startTimeUnixNano']);
  const end = raw['endTimeUnixNano'];
  if (!isLater(end, raw['startTimeUnixNano'])) {
    refusal = timeRefusalOf(startNanos, nanos(end));
    if (refusal !== undefined) return refusal;
  } else if (startNanos <= 0n) return timeRefusalOf(startNanos, startNanos) ?? '';
  const span = new JsonSpan(raw, resource, traceId, spanId, startNanos);
  if (parent !== '' && parent !== '0000000000000000') span.parentSpanId = parent;
  const traceState = raw['traceState'];
  if (typeof traceState === 'string' && traceState !== '') span.traceState = traceState;
  const status = raw['status'];
  if (isObject(status) && typeof status['message'] === 'string' && status['message'] !== '') {
    span.statusMessage = status['message'];
  }
  return span;
};

/** Both are digits of the same number, as they are from 2001 to 2286: then text compares as numbers do, at a tenth of the cost. */
const isLater = (end: unknown, start: unknown): boolean =>
  typeof end === 'string' &&
  typeof start === 'string' &&
  end.length === 19 &&
  start.length === 19 &&
  end >= start &&
  isDigits(end);

/** Keeps the parsed object; what few readers ask for is read when asked for, and kept. */
class JsonSpan implements Span {
  declare parentSpanId?: string;
  declare traceState?: string;
  declare statusMessage?: string;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNanos: bigint;
  readonly status: number;
  readonly #raw: Raw;
  #endNanos: bigint | undefined;
  #attributes: Attributes | undefined;

  constructor(raw: Raw, resource: Attributes, traceId: string, spanId: string, startNanos: bigint) {
    this.#raw = raw;
    this.resource = resource;
    this.traceId = traceId;
    this.spanId = spanId;
    this.name = text(raw['name']);
    this.kind = enumOf(raw['kind'], 'SPAN_KIND_', kinds);
    this.startNanos = startNanos;
    const status = raw['status'];
    this.status = isObject(status) ? enumOf(status['code'], 'STATUS_CODE_', codes) : 0;
  }

  get endNanos(): bigint {
    this.#endNanos ??= nanos(this.#raw['endTimeUnixNano']);
    return this.#endNanos;
  }

  get attributes(): Attributes {
    this.#attributes ??= jsonAttributes(this.#raw['attributes']);
    return this.#attributes;
  }

  get links(): readonly SpanLink[] {
    return objects(this.#raw['links']).map((link) => {
      const attributes = jsonAttributes(link['attributes']);
      const ids = { traceId: text(link['traceId']).toLowerCase(), spanId: text(link['spanId']).toLowerCase() };
      return Object.keys(attributes).length === 0 ? ids : { ...ids, attributes };
    });
  }

  get events(): readonly SpanEvent[] {
    return objects(this.#raw['events']).map((event) => ({
      name: text(event['name']),
      timeNanos: nanos(event['timeUnixNano']),
      attributes: jsonAttributes(event['attributes']),
    }));
  }
}

const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const codes = ['UNSET', 'OK', 'ERROR'];

const enumOf = (value: unknown, prefix: string, names: readonly string[]): number => {
  if (typeof value === 'number') return value >= 0 && value < names.length ? Math.floor(value) : 0;
  if (typeof value !== 'string') return 0;
  return Math.max(0, names.indexOf(value.startsWith(prefix) ? value.slice(prefix.length) : value));
};

const nanos = (value: unknown): bigint => {
  if (typeof value === 'string') return isDigits(value) ? BigInt(value) : 0n;
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? BigInt(Math.trunc(value)) : 0n;
};

const isDigits = (value: string): boolean => {
  if (value.length === 0 || value.length > 20) return false;
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return true;
};

/** A list of `{ key, value: { …Value } }`, or, as in `aws/spans` records, a flat map. */
export const jsonAttributes = (given: unknown, depth = 0): Attributes => {
  const attributes: Record<string, AttributeValue> = {};
  if (isObject(given)) {
    let count = 0;
    for (const key in given) {
      if (count >= maxAttributes) break;
      count += 1;
      const value = given[key];
      if (key === '__proto__' || value === null || value === undefined) continue;
      attributes[key] =
        typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
          ? value
          : JSON.stringify(value);
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

const anyValue = (value: unknown, depth: number): AttributeValue | undefined => {
  if (!isObject(value) || depth > maxDepth) return undefined;
  if (typeof value['stringValue'] === 'string') return value['stringValue'];
  if (typeof value['boolValue'] === 'boolean') return value['boolValue'];
  if (value['intValue'] !== undefined) return Number(value['intValue']);
  if (typeof value['doubleValue'] === 'number') return value['doubleValue'];
  if (typeof value['bytesValue'] === 'string') return value['bytesValue'];
  const array = isObject(value['arrayValue']) ? value['arrayValue']['values'] : undefined;
  if (Array.isArray(array)) return array.slice(0, maxAttributes).map((each) => anyValue(each, depth + 1) ?? '');
  const map = isObject(value['kvlistValue']) ? value['kvlistValue']['values'] : undefined;
  return map === undefined ? undefined : JSON.stringify(jsonAttributes(map, depth + 1));
};

const objects = (value: unknown): Raw[] => (Array.isArray(value) ? value.slice(0, maxListed).filter(isObject) : []);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
