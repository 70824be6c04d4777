import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../model/span.ts';

/** Spans of one body, and what of it was refused; the rest is kept. */
export interface Decoded {
  readonly spans: readonly Span[];
  /** Reasons with how many spans each concerned. */
  readonly refused: Readonly<Record<string, number>>;
  /** Set when the body as a whole could not be read. */
  readonly error?: string;
}

/** A bound against bodies made to exhaust memory; the OTLP limits of CloudWatch are far below. */
const maxAttributes = 1024;

/** OTLP/JSON: ids in hex, 64-bit integers as strings or numbers, unknown fields ignored. Never throws. */
export const decodeJson = (text: string): Decoded => {
  let body: unknown;
  try {
    // Nanoseconds since the epoch do not fit a double: Node 24 hands the digits to the reviver.
    body = JSON.parse(text, (key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && key.endsWith('UnixNano') && context?.source !== undefined ? context.source : value,
    );
  } catch (thrown) {
    return { spans: [], refused: {}, error: `is not JSON: ${(thrown as Error).message}` };
  }
  if (!isObject(body) || !Array.isArray(body['resourceSpans'])) {
    return { spans: [], refused: {}, error: 'is not an ExportTraceServiceRequest: resourceSpans is missing' };
  }
  const gathered = gather();
  for (const resourceSpans of objects(body['resourceSpans'])) {
    const resource = attributesOf(
      isObject(resourceSpans['resource']) ? resourceSpans['resource']['attributes'] : undefined,
    );
    for (const scopeSpans of objects(resourceSpans['scopeSpans'])) {
      for (const raw of objects(scopeSpans['spans'])) gathered.add(jsonSpan(raw, resource));
    }
  }
  return gathered.done();
};

/** OTLP protobuf, read field by field without a schema library. Never throws. */
export const decodeProto = (bytes: Uint8Array): Decoded => {
  const gathered = gather();
  try {
    for (const resourceSpans of new Fields(bytes).messages(1)) {
      let resource: Attributes = {};
      for (const message of resourceSpans.messages(1)) resource = message.attributes(1);
      for (const scopeSpans of resourceSpans.messages(2)) {
        for (const span of scopeSpans.messages(2)) gathered.add(protoSpan(span, resource));
      }
    }
  } catch (thrown) {
    return { ...gathered.done(), error: `is not OTLP protobuf: ${(thrown as Error).message}` };
  }
  return gathered.done();
};

type Read = Span | string;

const gather = () => {
  const spans: Span[] = [];
  const refused: Record<string, number> = {};
  return {
    add: (read: Read) => {
      if (typeof read === 'string') refused[read] = (refused[read] ?? 0) + 1;
      else spans.push(read);
    },
    done: (): Decoded => ({ spans, refused }),
  };
};

const checked = (span: Span): Read => {
  if (!/^[0-9a-f]{32}$/.test(span.traceId) || /^0+$/.test(span.traceId)) return 'trace id is not 32 hex digits';
  if (!/^[0-9a-f]{16}$/.test(span.spanId) || /^0+$/.test(span.spanId)) return 'span id is not 16 hex digits';
  if (span.parentSpanId !== undefined && !/^[0-9a-f]{16}$/.test(span.parentSpanId))
    return 'parent span id is not 16 hex digits';
  if (span.startNanos <= 0n) return 'start time is missing';
  if (span.endNanos < span.startNanos) return 'ends before it starts';
  return span;
};

const jsonSpan = (raw: Record<string, unknown>, resource: Attributes): Read => {
  const parent = text(raw['parentSpanId']).toLowerCase();
  const status = isObject(raw['status']) ? raw['status'] : {};
  const traceState = text(raw['traceState']);
  const statusMessage = text(status['message']);
  return checked({
    traceId: text(raw['traceId']).toLowerCase(),
    spanId: text(raw['spanId']).toLowerCase(),
    ...(parent === '' || /^0+$/.test(parent) ? {} : { parentSpanId: parent }),
    ...(traceState === '' ? {} : { traceState }),
    name: text(raw['name']),
    kind: enumOf(raw['kind'], 'SPAN_KIND_', ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']),
    startNanos: nanos(raw['startTimeUnixNano']),
    endNanos: nanos(raw['endTimeUnixNano']),
    status: enumOf(status['code'], 'STATUS_CODE_', ['UNSET', 'OK', 'ERROR']),
    ...(statusMessage === '' ? {} : { statusMessage }),
    resource,
    attributes: attributesOf(raw['attributes']),
    links: objects(raw['links']).map((link): SpanLink => {
      const attributes = attributesOf(link['attributes']);
      const ids = { traceId: text(link['traceId']).toLowerCase(), spanId: text(link['spanId']).toLowerCase() };
      return Object.keys(attributes).length === 0 ? ids : { ...ids, attributes };
    }),
    events: objects(raw['events']).map(
      (event): SpanEvent => ({
        name: text(event['name']),
        timeNanos: nanos(event['timeUnixNano']),
        attributes: attributesOf(event['attributes']),
      }),
    ),
  });
};

const enumOf = (value: unknown, prefix: string, names: readonly string[]): number => {
  if (typeof value === 'number') return value >= 0 && value < names.length ? Math.floor(value) : 0;
  if (typeof value !== 'string') return 0;
  return Math.max(0, names.indexOf(value.startsWith(prefix) ? value.slice(prefix.length) : value));
};

const nanos = (value: unknown): bigint => {
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? BigInt(Math.trunc(value)) : 0n;
};

const attributesOf = (list: unknown): Attributes => {
  const attributes: Record<string, AttributeValue> = {};
  for (const pair of objects(list).slice(0, maxAttributes)) {
    const key = pair['key'];
    if (typeof key !== 'string' || key === '__proto__') continue;
    const value = anyValue(pair['value']);
    if (value !== undefined) attributes[key] = value;
  }
  return attributes;
};

const anyValue = (value: unknown): AttributeValue | undefined => {
  if (!isObject(value)) return undefined;
  if (typeof value['stringValue'] === 'string') return value['stringValue'];
  if (typeof value['boolValue'] === 'boolean') return value['boolValue'];
  if (value['intValue'] !== undefined) return Number(value['intValue']);
  if (typeof value['doubleValue'] === 'number') return value['doubleValue'];
  if (typeof value['bytesValue'] === 'string') return value['bytesValue'];
  const array = isObject(value['arrayValue']) ? value['arrayValue']['values'] : undefined;
  if (Array.isArray(array)) return array.map((each) => anyValue(each) ?? '');
  return isObject(value['kvlistValue']) ? JSON.stringify(attributesOf(value['kvlistValue']['values'])) : undefined;
};

const protoSpan = (span: Fields, resource: Attributes): Read => {
  const parent = span.hex(4);
  const traceState = span.text(3);
  let status = 0;
  let statusMessage = '';
  for (const message of span.messages(15)) {
    status = Number(message.number(3));
    statusMessage = message.text(2);
  }
  return checked({
    traceId: span.hex(1),
    spanId: span.hex(2),
    ...(parent === '' || /^0+$/.test(parent) ? {} : { parentSpanId: parent }),
    ...(traceState === '' ? {} : { traceState }),
    name: span.text(5),
    kind: Math.min(5, Number(span.number(6))),
    startNanos: span.number(7),
    endNanos: span.number(8),
    status: status > 2 ? 0 : status,
    ...(statusMessage === '' ? {} : { statusMessage }),
    resource,
    attributes: span.attributes(9),
    links: span.messages(13).map((link): SpanLink => {
      const attributes = link.attributes(4);
      const ids = { traceId: link.hex(1), spanId: link.hex(2) };
      return Object.keys(attributes).length === 0 ? ids : { ...ids, attributes };
    }),
    events: span
      .messages(11)
      .map(
        (event): SpanEvent => ({ timeNanos: event.number(1), name: event.text(2), attributes: event.attributes(3) }),
      ),
  });
};

/** Nesting of attribute values is bounded, so that a body made of nothing but nesting cannot exhaust the stack. */
const maxDepth = 16;

/** The fields of one protobuf message, found once by number. Throws on bytes that are no message. */
class Fields {
  readonly #bytes: Uint8Array;
  readonly #found = new Map<number, (bigint | Uint8Array)[]>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    let at = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = this.#bytes[at++];
        if (byte === undefined) throw new Error('it is cut short');
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
      throw new Error('a number is longer than 64 bits');
    };
    while (at < bytes.length) {
      const tag = Number(varint());
      const wire = tag & 7;
      let value: bigint | Uint8Array;
      if (wire === 0) value = varint();
      else if (wire === 2) {
        const length = Number(varint());
        if (at + length > bytes.length) throw new Error('it is cut short');
        value = bytes.subarray(at, at + length);
        at += length;
      } else if (wire === 1 || wire === 5) {
        const size = wire === 1 ? 8 : 4;
        if (at + size > bytes.length) throw new Error('it is cut short');
        const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
        value = size === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
        at += size;
      } else throw new Error(`wire type ${wire} is not known`);
      const number = tag >>> 3;
      const list = this.#found.get(number);
      if (list === undefined) this.#found.set(number, [value]);
      else list.push(value);
    }
  }

  messages(field: number): Fields[] {
    return (this.#found.get(field) ?? [])
      .filter((value) => typeof value !== 'bigint')
      .map((value) => new Fields(value));
  }
  number(field: number): bigint {
    const value = this.#found.get(field)?.at(-1);
    return typeof value === 'bigint' ? value : 0n;
  }
  bytes(field: number): Uint8Array {
    const value = this.#found.get(field)?.at(-1);
    return value === undefined || typeof value === 'bigint' ? new Uint8Array() : value;
  }
  hex(field: number): string {
    return Buffer.from(this.bytes(field)).toString('hex');
  }
  text(field: number): string {
    return Buffer.from(this.bytes(field)).toString('utf8');
  }
  has(field: number): boolean {
    return this.#found.has(field);
  }
  attributes(field: number, depth = 0): Attributes {
    const attributes: Record<string, AttributeValue> = {};
    for (const pair of this.messages(field).slice(0, maxAttributes)) {
      const key = pair.text(1);
      const value = pair.messages(2).at(-1)?.value(depth);
      if (value !== undefined && key !== '__proto__') attributes[key] = value;
    }
    return attributes;
  }
  /** An AnyValue. */
  value(depth: number): AttributeValue | undefined {
    if (depth > maxDepth) return undefined;
    if (this.has(1)) return this.text(1);
    if (this.has(2)) return this.number(2) !== 0n;
    if (this.has(3)) return Number(BigInt.asIntN(64, this.number(3)));
    if (this.has(4)) {
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, this.number(4));
      return view.getFloat64(0);
    }
    if (this.has(5))
      return this.messages(5).flatMap((array) => array.messages(1).map((each) => each.value(depth + 1) ?? ''));
    if (this.has(6)) return JSON.stringify(this.messages(6)[0]?.attributes(1, depth + 1) ?? {});
    return this.has(7) ? Buffer.from(this.bytes(7)).toString('base64') : undefined;
  }
}

const objects = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isObject) : []);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
