import type { Attributes, AttributeValue, Scope, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { EncodeBuffer } from './encode-buffer.ts';
import { grouped, type ResourceGroup, type ScopeGroup } from './encode-groups.ts';

/**
 * Spans as a protobuf `ExportTraceServiceRequest` of OTLP 1.x. Field numbers are those of opentelemetry-proto
 * (`trace/v1/trace.proto`, `common/v1/common.proto`). Written forward in one pass: a length is put before its content afterwards,
 * and only a content that outgrew the room kept for its length is moved.
 */
export const protobufEncoder = (): ((spans: readonly Span[]) => Buffer) => {
  const writer = new ProtobufWriter();
  return (spans) => {
    writer.at = 0;
    for (const group of grouped(spans)) writer.resourceSpans(group);
    return writer.taken();
  };
};

/** A tag: the number of a field, and how its value is written. */
const varint = (field: number): number => field * 8;
const fixed64 = (field: number): number => field * 8 + 1;
const bytesTag = (field: number): number => field * 8 + 2;
const fixed32 = (field: number): number => field * 8 + 5;

const span = {
  traceId: bytesTag(1),
  spanId: bytesTag(2),
  traceState: bytesTag(3),
  parentSpanId: bytesTag(4),
  name: bytesTag(5),
  kind: varint(6),
  start: fixed64(7),
  end: fixed64(8),
  attributes: bytesTag(9),
  droppedAttributes: varint(10),
  events: bytesTag(11),
  droppedEvents: varint(12),
  links: bytesTag(13),
  droppedLinks: varint(14),
  status: bytesTag(15),
  flags: fixed32(16),
} as const;
const event = { time: fixed64(1), name: bytesTag(2), attributes: bytesTag(3), dropped: varint(4) } as const;
const link = {
  traceId: bytesTag(1),
  spanId: bytesTag(2),
  traceState: bytesTag(3),
  attributes: bytesTag(4),
  dropped: varint(5),
  flags: fixed32(6),
} as const;
const status = { message: bytesTag(2), code: varint(3) } as const;
const keyValue = { key: bytesTag(1), value: bytesTag(2) } as const;
const anyValue = {
  string: bytesTag(1),
  bool: varint(2),
  int: varint(3),
  double: fixed64(4),
  array: bytesTag(5),
  map: bytesTag(6),
  bytes: bytesTag(7),
} as const;

/** Strings up to so many characters are written here; calling into the runtime pays off beyond. */
const shortText = 96;

class ProtobufWriter extends EncodeBuffer {
  // The bytes of a 64-bit number without an allocation.
  readonly #wide = new BigUint64Array(1);
  readonly #double = new Float64Array(this.#wide.buffer);
  readonly #octets = new Uint8Array(this.#wide.buffer);

  resourceSpans({ resource, scopes }: ResourceGroup): void {
    const whole = this.#open(bytesTag(1), 3);
    const inner = this.#open(bytesTag(1), 2);
    this.#attributes(bytesTag(1), resource);
    this.#close(inner, 2);
    for (const group of scopes) this.#scopeSpans(group);
    this.#close(whole, 3);
  }

  #scopeSpans({ scope, spans }: ScopeGroup): void {
    const whole = this.#open(bytesTag(2), 3);
    this.#scope(scope);
    for (const each of spans) this.#span(each);
    this.#close(whole, 3);
  }

  #scope({ name, version }: Scope): void {
    const whole = this.#open(bytesTag(1), 1);
    this.#text(bytesTag(1), name);
    if (version !== undefined) this.#text(bytesTag(2), version);
    this.#close(whole, 1);
  }

  #span(each: Span): void {
    const whole = this.#open(bytesTag(2), 2);
    this.#id(span.traceId, each.traceId, 16);
    this.#id(span.spanId, each.spanId, 8);
    if (each.traceState !== undefined) this.#text(span.traceState, each.traceState);
    if (each.parentSpanId !== undefined) this.#id(span.parentSpanId, each.parentSpanId, 8);
    this.#text(span.name, each.name);
    if (each.kind !== 0) this.#number(span.kind, each.kind);
    this.#nanos(span.start, each.startNanos);
    this.#nanos(span.end, each.endNanos);
    this.#attributes(span.attributes, each.attributes);
    if (each.droppedAttributesCount) this.#number(span.droppedAttributes, each.droppedAttributesCount);
    for (const one of each.events) this.#event(one);
    if (each.droppedEventsCount) this.#number(span.droppedEvents, each.droppedEventsCount);
    for (const one of each.links) this.#link(one);
    if (each.droppedLinksCount) this.#number(span.droppedLinks, each.droppedLinksCount);
    const inner = this.#open(span.status, 1);
    if (each.statusMessage !== undefined) this.#text(status.message, each.statusMessage);
    if (each.status !== 0) this.#number(status.code, each.status);
    this.#close(inner, 1);
    if (each.flags) this.#flags(span.flags, each.flags);
    this.#close(whole, 2);
  }

  #event(each: SpanEvent): void {
    const whole = this.#open(span.events, 1);
    this.#nanos(event.time, each.timeNanos);
    this.#text(event.name, each.name);
    this.#attributes(event.attributes, each.attributes);
    if (each.droppedAttributesCount) this.#number(event.dropped, each.droppedAttributesCount);
    this.#close(whole, 1);
  }

  #link(each: SpanLink): void {
    const whole = this.#open(span.links, 1);
    this.#id(link.traceId, each.traceId, 16);
    this.#id(link.spanId, each.spanId, 8);
    if (each.traceState !== undefined) this.#text(link.traceState, each.traceState);
    if (each.attributes !== undefined) this.#attributes(link.attributes, each.attributes);
    if (each.droppedAttributesCount) this.#number(link.dropped, each.droppedAttributesCount);
    if (each.flags) this.#flags(link.flags, each.flags);
    this.#close(whole, 1);
  }

  #attributes(tag: number, attributes: Attributes): void {
    for (const key in attributes) {
      const whole = this.#open(tag, 1);
      this.#text(keyValue.key, key);
      this.#value(keyValue.value, attributes[key] as AttributeValue);
      this.#close(whole, 1);
    }
  }

  #value(tag: number, value: AttributeValue): void {
    const whole = this.#open(tag, 1);
    if (typeof value === 'string') this.#filledText(anyValue.string, value);
    else if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) this.#number(anyValue.int, value);
      else this.#doubled(anyValue.double, value);
    } else if (typeof value === 'boolean') this.#number(anyValue.bool, value ? 1 : 0);
    else if (typeof value === 'bigint') this.#long(anyValue.int, value);
    else if (value instanceof Uint8Array) this.#raw(anyValue.bytes, value);
    else if (Array.isArray(value)) {
      const inner = this.#open(anyValue.array, 1);
      for (const each of value as readonly AttributeValue[]) this.#value(bytesTag(1), each);
      this.#close(inner, 1);
    } else if (value !== null && value !== undefined) {
      const inner = this.#open(anyValue.map, 1);
      this.#attributes(bytesTag(1), value as Attributes);
      this.#close(inner, 1);
    }
    this.#close(whole, 1);
  }

  /** Starts a message, with `guess` bytes kept for its length. */
  #open(tag: number, guess: number): number {
    this.room(1 + guess);
    this.bytes[this.at] = tag;
    const start = this.at + 1;
    this.at = start + guess;
    return start;
  }

  #close(start: number, guess: number): void {
    const length = this.at - start - guess;
    const size = sizeOf(length);
    if (size !== guess) {
      this.room(5);
      this.bytes.copyWithin(start + size, start + guess, this.at);
      this.at += size - guess;
    }
    this.#lengthAt(start, length);
  }

  /** Answers where what follows begins. */
  #lengthAt(start: number, length: number): number {
    const { bytes } = this;
    let at = start;
    let rest = length;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at] = rest;
    return at + 1;
  }

  #text(tag: number, text: string): void {
    if (text !== '') this.#filledText(tag, text);
  }

  /** A string that is written even when it is empty. */
  #filledText(tag: number, text: string): void {
    const { length } = text;
    this.room(length * 3 + 6);
    const { bytes } = this;
    const start = this.at + 1;
    bytes[this.at] = tag;
    if (length <= shortText) {
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code > 127) break;
        bytes[start + 1 + index] = code;
      }
      if (index === length) {
        bytes[start] = length;
        this.at = start + 1 + length;
        return;
      }
    }
    // In ASCII it has as many bytes as characters; else the few bytes of its length may not be enough.
    const guess = sizeOf(length);
    const count = bytes.write(text, start + guess);
    const size = sizeOf(count);
    if (size !== guess) bytes.copyWithin(start + size, start + guess, start + guess + count);
    this.at = this.#lengthAt(start, count) + count;
  }

  #raw(tag: number, value: Uint8Array): void {
    this.room(value.length + 6);
    this.bytes[this.at] = tag;
    this.at = this.#lengthAt(this.at + 1, value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  #id(tag: number, hex: string, count: 8 | 16): void {
    if (hex.length !== count * 2) return;
    this.room(count + 2);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = tag;
    bytes[at++] = count;
    for (let index = 0; index < count; index++) {
      const high = digits[hex.charCodeAt(index * 2)] as number;
      bytes[at++] = (high << 4) | (digits[hex.charCodeAt(index * 2 + 1)] as number);
    }
    this.at = at;
  }

  #number(tag: number, value: number): void {
    if (value < 0) {
      this.#long(tag, BigInt(value));
      return;
    }
    this.room(11);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = tag;
    let rest = value;
    while (rest > 0x7fffffff) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.at = at;
  }

  /** Of a 64-bit integer: its low 64 bits, as every protobuf runtime has it. */
  #long(tag: number, value: bigint): void {
    this.room(11);
    this.bytes[this.at++] = tag;
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      this.bytes[this.at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  #doubled(tag: number, value: number): void {
    this.#double[0] = value;
    this.#eight(tag);
  }

  #nanos(tag: number, value: bigint): void {
    this.#wide[0] = value;
    this.#eight(tag);
  }

  #eight(tag: number): void {
    this.room(9);
    const { bytes, at } = this;
    const octets = this.#octets;
    bytes[at] = tag;
    for (let index = 0; index < 8; index++) bytes[at + 1 + index] = octets[index] as number;
    this.at = at + 9;
  }

  /** Field 16 is the only one whose tag takes two bytes. */
  #flags(tag: number, value: number): void {
    this.room(6);
    if (tag > 127) this.bytes[this.at++] = (tag & 127) | 128;
    this.bytes[this.at++] = tag > 127 ? tag >>> 7 : tag;
    this.at = this.bytes.writeUInt32LE(value >>> 0, this.at);
  }
}

const sizeOf = (length: number): number =>
  length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : length < 268_435_456 ? 4 : 5;

/** What a hexadecimal digit is worth, by its character code. */
const digits = new Uint8Array(65_536);
for (let value = 0; value < 16; value++) {
  digits[value.toString(16).charCodeAt(0)] = value;
  digits[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}
