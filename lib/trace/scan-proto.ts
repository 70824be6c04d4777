import type { Attributes, Scope } from '../model/span.ts';
import type { Gathered, Origin } from './placed-span.ts';
import { ProtoReader } from './proto-reader.ts';
import {
  cell,
  cellsPerSpan,
  kindShift,
  marks,
  ProtoSpan,
  protoAttributes,
  protoScope,
  statusShift,
} from './proto-span.ts';
import { cuts, maxAttributes, maxDepth, maxListed, refusals } from './span-limits.ts';

/**
 * Finds the spans of an OTLP protobuf body in one pass over its bytes, without copies. A span that is none is refused alone; where a
 * length cannot be believed, what it would have held is lost and what comes after its parent is read on. Answers what is wrong with
 * the body as a whole.
 */
export const scanProto = (buffer: Buffer, gathered: Gathered): string | undefined => {
  const scan = new ProtoScan(buffer, gathered);
  try {
    scan.body();
    return undefined;
  } catch (thrown) {
    return (thrown as Error).message;
  }
};

/** One ScopeSpans message and the ResourceSpans around it. Ranges are with tag and length; -1 where there is none. */
export class ProtoOrigin implements Origin {
  readonly format = 'protobuf';
  readonly buffer: Buffer;
  readonly outer: ProtoResource;
  scopeFrom = -1;
  scopeTo = -1;
  schemaFrom = -1;
  schemaTo = -1;
  #scope: Scope | undefined;

  constructor(buffer: Buffer, outer: ProtoResource) {
    this.buffer = buffer;
    this.outer = outer;
  }

  get resource(): Attributes {
    return this.outer.attributes;
  }

  get scope(): Scope | undefined {
    if (this.scopeFrom >= 0) this.#scope ??= protoScope(this.buffer, this.scopeFrom, this.scopeTo);
    return this.#scope;
  }
}

/** What of a ResourceSpans message is no span. */
export class ProtoResource {
  readonly buffer: Buffer;
  from = -1;
  to = -1;
  schemaFrom = -1;
  schemaTo = -1;
  #attributes: Attributes | undefined;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get attributes(): Attributes {
    if (this.#attributes === undefined) {
      this.#attributes =
        this.from < 0 ? {} : protoAttributes(this.buffer, contentOf(this.buffer, this.from), this.to, 1);
    }
    return this.#attributes;
  }
}

/** Where the content of a length-delimited field of one tag byte starts. */
const contentOf = (buffer: Buffer, from: number): number => {
  let at = from + 1;
  while ((buffer[at] as number) > 0x7f) at += 1;
  return at + 1;
};

class ProtoScan {
  readonly #buffer: Buffer;
  readonly #gathered: Gathered;
  /** Set by `#varint` to what comes after the number. */
  #at = 0;
  /** Where the next span's row of cells is, and in which block of them. */
  #cells: Int32Array;
  #row = 0;

  constructor(buffer: Buffer, gathered: Gathered) {
    this.#buffer = buffer;
    this.#gathered = gathered;
    this.#cells = new Int32Array(blockOf(buffer) * cellsPerSpan);
  }

  body(): void {
    const end = this.#buffer.length;
    for (let at = 0; at < end; ) {
      const tag = this.#varint(at, end);
      const from = this.#content(tag, this.#at, end);
      const to = this.#at;
      if (tag === lengthDelimited(1)) this.#contained(() => this.#resourceSpans(from, to));
      at = to;
    }
  }

  #resourceSpans(start: number, end: number): void {
    const resource = new ProtoResource(this.#buffer);
    for (let at = start; at < end; ) {
      const tag = this.#varint(at, end);
      const from = this.#content(tag, this.#at, end);
      const to = this.#at;
      if (tag === lengthDelimited(1)) {
        resource.from = at;
        resource.to = to;
      } else if (tag === lengthDelimited(2)) this.#contained(() => this.#scopeSpans(from, to, resource));
      else if (tag === lengthDelimited(3)) {
        resource.schemaFrom = at;
        resource.schemaTo = to;
      }
      at = to;
    }
  }

  #scopeSpans(start: number, end: number, resource: ProtoResource): void {
    const origin = new ProtoOrigin(this.#buffer, resource);
    for (let at = start; at < end; ) {
      const tag = this.#varint(at, end);
      const from = this.#content(tag, this.#at, end);
      const to = this.#at;
      if (tag === lengthDelimited(2)) this.#span(at, from, to, origin);
      else if (tag === lengthDelimited(1)) {
        origin.scopeFrom = at;
        origin.scopeTo = to;
      } else if (tag === lengthDelimited(3)) {
        origin.schemaFrom = at;
        origin.schemaTo = to;
      }
      at = to;
    }
  }

  /** A broken length loses the rest of its message and nothing else. */
  #contained(read: () => void): void {
    try {
      read();
    } catch (thrown) {
      this.#gathered.refuse(`spans after a place that ${(thrown as Error).message}`);
    }
  }

  #span(from: number, start: number, end: number, origin: ProtoOrigin): void {
    try {
      const read = this.#readSpan(from, start, end, origin);
      if (typeof read === 'string') this.#gathered.refuse(read);
      else this.#gathered.spans.push(read);
    } catch {
      this.#gathered.refuse(refusals.framing);
    }
  }

  #readSpan(from: number, start: number, end: number, origin: ProtoOrigin): ProtoSpan | string {
    const buffer = this.#buffer;
    if (this.#row === this.#cells.length) {
      this.#cells = new Int32Array(this.#cells.length);
      this.#row = 0;
    }
    let traceAt = -1;
    let spanAt = -1;
    let parentAt = -1;
    let nameAt = 0;
    let nameTo = 0;
    let kind = 0;
    let state = 0;
    let status = 0;
    let marked = 0;
    let traceLength = 0;
    let spanLength = 0;
    let parentLength = 0;
    let startAt = -1;
    let endAt = -1;
    let attributes = 0;
    let events = 0;
    let links = 0;
    let isDeep = false;
    let at = start;
    while (at < end) {
      let tag = buffer[at] as number;
      at += 1;
      if (tag > 0x7f) {
        tag = this.#varint(at - 1, end);
        at = this.#at;
      }
      const wire = tag & 7;
      if (wire === 2) {
        if (at >= end) throw cutShort();
        let length = buffer[at] as number;
        at += 1;
        if (length > 0x7f) {
          length = this.#varint(at - 1, end);
          at = this.#at;
        }
        const value = at;
        at += length;
        if (at > end) throw cutShort();
        switch (tag >>> 3) {
          case 1:
            traceAt = value;
            traceLength = length;
            break;
          case 2:
            spanAt = value;
            spanLength = length;
            break;
          case 3:
            state = length > 0 ? marks.state : 0;
            break;
          case 4:
            parentAt = value;
            parentLength = length;
            break;
          case 5:
            nameAt = value;
            nameTo = at;
            break;
          case 9:
            attributes += 1;
            // Sixteen levels take more bytes than that; few attributes do.
            if (length > 64 && !isDeep) isDeep = isDeeper(buffer, value, at, 0);
            break;
          case 11:
            events += 1;
            break;
          case 13:
            links += 1;
            break;
          case 15:
            status = this.#status(value, at, status);
            break;
        }
      } else if (wire === 1) {
        const value = at;
        at += 8;
        if (at > end) throw cutShort();
        if (tag === fixed64(7)) startAt = value;
        else if (tag === fixed64(8)) endAt = value;
      } else if (wire === 0) {
        const value = this.#varint(at, end);
        at = this.#at;
        if (tag === varint(6)) kind = value <= 5 ? value : 0;
        else if (tag === varint(10) || tag === varint(12) || tag === varint(14)) marked |= marks.dropped;
      } else if (wire === 5) {
        at += 4;
        if (at > end) throw cutShort();
        if (tag === fixed32(16)) marked |= marks.flags;
      } else throw new Error(`has wire type ${wire}`);
    }
    if (traceLength !== 16 || isZero(buffer, traceAt, 16)) return refusals.traceId;
    if (spanLength !== 8 || isZero(buffer, spanAt, 8)) return refusals.spanId;
    if (parentLength !== 8) {
      if (parentLength !== 0) return refusals.parentSpanId;
      parentAt = -1;
    } else if (isZero(buffer, parentAt, 8)) parentAt = -1;
    if (startAt < 0 || isZero(buffer, startAt, 8)) return refusals.startTime;
    if (endAt < 0 || isBefore(buffer, endAt, startAt)) return refusals.order;
    if (events > 0) marked |= marks.events;
    if (links > 0) marked |= marks.links;
    if (attributes > maxAttributes || events > maxListed || links > maxListed || isDeep) {
      marked |= marks.excessive;
      if (attributes > maxAttributes) this.#gathered.shorten(cuts.attributes);
      if (events > maxListed) this.#gathered.shorten(cuts.events);
      if (links > maxListed) this.#gathered.shorten(cuts.links);
      if (isDeep) this.#gathered.shorten(cuts.depth);
    }
    const cells = this.#cells;
    const row = this.#row;
    this.#row += cellsPerSpan;
    cells[row + cell.from] = from;
    cells[row + cell.content] = start;
    cells[row + cell.to] = end;
    cells[row + cell.traceId] = traceAt;
    cells[row + cell.spanId] = spanAt;
    cells[row + cell.parentSpanId] = parentAt;
    cells[row + cell.name] = nameAt;
    cells[row + cell.nameTo] = nameTo;
    cells[row + cell.start] = startAt;
    cells[row + cell.end] = endAt;
    cells[row + cell.marks] = marked | state | status | (kind << kindShift);
    return new ProtoSpan(origin, cells, row);
  }

  /** Status and mark of a message as `marks` has them; `known` is of an earlier field of that number, which this one is merged into. */
  #status(start: number, end: number, known: number): number {
    let status = known;
    for (let at = start; at < end; ) {
      const tag = this.#varint(at, end);
      if (tag === varint(3)) {
        const code = this.#varint(this.#at, end);
        status = (status & marks.message) | ((code <= 2 ? code : 0) << statusShift);
      } else {
        if (tag === lengthDelimited(2)) status |= marks.message;
        this.#content(tag, this.#at, end);
      }
      at = this.#at;
    }
    return status;
  }

  /** Answers where the content of a field starts, and leaves `#at` after it. */
  #content(tag: number, at: number, end: number): number {
    const wire = tag % 8;
    let from = at;
    let to = at + 8;
    if (wire === 2) {
      const length = this.#varint(at, end);
      from = this.#at;
      to = from + length;
    } else if (wire === 0) {
      this.#varint(at, end);
      to = this.#at;
    } else if (wire === 5) to = at + 4;
    else if (wire !== 1) throw new Error(`has wire type ${wire}`);
    if (to > end) throw cutShort();
    this.#at = to;
    return from;
  }

  #varint(from: number, end: number): number {
    const buffer = this.#buffer;
    let value = 0;
    let scale = 1;
    for (let at = from; at < end && at < from + 10; at += 1) {
      const byte = buffer[at] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at = at + 1;
        return value;
      }
      scale *= 128;
    }
    throw cutShort();
  }
}

/** Spans that a block of cells is for: those of a small body, at 48 bytes for ids and times alone, or a few of a large one. */
const blockOf = ({ length }: Buffer): number => Math.max(1, Math.min(512, Math.ceil(length / 48)));

const cutShort = () => new Error('is cut short');

const varint = (field: number): number => field * 8;
const fixed64 = (field: number): number => field * 8 + 1;
const fixed32 = (field: number): number => field * 8 + 5;
const lengthDelimited = (field: number): number => field * 8 + 2;

const isZero = (buffer: Buffer, from: number, length: number): boolean => {
  for (let at = from; at < from + length; at += 1) if (buffer[at] !== 0) return false;
  return true;
};

/** Of two little-endian 64-bit numbers, as unsigned. */
const isBefore = (buffer: Buffer, one: number, other: number): boolean => {
  for (let at = 7; at >= 0; at -= 1) {
    const difference = (buffer[one + at] as number) - (buffer[other + at] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
};

/** Whether an attribute, or a list or a map in it, is nested deeper than values are read. Bytes that are no message are not. */
const isDeeper = (buffer: Buffer, start: number, end: number, depth: number): boolean => {
  if (depth > maxDepth) return true;
  const reader = new ProtoReader(buffer, start, end);
  try {
    while (reader.next()) {
      // KeyValue { key = 1; value = 2 }: its value.
      if (reader.field !== 2 || reader.wire !== 2) continue;
      if (isDeepValue(buffer, reader.start, reader.end, depth)) return true;
    }
  } catch {
    return false;
  }
  return false;
};

/** AnyValue { array_value = 5; kvlist_value = 6 }, whose members are values, or keys and values, under 1. */
const isDeepValue = (buffer: Buffer, start: number, end: number, depth: number): boolean => {
  if (depth > maxDepth) return true;
  const value = new ProtoReader(buffer, start, end);
  while (value.next()) {
    if ((value.field !== 5 && value.field !== 6) || value.wire !== 2) continue;
    const isMap = value.field === 6;
    const members = new ProtoReader(buffer, value.start, value.end);
    while (members.next()) {
      if (members.field !== 1 || members.wire !== 2) continue;
      const deeper = isMap ? isDeeper : isDeepValue;
      if (deeper(buffer, members.start, members.end, depth + 1)) return true;
    }
  }
  return false;
};
