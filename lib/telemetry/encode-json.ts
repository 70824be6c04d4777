import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { EncodeBuffer, remembered } from './encode-buffer.ts';
import { grouped, type ResourceGroup, type ScopeGroup } from './encode-groups.ts';

// Character codes.
const quote = 34;
const comma = 44;
const backslash = 92;
const bracket = 93;
const brace = 125;

/**
 * Spans as an OTLP/JSON `ExportTraceServiceRequest`: ids in hex, 64-bit integers as decimal strings, bytes in base64, fields with
 * their default left out. Written as bytes at once: a string of a whole batch would be built, flattened and copied first.
 */
export const jsonEncoder = (): ((spans: readonly Span[]) => Buffer) => {
  const out = new EncodeBuffer();
  const wide = new BigUint64Array(1);
  const halves = new Uint16Array(wide.buffer);
  const stringWord = Buffer.from('{"stringValue":');
  const keyOf = remembered((key) => Buffer.from(`{"key":${JSON.stringify(key)},"value":`));

  /** The members of an array whose opening bracket has been written, and the closing one. */
  const list = <T>(members: readonly T[], write: (member: T) => void): void => {
    for (let at = 0; at < members.length; at++) {
      if (at > 0) out.byte(comma);
      write(members[at] as T);
    }
    out.byte(bracket);
  };

  const resourceSpans = ({ resource, scopes }: ResourceGroup): void => {
    ascii('{"resource":{"attributes":[');
    keyValues(resource);
    ascii('},"scopeSpans":[');
    list(scopes, scopeSpans);
    out.byte(brace);
  };

  const scopeSpans = ({ scope, spans }: ScopeGroup): void => {
    ascii('{"scope":{"name":');
    text(scope.name);
    named(',"version":', scope.version);
    ascii('},"spans":[');
    list(spans, span);
    out.byte(brace);
  };

  const span = (each: Span): void => {
    ascii('{"traceId":"');
    ascii(each.traceId);
    ascii('","spanId":"');
    ascii(each.spanId);
    if (each.parentSpanId !== undefined) {
      ascii('","parentSpanId":"');
      ascii(each.parentSpanId);
    }
    out.byte(quote);
    named(',"traceState":', each.traceState);
    named(',"name":', each.name);
    count(',"kind":', each.kind);
    ascii(',"startTimeUnixNano":"');
    nanos(each.startNanos);
    ascii('","endTimeUnixNano":"');
    nanos(each.endNanos);
    ascii('","attributes":[');
    keyValues(each.attributes);
    count(',"droppedAttributesCount":', each.droppedAttributesCount);
    if (each.events.length > 0) {
      ascii(',"events":[');
      list(each.events, event);
    }
    count(',"droppedEventsCount":', each.droppedEventsCount);
    if (each.links.length > 0) {
      ascii(',"links":[');
      list(each.links, link);
    }
    count(',"droppedLinksCount":', each.droppedLinksCount);
    status(each.status, each.statusMessage);
    count(',"flags":', each.flags);
    out.byte(brace);
  };

  const status = (code: number, message: string | undefined): void => {
    ascii(',"status":{');
    if (code !== 0 || message !== undefined) ascii(`"code":${code}`);
    named(',"message":', message);
    out.byte(brace);
  };

  const event = (each: SpanEvent): void => {
    ascii('{"timeUnixNano":"');
    nanos(each.timeNanos);
    out.byte(quote);
    named(',"name":', each.name);
    ascii(',"attributes":[');
    keyValues(each.attributes);
    count(',"droppedAttributesCount":', each.droppedAttributesCount);
    out.byte(brace);
  };

  const link = (each: SpanLink): void => {
    ascii('{"traceId":"');
    ascii(each.traceId);
    ascii('","spanId":"');
    ascii(each.spanId);
    out.byte(quote);
    named(',"traceState":', each.traceState);
    if (each.attributes !== undefined) {
      ascii(',"attributes":[');
      keyValues(each.attributes);
    }
    count(',"droppedAttributesCount":', each.droppedAttributesCount);
    count(',"flags":', each.flags);
    out.byte(brace);
  };

  const keyValues = (attributes: Attributes): void => {
    let follows = false;
    for (const name in attributes) {
      if (follows) out.byte(comma);
      follows = true;
      out.put(keyOf(name));
      anyValue(attributes[name] as AttributeValue);
      out.byte(brace);
    }
    out.byte(bracket);
  };

  const anyValue = (value: AttributeValue): void => {
    if (typeof value === 'string') {
      out.put(stringWord);
      text(value);
      out.byte(brace);
    } else if (typeof value === 'number') numeric(value);
    else if (typeof value === 'boolean') ascii(`{"boolValue":${value}}`);
    else if (typeof value === 'bigint') ascii(`{"intValue":"${BigInt.asIntN(64, value)}"}`);
    else if (value instanceof Uint8Array) {
      ascii(`{"bytesValue":"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"}`);
    } else if (Array.isArray(value)) {
      ascii('{"arrayValue":{"values":[');
      list(value as readonly AttributeValue[], anyValue);
      ascii('}}');
    } else if (value !== null && value !== undefined) {
      ascii('{"kvlistValue":{"values":[');
      keyValues(value as Attributes);
      ascii('}}');
    } else ascii('{}');
  };

  const numeric = (value: number): void => {
    if (Number.isSafeInteger(value)) {
      ascii('{"intValue":"');
      ascii(String(value));
      out.byte(quote);
    } else {
      ascii('{"doubleValue":');
      // Protobuf's JSON has words for what JSON has no numbers for.
      ascii(Number.isFinite(value) ? String(value) : `"${value}"`);
    }
    out.byte(brace);
  };

  /** A field with its name; its default is left out. */
  const count = (name: string, value: number | undefined): void => {
    if (!value) return;
    ascii(name);
    ascii(String(value >>> 0));
  };

  /** Text of which it is known that it is ASCII and needs no escapes: digits, and the fixed parts of a request. */
  const ascii = (text: string): void => {
    const { length } = text;
    out.room(length);
    const { bytes, at } = out;
    for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
    out.at = at + length;
  };

  const named = (name: string, value: string | undefined): void => {
    if (value === undefined) return;
    ascii(name);
    text(value);
  };

  const text = (text: string): void => {
    const { length } = text;
    if (length <= shortText) {
      out.room(length + 2);
      const { bytes } = out;
      let { at } = out;
      bytes[at++] = quote;
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        // Control characters, what JSON escapes, and all beyond ASCII.
        if (code < 32 || code > 126 || code === quote || code === backslash) break;
        bytes[at++] = code;
      }
      if (index === length) {
        bytes[at++] = quote;
        out.at = at;
        return;
      }
    }
    const escaped = JSON.stringify(text);
    out.room(escaped.length * 3);
    out.at += out.bytes.write(escaped, out.at);
  };

  /** Decimal digits of a 64-bit number, by long division of its four halves: a bigint's own toString costs four times as much. */
  const nanos = (value: bigint): void => {
    wide[0] = value;
    let seconds = 0;
    let rest = 0;
    for (let index = 3; index >= 0; index--) {
      const current = rest * 65_536 + (halves[index] as number);
      const quotient = Math.floor(current / 1e9);
      seconds = seconds * 65_536 + quotient;
      rest = current - quotient * 1e9;
    }
    if (seconds === 0) {
      ascii(String(rest));
      return;
    }
    ascii(String(seconds));
    out.room(9);
    const { bytes, at } = out;
    for (let index = 8; index >= 0; index--) {
      // Below 2^31: a division of whole numbers.
      const shifted = (rest / 10) | 0;
      bytes[at + index] = 48 + (rest - shifted * 10);
      rest = shifted;
    }
    out.at = at + 9;
  };

  return (spans) => {
    out.at = 0;
    ascii('{"resourceSpans":[');
    list(grouped(spans), resourceSpans);
    out.byte(brace);
    return out.taken();
  };
};

/** Strings up to so many characters are looked through and written here; the runtime is faster with longer ones. */
const shortText = 64;
