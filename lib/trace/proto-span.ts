import type { Attributes, AttributeValue, Scope, SpanEvent, SpanLink } from '../model/span.ts';
import { hashOfBytes, type Origin, type PlacedSpan } from './placed-span.ts';
import { ProtoReader } from './proto-reader.ts';
import { maxAttributes, maxDepth, maxListed } from './span-limits.ts';

/** What is known of a span by the scan, one cell each; `places` are offsets in the body, -1 where there is nothing. */
export const cell = {
  /** The span with the tag and the length before it, its content, and where both end. */
  from: 0,
  content: 1,
  to: 2,
  traceId: 3,
  spanId: 4,
  parentSpanId: 5,
  name: 6,
  nameTo: 7,
  start: 8,
  end: 9,
  /** `marks`, with kind and status above them. */
  marks: 10,
} as const;

export const cellsPerSpan = 11;

/** Which of the rarer fields are there: none of them is looked for in vain. */
export const marks = { state: 1, message: 2, flags: 4, dropped: 8, events: 16, links: 32, excessive: 64 } as const;
export const kindShift = 8;
export const statusShift = 12;

/** What is asked for again and again. */
interface Kept {
  traceId: string | undefined;
  spanId: string | undefined;
  name: string | undefined;
  attributes: Attributes | undefined;
}

/**
 * Keeps its place in a protobuf body, in a row of cells that it shares with its neighbours: a window holds a hundred thousand of them.
 * What is asked for is read then.
 */
export class ProtoSpan implements PlacedSpan {
  readonly origin: Origin;
  readonly #cells: Int32Array;
  readonly #row: number;
  #known: Kept | undefined;

  constructor(origin: Origin, cells: Int32Array, row: number) {
    this.origin = origin;
    this.#cells = cells;
    this.#row = row;
  }

  get from(): number {
    return this.#at(cell.from);
  }

  get to(): number {
    return this.#at(cell.to);
  }

  get startSeconds(): number {
    return secondsAt(this.origin.buffer, this.#at(cell.start));
  }

  get isExcessive(): boolean {
    return this.#has(marks.excessive);
  }

  get kind(): number {
    return (this.#at(cell.marks) >> kindShift) & 15;
  }

  get status(): number {
    return this.#at(cell.marks) >> statusShift;
  }

  get traceId(): string {
    this.#kept.traceId ??= this.#hex(this.#at(cell.traceId), 16);
    return this.#kept.traceId;
  }

  get spanId(): string {
    this.#kept.spanId ??= this.#hex(this.#at(cell.spanId), 8);
    return this.#kept.spanId;
  }

  get parentSpanId(): string | undefined {
    const at = this.#at(cell.parentSpanId);
    return at < 0 ? undefined : this.#hex(at, 8);
  }

  get name(): string {
    this.#kept.name ??= this.origin.buffer.toString('utf8', this.#at(cell.name), this.#at(cell.nameTo));
    return this.#kept.name;
  }

  get startNanos(): bigint {
    return this.origin.buffer.readBigUInt64LE(this.#at(cell.start));
  }

  get endNanos(): bigint {
    return this.origin.buffer.readBigUInt64LE(this.#at(cell.end));
  }

  get resource(): Attributes {
    return this.origin.resource;
  }

  get scope(): Scope | undefined {
    return this.origin.scope;
  }

  get traceHash(): number {
    const at = this.#at(cell.traceId);
    return hashOfBytes(this.origin.buffer, at, at + 16);
  }

  get spanHash(): number {
    const at = this.#at(cell.spanId);
    return hashOfBytes(this.origin.buffer, at, at + 8);
  }

  get attributes(): Attributes {
    this.#kept.attributes ??= protoAttributes(this.origin.buffer, this.#at(cell.content), this.to, 9);
    return this.#kept.attributes;
  }

  get traceState(): string | undefined {
    return this.#has(marks.state) ? this.#text(3) : undefined;
  }

  get flags(): number | undefined {
    return this.#has(marks.flags) ? flagsIn(this.origin.buffer, this.#at(cell.content), this.to, 16) : undefined;
  }

  get statusMessage(): string | undefined {
    if (!this.#has(marks.message)) return undefined;
    let found: string | undefined;
    eachField(this.origin.buffer, this.#at(cell.content), this.to, (field) => {
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
    if (!this.#has(marks.links)) return none;
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
    if (!this.#has(marks.events)) return none;
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

  get #kept(): Kept {
    this.#known ??= { traceId: undefined, spanId: undefined, name: undefined, attributes: undefined };
    return this.#known;
  }

  #at(column: number): number {
    return this.#cells[this.#row + column] as number;
  }

  #has(mark: number): boolean {
    return (this.#at(cell.marks) & mark) !== 0;
  }

  #hex(from: number, length: number): string {
    return this.origin.buffer.toString('hex', from, from + length);
  }

  #text(wanted: number): string | undefined {
    return textIn(this.origin.buffer, this.#at(cell.content), this.to, wanted);
  }

  /** What its sender left out, and what is left out here. */
  #dropped(told: number, listed: number, most: number): number | undefined {
    if (!this.#has(marks.dropped) && !this.isExcessive) return undefined;
    let dropped = 0;
    let count = 0;
    eachField(this.origin.buffer, this.#at(cell.content), this.to, ({ field, wire, value }) => {
      if (field === told && wire === 0) dropped = value;
      else if (field === listed && wire === 2) count += 1;
    });
    dropped += Math.max(0, count - most);
    return dropped === 0 ? undefined : dropped;
  }

  #messages<T>(wanted: number, read: (start: number, end: number) => T): T[] {
    const found: T[] = [];
    eachField(this.origin.buffer, this.#at(cell.content), this.to, (field) => {
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
    // A key without a value has the empty one; one that is nested too deep has none.
    let value: AttributeValue | undefined = null;
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

/** A number where it is exact. */
export const exactInteger = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

const anyValue = (buffer: Buffer, start: number, end: number, depth: number): AttributeValue | undefined => {
  if (depth > maxDepth) return undefined;
  let value: AttributeValue | undefined = null;
  eachField(buffer, start, end, (part) => {
    if (part.field === 1 && part.wire === 2) value = buffer.toString('utf8', part.start, part.end);
    else if (part.field === 2 && part.wire === 0) value = part.value !== 0;
    else if (part.field === 3 && part.wire === 0) value = exactInteger(part.int64());
    else if (part.field === 4 && part.wire === 1) value = buffer.readDoubleLE(part.start);
    else if (part.field === 5 && part.wire === 2) {
      const list: AttributeValue[] = [];
      eachField(buffer, part.start, part.end, (item) => {
        if (item.field === 1 && item.wire === 2 && list.length < maxAttributes) {
          list.push(anyValue(buffer, item.start, item.end, depth + 1) ?? null);
        }
      });
      value = list;
    } else if (part.field === 6 && part.wire === 2) {
      value = depth < maxDepth ? protoAttributes(buffer, part.start, part.end, 1, depth + 1) : undefined;
    } else if (part.field === 7 && part.wire === 2) value = Uint8Array.from(buffer.subarray(part.start, part.end));
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

/** A double is off by up to 256 ns; only within a microsecond of a whole second does that matter. */
const secondsAt = (buffer: Buffer, at: number): number => {
  const nanos = buffer.readUInt32LE(at + 4) * 2 ** 32 + buffer.readUInt32LE(at);
  const seconds = Math.floor(nanos / 1e9);
  const rest = nanos - seconds * 1e9;
  return rest > 1024 && rest < 1e9 - 1024 ? seconds : Number(buffer.readBigUInt64LE(at) / 1_000_000_000n);
};
