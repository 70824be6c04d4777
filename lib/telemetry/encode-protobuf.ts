import type { Attributes, AttributeValue, Scope, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { EncodeBuffer, remembered } from './encode-buffer.ts';
import { grouped, type ResourceGroup, type ScopeGroup } from './encode-groups.ts';

// Tags: 8 × the number of the field, plus how its value is written: 0 a varint, 1 eight bytes, 2 bytes with their length, 5 four
// bytes. Plain numbers: an object of them would be looked into for each field.
const spanTraceId = 10;
const spanSpanId = 18;
const spanTraceState = 26;
const spanParentSpanId = 34;
const spanName = 42;
const spanKind = 48;
const spanStart = 57;
const spanEnd = 65;
const spanAttributes = 74;
const spanDroppedAttributes = 80;
const spanEvents = 90;
const spanDroppedEvents = 96;
const spanLinks = 106;
const spanDroppedLinks = 112;
const spanStatus = 122;
const spanFlags = 133;
const eventTime = 9;
const eventName = 18;
const eventAttributes = 26;
const eventDropped = 32;
const linkTraceId = 10;
const linkSpanId = 18;
const linkTraceState = 26;
const linkAttributes = 34;
const linkDropped = 40;
const linkFlags = 53;
const statusMessage = 18;
const statusCode = 24;
const keyValueKey = 10;
const keyValueValue = 18;
const anyValueString = 10;
const anyValueBool = 16;
const anyValueInt = 24;
const anyValueDouble = 33;
const anyValueArray = 42;
const anyValueMap = 50;
const anyValueBytes = 58;
const first = 10;
const second = 18;

/**
 * Spans as a protobuf `ExportTraceServiceRequest` of OTLP 1.x. Field numbers are those of opentelemetry-proto
 * (`trace/v1/trace.proto`, `common/v1/common.proto`). Written forward in one pass: a length is put before its content afterwards,
 * and only a content that outgrew the room kept for its length is moved.
 */
export const protobufEncoder = (): ((spans: readonly Span[]) => Buffer) => {
  const out = new EncodeBuffer();
  const digits = digitsTable();
  // The bytes of a 64-bit number without an allocation.
  const wide = new BigUint64Array(1);
  const double = new Float64Array(wide.buffer);
  const octets = new Uint8Array(wide.buffer);
  const opening = remembered(keyPiece);

  return (spans) => {
    out.at = 0;
    for (const group of grouped(spans)) resourceSpans(group);
    return out.taken();
  };

  function resourceSpans({ resource, scopes }: ResourceGroup): void {
    const whole = open(first, 3);
    const inner = open(first, 2);
    keyValues(first, resource);
    close(inner, 2);
    for (const group of scopes) scopeSpans(group);
    close(whole, 3);
  }

  function scopeSpans({ scope, spans }: ScopeGroup): void {
    const whole = open(second, 3);
    instrumentation(scope);
    for (const each of spans) span(each);
    close(whole, 3);
  }

  function instrumentation({ name, version }: Scope): void {
    const whole = open(first, 1);
    text(first, name);
    if (version !== undefined) text(second, version);
    close(whole, 1);
  }

  function span(each: Span): void {
    const whole = open(second, 2);
    id(spanTraceId, each.traceId, 16);
    id(spanSpanId, each.spanId, 8);
    if (each.traceState !== undefined) text(spanTraceState, each.traceState);
    if (each.parentSpanId !== undefined) id(spanParentSpanId, each.parentSpanId, 8);
    text(spanName, each.name);
    if (each.kind !== 0) number(spanKind, each.kind);
    nanos(spanStart, each.startNanos);
    nanos(spanEnd, each.endNanos);
    keyValues(spanAttributes, each.attributes);
    if (each.droppedAttributesCount) number(spanDroppedAttributes, each.droppedAttributesCount);
    for (const one of each.events) event(one);
    if (each.droppedEventsCount) number(spanDroppedEvents, each.droppedEventsCount);
    for (const one of each.links) link(one);
    if (each.droppedLinksCount) number(spanDroppedLinks, each.droppedLinksCount);
    const inner = open(spanStatus, 1);
    if (each.statusMessage !== undefined) text(statusMessage, each.statusMessage);
    if (each.status !== 0) number(statusCode, each.status);
    close(inner, 1);
    if (each.flags) flags(spanFlags, each.flags);
    close(whole, 2);
  }

  function event(each: SpanEvent): void {
    const whole = open(spanEvents, 1);
    nanos(eventTime, each.timeNanos);
    text(eventName, each.name);
    keyValues(eventAttributes, each.attributes);
    if (each.droppedAttributesCount) number(eventDropped, each.droppedAttributesCount);
    close(whole, 1);
  }

  function link(each: SpanLink): void {
    const whole = open(spanLinks, 1);
    id(linkTraceId, each.traceId, 16);
    id(linkSpanId, each.spanId, 8);
    if (each.traceState !== undefined) text(linkTraceState, each.traceState);
    if (each.attributes !== undefined) keyValues(linkAttributes, each.attributes);
    if (each.droppedAttributesCount) number(linkDropped, each.droppedAttributesCount);
    if (each.flags) flags(linkFlags, each.flags);
    close(whole, 1);
  }

  function keyValues(tag: number, attributes: Attributes): void {
    for (const key in attributes) {
      const whole = open(tag, 1);
      out.put(opening(key));
      anyValue(keyValueValue, attributes[key] as AttributeValue);
      close(whole, 1);
    }
  }

  function anyValue(tag: number, value: AttributeValue): void {
    const whole = open(tag, 1);
    if (typeof value === 'string') filledText(anyValueString, value);
    else if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) number(anyValueInt, value);
      else doubled(anyValueDouble, value);
    } else if (typeof value === 'boolean') number(anyValueBool, value ? 1 : 0);
    else if (typeof value === 'bigint') long(anyValueInt, value);
    else if (value instanceof Uint8Array) raw(anyValueBytes, value);
    else if (Array.isArray(value)) {
      const inner = open(anyValueArray, 1);
      for (const each of value as readonly AttributeValue[]) anyValue(first, each);
      close(inner, 1);
    } else if (value !== null && value !== undefined) {
      const inner = open(anyValueMap, 1);
      keyValues(first, value as Attributes);
      close(inner, 1);
    }
    close(whole, 1);
  }

  /** A key with its tag and its length: written at the end of what there is so far, and taken from there. */
  function keyPiece(key: string): Uint8Array {
    const start = out.at;
    text(keyValueKey, key);
    const piece = Uint8Array.prototype.slice.call(out.bytes, start, out.at);
    out.at = start;
    return piece;
  }

  /** Starts a message, with `guess` bytes kept for its length. */
  function open(tag: number, guess: number): number {
    out.room(1 + guess);
    out.bytes[out.at] = tag;
    const start = out.at + 1;
    out.at = start + guess;
    return start;
  }

  function close(start: number, guess: number): void {
    const length = out.at - start - guess;
    const size = sizeOf(length);
    if (size !== guess) {
      out.room(5);
      out.bytes.copyWithin(start + size, start + guess, out.at);
      out.at += size - guess;
    }
    lengthAt(start, length);
  }

  /** Answers where what follows begins. */
  function lengthAt(start: number, length: number): number {
    const { bytes } = out;
    let at = start;
    let rest = length;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at] = rest;
    return at + 1;
  }

  function text(tag: number, text: string): void {
    if (text !== '') filledText(tag, text);
  }

  /** A string that is written even when it is empty. */
  function filledText(tag: number, text: string): void {
    const { length } = text;
    out.room(length * 3 + 6);
    const { bytes } = out;
    const start = out.at + 1;
    bytes[out.at] = tag;
    if (length <= shortText) {
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code > 127) break;
        bytes[start + 1 + index] = code;
      }
      if (index === length) {
        bytes[start] = length;
        out.at = start + 1 + length;
        return;
      }
    }
    // In ASCII it has as many bytes as characters; else the few bytes of its length may not be enough.
    const guess = sizeOf(length);
    const count = bytes.write(text, start + guess);
    const size = sizeOf(count);
    if (size !== guess) bytes.copyWithin(start + size, start + guess, start + guess + count);
    out.at = lengthAt(start, count) + count;
  }

  function raw(tag: number, value: Uint8Array): void {
    out.room(value.length + 6);
    out.bytes[out.at] = tag;
    out.at = lengthAt(out.at + 1, value.length);
    out.bytes.set(value, out.at);
    out.at += value.length;
  }

  function id(tag: number, hex: string, count: 8 | 16): void {
    if (hex.length !== count * 2) return;
    out.room(count + 2);
    const { bytes } = out;
    let { at } = out;
    bytes[at++] = tag;
    bytes[at++] = count;
    for (let index = 0; index < count; index++) {
      const high = digits[hex.charCodeAt(index * 2)] as number;
      bytes[at++] = (high << 4) | (digits[hex.charCodeAt(index * 2 + 1)] as number);
    }
    out.at = at;
  }

  function number(tag: number, value: number): void {
    if (value < 0) {
      long(tag, BigInt(value));
      return;
    }
    out.room(11);
    const { bytes } = out;
    let { at } = out;
    bytes[at++] = tag;
    let rest = value;
    while (rest > 127) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    bytes[at++] = rest;
    out.at = at;
  }

  /** Of a 64-bit integer: its low 64 bits, as every protobuf runtime has it. */
  function long(tag: number, value: bigint): void {
    out.room(11);
    out.bytes[out.at++] = tag;
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      out.bytes[out.at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    out.bytes[out.at++] = Number(rest);
  }

  function doubled(tag: number, value: number): void {
    double[0] = value;
    eight(tag);
  }

  function nanos(tag: number, value: bigint): void {
    wide[0] = value;
    eight(tag);
  }

  function eight(tag: number): void {
    out.room(9);
    const { bytes, at } = out;
    bytes[at] = tag;
    for (let index = 0; index < 8; index++) bytes[at + 1 + index] = octets[index] as number;
    out.at = at + 9;
  }

  /** Field 16 is the only one whose tag takes two bytes. */
  function flags(tag: number, value: number): void {
    out.room(6);
    if (tag > 127) out.bytes[out.at++] = (tag & 127) | 128;
    out.bytes[out.at++] = tag > 127 ? tag >>> 7 : tag;
    out.at = out.bytes.writeUInt32LE(value >>> 0, out.at);
  }
};

/** Strings up to so many characters are written here; calling into the runtime pays off beyond. */
const shortText = 32;

const sizeOf = (length: number): number =>
  length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : length < 268_435_456 ? 4 : 5;

/** What a hexadecimal digit is worth, by its character code. */
const digitsTable = (): Uint8Array => {
  const digits = new Uint8Array(65_536);
  for (let value = 0; value < 16; value++) {
    digits[value.toString(16).charCodeAt(0)] = value;
    digits[value.toString(16).toUpperCase().charCodeAt(0)] = value;
  }
  return digits;
};
