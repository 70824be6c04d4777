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
  // The fixed parts of a request, as bytes: made with the first encoder, since most starts never need them.
  const requestWord = bytes('{"resourceSpans":[');
  const resourceWord = bytes('{"resource":{"attributes":[');
  const scopeSpansWord = bytes('},"scopeSpans":[');
  const scopeWord = bytes('{"scope":{"name":');
  const versionWord = bytes(',"version":');
  const spansWord = bytes('},"spans":[');
  const traceIdWord = bytes('{"traceId":"');
  const spanIdWord = bytes('","spanId":"');
  const parentSpanIdWord = bytes('","parentSpanId":"');
  const traceStateWord = bytes(',"traceState":');
  const nameWord = bytes(',"name":');
  const kindWord = bytes(',"kind":');
  const startWord = bytes(',"startTimeUnixNano":"');
  const endWord = bytes('","endTimeUnixNano":"');
  const attributesQuotedWord = bytes('","attributes":[');
  const attributesWord = bytes(',"attributes":[');
  const droppedAttributesWord = bytes(',"droppedAttributesCount":');
  const eventsWord = bytes(',"events":[');
  const droppedEventsWord = bytes(',"droppedEventsCount":');
  const linksWord = bytes(',"links":[');
  const droppedLinksWord = bytes(',"droppedLinksCount":');
  const noStatusWord = bytes(',"status":{}');
  const statusWord = bytes(',"status":{"code":');
  const messageWord = bytes(',"message":');
  const flagsWord = bytes(',"flags":');
  const timeWord = bytes('{"timeUnixNano":"');
  const stringWord = bytes('{"stringValue":');
  const trueWord = bytes('{"boolValue":true}');
  const falseWord = bytes('{"boolValue":false}');
  const arrayWord = bytes('{"arrayValue":{"values":[');
  const mapWord = bytes('{"kvlistValue":{"values":[');
  const intWord = bytes('{"intValue":"');
  const doubleWord = bytes('{"doubleValue":');
  const closingWord = bytes('}}');
  const out = new EncodeBuffer();
  const wide = new BigUint64Array(1);
  const halves = new Uint16Array(wide.buffer);
  const keyOf = remembered(
    (key): Key => ({
      opening: Buffer.from(`{"key":${JSON.stringify(key)},"value":`),
      value: undefined,
      text: closingWord,
      misses: 0,
    }),
  );

  return (spans) => {
    out.at = 0;
    out.put(requestWord);
    list(grouped(spans), resourceSpans);
    out.byte(brace);
    return out.taken();
  };

  /** The members of an array whose opening bracket has been written, and the closing one. */
  function list<T>(members: readonly T[], write: (member: T) => void): void {
    for (let at = 0; at < members.length; at++) {
      if (at > 0) out.byte(comma);
      write(members[at] as T);
    }
    out.byte(bracket);
  }

  function resourceSpans({ resource, scopes }: ResourceGroup): void {
    out.put(resourceWord);
    keyValues(resource);
    out.put(scopeSpansWord);
    list(scopes, scopeSpans);
    out.byte(brace);
  }

  function scopeSpans({ scope, spans }: ScopeGroup): void {
    out.put(scopeWord);
    text(scope.name);
    if (scope.version !== undefined) {
      out.put(versionWord);
      text(scope.version);
    }
    out.put(spansWord);
    list(spans, span);
    out.byte(brace);
  }

  function span(each: Span): void {
    out.put(traceIdWord);
    ascii(each.traceId);
    out.put(spanIdWord);
    ascii(each.spanId);
    if (each.parentSpanId !== undefined) {
      out.put(parentSpanIdWord);
      ascii(each.parentSpanId);
    }
    out.byte(quote);
    if (each.traceState !== undefined) {
      out.put(traceStateWord);
      text(each.traceState);
    }
    out.put(nameWord);
    text(each.name);
    count(kindWord, each.kind);
    out.put(startWord);
    nanos(each.startNanos);
    out.put(endWord);
    nanos(each.endNanos);
    out.put(attributesQuotedWord);
    keyValues(each.attributes);
    count(droppedAttributesWord, each.droppedAttributesCount);
    if (each.events.length > 0) {
      out.put(eventsWord);
      list(each.events, event);
    }
    count(droppedEventsWord, each.droppedEventsCount);
    if (each.links.length > 0) {
      out.put(linksWord);
      list(each.links, link);
    }
    count(droppedLinksWord, each.droppedLinksCount);
    status(each.status, each.statusMessage);
    count(flagsWord, each.flags);
    out.byte(brace);
  }

  function status(code: number, message: string | undefined): void {
    if (code === 0 && message === undefined) {
      out.put(noStatusWord);
      return;
    }
    out.put(statusWord);
    ascii(String(code));
    if (message !== undefined) {
      out.put(messageWord);
      text(message);
    }
    out.byte(brace);
  }

  function event(each: SpanEvent): void {
    out.put(timeWord);
    nanos(each.timeNanos);
    out.byte(quote);
    out.put(nameWord);
    text(each.name);
    out.put(attributesWord);
    keyValues(each.attributes);
    count(droppedAttributesWord, each.droppedAttributesCount);
    out.byte(brace);
  }

  function link(each: SpanLink): void {
    out.put(traceIdWord);
    ascii(each.traceId);
    out.put(spanIdWord);
    ascii(each.spanId);
    out.byte(quote);
    if (each.traceState !== undefined) {
      out.put(traceStateWord);
      text(each.traceState);
    }
    if (each.attributes !== undefined) {
      out.put(attributesWord);
      keyValues(each.attributes);
    }
    count(droppedAttributesWord, each.droppedAttributesCount);
    count(flagsWord, each.flags);
    out.byte(brace);
  }

  function keyValues(attributes: Attributes): void {
    let follows = false;
    for (const name in attributes) {
      if (follows) out.byte(comma);
      follows = true;
      const key = keyOf(name);
      const value = attributes[name] as AttributeValue;
      out.put(key.opening);
      if (typeof value === 'string') keptText(key, value);
      else anyValue(value);
      out.byte(brace);
    }
    out.byte(bracket);
  }

  /** Most attributes have the same few values in span after span: copying the last one's bytes costs a fifth of writing it. */
  function keptText(key: Key, value: string): void {
    if (value === key.value) {
      out.put(key.text);
      return;
    }
    const start = out.at;
    anyValue(value);
    key.misses += 1;
    if (key.misses > maxMisses) return;
    key.value = value;
    key.text = Uint8Array.prototype.slice.call(out.bytes, start, out.at);
  }

  function anyValue(value: AttributeValue): void {
    if (typeof value === 'string') {
      out.put(stringWord);
      text(value);
      out.byte(brace);
    } else if (typeof value === 'number') numeric(value);
    else if (typeof value === 'boolean') out.put(value ? trueWord : falseWord);
    else if (typeof value === 'bigint') ascii(`{"intValue":"${BigInt.asIntN(64, value)}"}`);
    else if (value instanceof Uint8Array) {
      ascii(`{"bytesValue":"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"}`);
    } else if (Array.isArray(value)) {
      out.put(arrayWord);
      list(value as readonly AttributeValue[], anyValue);
      out.put(closingWord);
    } else if (value !== null && value !== undefined) {
      out.put(mapWord);
      keyValues(value as Attributes);
      out.put(closingWord);
    } else ascii('{}');
  }

  function numeric(value: number): void {
    if (Number.isSafeInteger(value)) {
      out.put(intWord);
      ascii(String(value));
      out.byte(quote);
    } else {
      out.put(doubleWord);
      // Protobuf's JSON has words for what JSON has no numbers for.
      ascii(Number.isFinite(value) ? String(value) : `"${value}"`);
    }
    out.byte(brace);
  }

  /** A field with its name; its default is left out. */
  function count(name: Uint8Array, value: number | undefined): void {
    if (!value) return;
    out.put(name);
    ascii(String(value >>> 0));
  }

  /** Text of which it is known that it is ASCII and needs no escapes: digits. */
  function ascii(text: string): void {
    const { length } = text;
    out.room(length);
    const { bytes, at } = out;
    for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
    out.at = at + length;
  }

  function text(text: string): void {
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
  }

  /** Decimal digits of a 64-bit number, by long division of its four halves: a bigint's own toString costs four times as much. */
  function nanos(value: bigint): void {
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
  }
};

interface Key {
  readonly opening: Uint8Array;
  /** The last text under this key that was kept, and how it is written. */
  value: string | undefined;
  text: Uint8Array;
  /** How often there was another one. */
  misses: number;
}

/** A key with so many different values, such as an id, is not worth keeping one of them. */
const maxMisses = 8;
/** Strings up to so many characters are looked through and written here; the runtime is faster with longer ones. */
const shortText = 64;

const bytes = (text: string): Uint8Array => Buffer.from(text);
