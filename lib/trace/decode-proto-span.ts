import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { ProtoReader } from './proto-reader.ts';
import { idRefusalOf, maxAttributes, maxDepth, maxListed, timeRefusalOf } from './span-limits.ts';

/** A span message at its place in the body, or why it is refused. Throws on bytes that are no message. */
export const protoSpan = (buffer: Buffer, start: number, end: number, resource: Attributes): Span | string => {
  let traceId = '';
  let spanId = '';
  let parent = '';
  let traceState = '';
  let name = '';
  let kind = 0;
  let startNanos = 0n;
  let endNanos = 0n;
  let status = 0;
  let statusMessage = '';
  const reader = new ProtoReader(buffer, start, end);
  while (reader.next()) {
    const isBytes = reader.wire === 2;
    switch (reader.field) {
      case 1:
        if (isBytes) traceId = hexOf(buffer, reader, 16);
        break;
      case 2:
        if (isBytes) spanId = hexOf(buffer, reader, 8);
        break;
      case 3:
        if (isBytes && reader.end > reader.start) traceState = buffer.toString('utf8', reader.start, reader.end);
        break;
      case 4:
        if (isBytes) parent = hexOf(buffer, reader, 8);
        break;
      case 5:
        if (isBytes) name = buffer.toString('utf8', reader.start, reader.end);
        break;
      case 6:
        if (reader.wire === 0) kind = reader.value <= 5 ? reader.value : 0;
        break;
      case 7:
        if (reader.wire === 1) startNanos = buffer.readBigUInt64LE(reader.start);
        break;
      case 8:
        if (reader.wire === 1) endNanos = buffer.readBigUInt64LE(reader.start);
        break;
      case 15: {
        if (!isBytes) break;
        const inner = new ProtoReader(buffer, reader.start, reader.end);
        while (inner.next()) {
          if (inner.field === 3 && inner.wire === 0) status = inner.value <= 2 ? inner.value : 0;
          else if (inner.field === 2 && inner.wire === 2)
            statusMessage = buffer.toString('utf8', inner.start, inner.end);
        }
        break;
      }
    }
  }
  if (parent === '0000000000000000') parent = '';
  const refusal = idRefusalOf(traceId, spanId, parent) ?? timeRefusalOf(startNanos, endNanos);
  if (refusal !== undefined) return refusal;
  const span = new ProtoSpan(buffer, start, end, resource, traceId, spanId, name, kind, startNanos, endNanos, status);
  if (parent !== '') span.parentSpanId = parent;
  if (traceState !== '') span.traceState = traceState;
  if (statusMessage !== '') span.statusMessage = statusMessage;
  return span;
};

/** Keeps its place in the body; what few readers ask for is read when asked for, and kept. */
class ProtoSpan implements Span {
  declare parentSpanId?: string;
  declare traceState?: string;
  declare statusMessage?: string;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly status: number;
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #end: number;
  #attributes: Attributes | undefined;

  constructor(
    buffer: Buffer,
    start: number,
    end: number,
    resource: Attributes,
    traceId: string,
    spanId: string,
    name: string,
    kind: number,
    startNanos: bigint,
    endNanos: bigint,
    status: number,
  ) {
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
    this.resource = resource;
    this.traceId = traceId;
    this.spanId = spanId;
    this.name = name;
    this.kind = kind;
    this.startNanos = startNanos;
    this.endNanos = endNanos;
    this.status = status;
  }

  get attributes(): Attributes {
    this.#attributes ??= protoAttributes(this.#buffer, this.#start, this.#end, 9);
    return this.#attributes;
  }

  get links(): readonly SpanLink[] {
    return this.#messages(13, (start, end) => {
      let traceId = '';
      let spanId = '';
      eachField(this.#buffer, start, end, (field) => {
        if (field.field === 1 && field.wire === 2) traceId = hexOf(this.#buffer, field, 16);
        else if (field.field === 2 && field.wire === 2) spanId = hexOf(this.#buffer, field, 8);
      });
      const attributes = protoAttributes(this.#buffer, start, end, 4);
      return Object.keys(attributes).length === 0 ? { traceId, spanId } : { traceId, spanId, attributes };
    });
  }

  get events(): readonly SpanEvent[] {
    return this.#messages(11, (start, end) => {
      let timeNanos = 0n;
      let name = '';
      eachField(this.#buffer, start, end, (field) => {
        if (field.field === 1 && field.wire === 1) timeNanos = this.#buffer.readBigUInt64LE(field.start);
        else if (field.field === 2 && field.wire === 2) name = this.#buffer.toString('utf8', field.start, field.end);
      });
      return { name, timeNanos, attributes: protoAttributes(this.#buffer, start, end, 3) };
    });
  }

  #messages<T>(wanted: number, read: (start: number, end: number) => T): T[] {
    const found: T[] = [];
    eachField(this.#buffer, this.#start, this.#end, (field) => {
      if (field.field === wanted && field.wire === 2 && found.length < maxListed)
        found.push(read(field.start, field.end));
    });
    return found;
  }
}

/** The KeyValue fields of that number in a message; what cannot be read ends the list. */
export const protoAttributes = (buffer: Buffer, start: number, end: number, wanted: number, depth = 0): Attributes => {
  const attributes: Record<string, AttributeValue> = {};
  let count = 0;
  eachField(buffer, start, end, (field) => {
    if (field.field !== wanted || field.wire !== 2 || count >= maxAttributes) return;
    count += 1;
    let key = '';
    let value: AttributeValue | undefined;
    eachField(buffer, field.start, field.end, (part) => {
      if (part.wire !== 2) return;
      if (part.field === 1) key = buffer.toString('utf8', part.start, part.end);
      else if (part.field === 2) value = anyValue(buffer, part.start, part.end, depth);
    });
    if (value !== undefined && key !== '__proto__') attributes[key] = value;
  });
  return attributes;
};

const anyValue = (buffer: Buffer, start: number, end: number, depth: number): AttributeValue | undefined => {
  if (depth > maxDepth) return undefined;
  let value: AttributeValue | undefined;
  eachField(buffer, start, end, (part) => {
    if (part.field === 1 && part.wire === 2) value = buffer.toString('utf8', part.start, part.end);
    else if (part.field === 2 && part.wire === 0) value = part.value !== 0;
    else if (part.field === 3 && part.wire === 0) value = Number(part.int64());
    else if (part.field === 4 && part.wire === 1) value = buffer.readDoubleLE(part.start);
    else if (part.field === 5 && part.wire === 2) {
      const list: AttributeValue[] = [];
      eachField(buffer, part.start, part.end, (item) => {
        if (item.field === 1 && item.wire === 2 && list.length < maxAttributes) {
          list.push(anyValue(buffer, item.start, item.end, depth + 1) ?? '');
        }
      });
      value = list;
    } else if (part.field === 6 && part.wire === 2) {
      value = JSON.stringify(protoAttributes(buffer, part.start, part.end, 1, depth + 1));
    } else if (part.field === 7 && part.wire === 2) value = buffer.toString('base64', part.start, part.end);
  });
  return value;
};

/** Calls for each field until the end, or until bytes that are no field: what came before is kept. */
const eachField = (buffer: Buffer, start: number, end: number, visit: (field: ProtoReader) => void): void => {
  const reader = new ProtoReader(buffer, start, end);
  try {
    while (reader.next()) visit(reader);
  } catch {
    // The span itself was whole; a broken attribute list does not cost the span.
  }
};

const hexOf = (buffer: Buffer, field: ProtoReader, length: number): string =>
  field.end - field.start === length
    ? buffer.toString('hex', field.start, field.end)
    : field.end === field.start
      ? ''
      : `(${field.end - field.start} bytes)`;
