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
  // The bytes of a 64-bit number without an allocation.
  const wide = new BigUint64Array(1);
  const double = new Float64Array(wide.buffer);
  const octets = new Uint8Array(wide.buffer);

  const resourceSpans = ({ resource, scopes }: ResourceGroup): void => {
    const whole = open(first, 3);
    const inner = open(first, 2);
    keyValues(first, resource);
    close(inner, 2);
    for (const group of scopes) scopeSpans(group);
    close(whole, 3);
  };

  const scopeSpans = ({ scope, spans }: ScopeGroup): void => {
    const whole = open(second, 3);
    instrumentation(scope);
    for (const each of spans) span(each);
    close(whole, 3);
  };

  const instrumentation = ({ name, version }: Scope): void => {
    const whole = open(first, 1);
    text(first, name);
    text(second, version);
    close(whole, 1);
  };

  const span = (each: Span): void => {
    const whole = open(second, 2);
    id(spanTraceId, each.traceId, 16);
    id(spanSpanId, each.spanId, 8);
    text(spanTraceState, each.traceState);
    id(spanParentSpanId, each.parentSpanId, 8);
    text(spanName, each.name);
    count(spanKind, each.kind);
    nanos(spanStart, each.startNanos);
    nanos(spanEnd, each.endNanos);
    keyValues(spanAttributes, each.attributes);
    count(spanDroppedAttributes, each.droppedAttributesCount);
    for (const one of each.events) event(one);
    count(spanDroppedEvents, each.droppedEventsCount);
    for (const one of each.links) link(one);
    count(spanDroppedLinks, each.droppedLinksCount);
    const inner = open(spanStatus, 1);
    text(statusMessage, each.statusMessage);
    count(statusCode, each.status);
    close(inner, 1);
    flags(spanFlags, each.flags);
    close(whole, 2);
  };

  const event = (each: SpanEvent): void => {
    const whole = open(spanEvents, 1);
    nanos(eventTime, each.timeNanos);
    text(eventName, each.name);
    keyValues(eventAttributes, each.attributes);
    count(eventDropped, each.droppedAttributesCount);
    close(whole, 1);
  };

  const link = (each: SpanLink): void => {
    const whole = open(spanLinks, 1);
    id(linkTraceId, each.traceId, 16);
    id(linkSpanId, each.spanId, 8);
    text(linkTraceState, each.traceState);
    keyValues(linkAttributes, each.attributes);
    count(linkDropped, each.droppedAttributesCount);
    flags(linkFlags, each.flags);
    close(whole, 1);
  };

  const keyValues = (tag: number, attributes: Attributes | undefined): void => {
    for (const key in attributes) {
      const whole = open(tag, 1);
      out.put(keyOf(key));
      anyValue(keyValueValue, attributes[key] as AttributeValue);
      close(whole, 1);
    }
  };

  const anyValue = (tag: number, value: AttributeValue): void => {
    const whole = open(tag, 1);
    if (typeof value === 'string') filledText(anyValueString, value);
    else if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) number(anyValueInt, value);
      else {
        double[0] = value;
        eight(anyValueDouble);
      }
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
  };

  /** A key with its tag and its length: written at the end of what there is so far, and taken from there. */
  const keyOf = remembered((key) => {
    const start = out.at;
    text(keyValueKey, key);
    const piece = Uint8Array.prototype.slice.call(out.bytes, start, out.at);
    out.at = start;
    return piece;
  });

  /** Starts a message, with `guess` bytes kept for its length. */
  const open = (tag: number, guess: number): number => {
    out.room(1 + guess);
    out.bytes[out.at] = tag;
    const start = out.at + 1;
    out.at = start + guess;
    return start;
  };

  const close = (start: number, guess: number): void => {
    const length = out.at - start - guess;
    const size = sizeOf(length);
    if (size !== guess) {
      out.room(5);
      out.bytes.copyWithin(start + size, start + guess, out.at);
      out.at += size - guess;
    }
    lengthAt(start, length);
  };

  /** Answers where what follows begins. */
  const lengthAt = (start: number, length: number): number => {
    const { bytes } = out;
    let at = start;
    let rest = length;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at] = rest;
    return at + 1;
  };

  const text = (tag: number, text: string | undefined): void => {
    if (text) filledText(tag, text);
  };

  const count = (tag: number, value: number | undefined): void => {
    if (value) number(tag, value);
  };

  /** A string that is written even when it is empty. */
  const filledText = (tag: number, text: string): void => {
    const { length } = text;
    out.room(length * 3 + 6);
    const { bytes } = out;
    const start = out.at + 1;
    bytes[out.at] = tag;
    // In ASCII it has as many bytes as characters; else the few bytes of its length may not be enough.
    const guess = sizeOf(length);
    const count = bytes.write(text, start + guess);
    const size = sizeOf(count);
    if (size !== guess) bytes.copyWithin(start + size, start + guess, start + guess + count);
    out.at = lengthAt(start, count) + count;
  };

  const raw = (tag: number, value: Uint8Array): void => {
    out.room(value.length + 6);
    out.bytes[out.at] = tag;
    out.at = lengthAt(out.at + 1, value.length);
    out.bytes.set(value, out.at);
    out.at += value.length;
  };

  const id = (tag: number, hex: string | undefined, count: 8 | 16): void => {
    if (hex?.length !== count * 2) return;
    out.room(count + 2);
    out.bytes[out.at++] = tag;
    out.bytes[out.at++] = count;
    // What is no hexadecimal ends it: nothing of an earlier batch may stand there.
    if (out.bytes.write(hex, out.at, count, 'hex') < count) out.bytes.fill(0, out.at, out.at + count);
    out.at += count;
  };

  const number = (tag: number, value: number): void => {
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
  };

  /** Of a 64-bit integer: its low 64 bits, as every protobuf runtime has it. */
  const long = (tag: number, value: bigint): void => {
    out.room(11);
    out.bytes[out.at++] = tag;
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      out.bytes[out.at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    out.bytes[out.at++] = Number(rest);
  };

  const nanos = (tag: number, value: bigint): void => {
    wide[0] = value;
    eight(tag);
  };

  /** What stands in `octets`. */
  const eight = (tag: number): void => {
    out.room(9);
    const { bytes, at } = out;
    bytes[at] = tag;
    bytes.set(octets, at + 1);
    out.at = at + 9;
  };

  /** Field 16 is the only one whose tag takes two bytes. */
  const flags = (tag: number, value: number | undefined): void => {
    if (!value) return;
    out.room(6);
    if (tag > 127) out.bytes[out.at++] = (tag & 127) | 128;
    out.bytes[out.at++] = tag > 127 ? tag >>> 7 : tag;
    out.at = out.bytes.writeUInt32LE(value >>> 0, out.at);
  };

  return (spans) => {
    out.at = 0;
    for (const group of grouped(spans)) resourceSpans(group);
    return out.taken();
  };
};

const sizeOf = (length: number): number =>
  length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : length < 268_435_456 ? 4 : 5;
