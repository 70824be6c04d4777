import type { Attributes, AttributeValue, Scope, SpanEvent, SpanLink } from '../model/span.ts';
import { hashOfBytes, type Origin, type PlacedSpan } from './placed-span.ts';
import { ProtoReader } from './proto-reader.ts';
import { maxAttributes, maxDepth, maxListed } from './span-limits.ts';

/** Keeps its place in a protobuf body. What is asked for is read then; ids and names, asked for again and again, are kept. */
export class ProtoSpan implements PlacedSpan {
  readonly origin: Origin;
  readonly from: number;
  readonly to: number;
  startSeconds = 0;
  isExcessive = false;
  kind = 0;
  status = 0;
  /** Where fields lie in the body; set by the scan. */
  traceAt = -1;
  spanAt = -1;
  parentAt = -1;
  nameAt = 0;
  nameTo = 0;
  startAt = -1;
  endAt = -1;
  /** Which of the rarer fields are there: none of them is looked for in vain. */
  hasState = false;
  hasMessage = false;
  hasFlags = false;
  hasDropped = false;
  hasEvents = false;
  hasLinks = false;
  readonly #start: number;
  #traceId: string | undefined;
  #spanId: string | undefined;
  #name: string | undefined;
  #attributes: Attributes | undefined;

  constructor(origin: Origin, from: number, start: number, to: number) {
    this.origin = origin;
    this.from = from;
    this.#start = start;
    this.to = to;
  }

  get traceId(): string {
    this.#traceId ??= this.#hex(this.traceAt, 16);
    return this.#traceId;
  }

  get spanId(): string {
    this.#spanId ??= this.#hex(this.spanAt, 8);
    return this.#spanId;
  }

  get parentSpanId(): string | undefined {
    return this.parentAt < 0 ? undefined : this.#hex(this.parentAt, 8);
  }

  get name(): string {
    this.#name ??= this.origin.buffer.toString('utf8', this.nameAt, this.nameTo);
    return this.#name;
  }

  get startNanos(): bigint {
    return this.origin.buffer.readBigUInt64LE(this.startAt);
  }

  get endNanos(): bigint {
    return this.origin.buffer.readBigUInt64LE(this.endAt);
  }

  get resource(): Attributes {
    return this.origin.resource;
  }

  get scope(): Scope | undefined {
    return this.origin.scope;
  }

  get traceHash(): number {
    return hashOfBytes(this.origin.buffer, this.traceAt, this.traceAt + 16);
  }

  get attributes(): Attributes {
    this.#attributes ??= protoAttributes(this.origin.buffer, this.#start, this.to, 9);
    return this.#attributes;
  }

  get traceState(): string | undefined {
    return this.hasState ? this.#text(3) : undefined;
  }

  get flags(): number | undefined {
    return this.hasFlags ? flagsIn(this.origin.buffer, this.#start, this.to, 16) : undefined;
  }

  get statusMessage(): string | undefined {
    if (!this.hasMessage) return undefined;
    let found: string | undefined;
    eachField(this.origin.buffer, this.#start, this.to, (field) => {
      if (field.field === 15 && field.wire === 2) found = textIn(this.origin.buffer, field.start, field.end, 2);
    });
    return found;
  }

  get droppedAttributesCount(): number | undefined {
    return this.#dropped(10, 9, maxAttributes);
  }

  get droppedEventsCount(): number | undefined {
    return this.#dropped(12, 11, maxListed);
  }

  get droppedLinksCount(): number | undefined {
    return this.#dropped(14, 13, maxListed);
  }

  get links(): readonly SpanLink[] {
    if (!this.hasLinks) return none;
    const { buffer } = this.origin;
    return this.#messages(13, (start, end) => {
      const link: { -readonly [Key in keyof SpanLink]: SpanLink[Key] } = { traceId: '', spanId: '' };
      eachField(buffer, start, end, ({ field, wire, start: from, end: to, value }) => {
        if (field === 1 && wire === 2 && to - from === 16) link.traceId = buffer.toString('hex', from, to);
        else if (field === 2 && wire === 2 && to - from === 8) link.spanId = buffer.toString('hex', from, to);
        else if (field === 3 && wire === 2 && to > from) link.traceState = buffer.toString('utf8', from, to);
        else if (field === 5 && wire === 0 && value > 0) link.droppedAttributesCount = value;
        else if (field === 6 && wire === 5) link.flags = buffer.readUInt32LE(from);
      });
      const attributes = protoAttributes(buffer, start, end, 4);
      if (Object.keys(attributes).length > 0) link.attributes = attributes;
      return link;
    });
  }

  get events(): readonly SpanEvent[] {
    if (!this.hasEvents) return none;
    const { buffer } = this.origin;
    return this.#messages(11, (start, end) => {
      let timeNanos = 0n;
      let name = '';
      let dropped = 0;
      eachField(buffer, start, end, (field) => {
        if (field.field === 1 && field.wire === 1) timeNanos = buffer.readBigUInt64LE(field.start);
        else if (field.field === 2 && field.wire === 2) name = buffer.toString('utf8', field.start, field.end);
        else if (field.field === 4 && field.wire === 0) dropped = field.value;
      });
      const event = { name, timeNanos, attributes: protoAttributes(buffer, start, end, 3) };
      return dropped === 0 ? event : { ...event, droppedAttributesCount: dropped };
    });
  }

  #hex(from: number, length: number): string {
    return this.origin.buffer.toString('hex', from, from + length);
  }

  #text(wanted: number): string | undefined {
    return textIn(this.origin.buffer, this.#start, this.to, wanted);
  }

  /** What its sender left out, and what is left out here. */
  #dropped(told: number, listed: number, most: number): number | undefined {
    if (!this.hasDropped && !this.isExcessive) return undefined;
    let dropped = 0;
    let count = 0;
    eachField(this.origin.buffer, this.#start, this.to, ({ field, wire, value }) => {
      if (field === told && wire === 0) dropped = value;
      else if (field === listed && wire === 2) count += 1;
    });
    dropped += Math.max(0, count - most);
    return dropped === 0 ? undefined : dropped;
  }

  #messages<T>(wanted: number, read: (start: number, end: number) => T): T[] {
    const found: T[] = [];
    eachField(this.origin.buffer, this.#start, this.to, (field) => {
      if (field.field === wanted && field.wire === 2 && found.length < maxListed) {
        found.push(read(field.start, field.end));
      }
    });
    return found;
  }
}

const none: readonly never[] = [];

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

/** InstrumentationScope, with tag and length before it. */
export const protoScope = (buffer: Buffer, from: number, to: number): Scope => {
  let scope: Scope = { name: '' };
  eachField(buffer, from, to, ({ start, end }) => {
    const version = textIn(buffer, start, end, 2);
    scope = { name: textIn(buffer, start, end, 1) ?? '', ...(version === undefined ? {} : { version }) };
  });
  return scope;
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

/** The last non-empty text under that number. */
const textIn = (buffer: Buffer, start: number, end: number, wanted: number): string | undefined => {
  let found: string | undefined;
  eachField(buffer, start, end, ({ field, wire, start: from, end: to }) => {
    if (field === wanted && wire === 2) found = to > from ? buffer.toString('utf8', from, to) : undefined;
  });
  return found;
};

const flagsIn = (buffer: Buffer, start: number, end: number, wanted: number): number | undefined => {
  let found: number | undefined;
  eachField(buffer, start, end, ({ field, wire, start: from }) => {
    if (field === wanted && wire === 5) found = buffer.readUInt32LE(from);
  });
  return found;
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
