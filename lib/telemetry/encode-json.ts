import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { EncodeBuffer } from './encode-buffer.ts';
import { grouped, type ResourceGroup, type ScopeGroup } from './encode-groups.ts';

/**
 * Spans as an OTLP/JSON `ExportTraceServiceRequest`: ids in hex, 64-bit integers as decimal strings, bytes in base64, fields with
 * their default left out. Written as bytes at once: a string of a whole batch would be built, flattened and copied first.
 */
export const jsonEncoder = (): ((spans: readonly Span[]) => Buffer) => {
  const writer = new JsonWriter();
  return (spans) => {
    writer.at = 0;
    writer.request(grouped(spans));
    return writer.taken();
  };
};

/** Strings up to so many characters are looked through and written here; the runtime is faster with longer ones. */
const shortText = 256;

class JsonWriter extends EncodeBuffer {
  readonly #wide = new BigUint64Array(1);
  readonly #halves = new Uint16Array(this.#wide.buffer);

  request(groups: readonly ResourceGroup[]): void {
    this.#plain('{"resourceSpans":[');
    groups.forEach((group, at) => {
      this.#resourceSpans(group, at > 0);
    });
    this.#plain(']}');
  }

  #resourceSpans({ resource, scopes }: ResourceGroup, follows: boolean): void {
    this.#plain(follows ? ',{"resource":{' : '{"resource":{');
    this.#attributes('"attributes":[', resource);
    this.#plain('},"scopeSpans":[');
    scopes.forEach((group, at) => {
      this.#scopeSpans(group, at > 0);
    });
    this.#plain(']}');
  }

  #scopeSpans({ scope, spans }: ScopeGroup, follows: boolean): void {
    this.#plain(follows ? ',{"scope":{"name":' : '{"scope":{"name":');
    this.#text(scope.name);
    if (scope.version !== undefined) {
      this.#plain(',"version":');
      this.#text(scope.version);
    }
    this.#plain('},"spans":[');
    for (let at = 0; at < spans.length; at++) this.#span(spans[at] as Span, at > 0);
    this.#plain(']}');
  }

  #span(span: Span, follows: boolean): void {
    this.#plain(follows ? ',{"traceId":"' : '{"traceId":"');
    this.#plain(span.traceId);
    this.#plain('","spanId":"');
    this.#plain(span.spanId);
    if (span.parentSpanId !== undefined) {
      this.#plain('","parentSpanId":"');
      this.#plain(span.parentSpanId);
    }
    if (span.traceState !== undefined) {
      this.#plain('","traceState":');
      this.#text(span.traceState);
      this.#plain(',"name":');
    } else this.#plain('","name":');
    this.#text(span.name);
    if (span.kind !== 0) this.#field(',"kind":', span.kind);
    this.#plain(',"startTimeUnixNano":"');
    this.#nanos(span.startNanos);
    this.#plain('","endTimeUnixNano":"');
    this.#nanos(span.endNanos);
    this.#plain('"');
    this.#attributes(',"attributes":[', span.attributes);
    if (span.droppedAttributesCount) this.#field(',"droppedAttributesCount":', span.droppedAttributesCount);
    if (span.events.length > 0) this.#events(span.events);
    if (span.droppedEventsCount) this.#field(',"droppedEventsCount":', span.droppedEventsCount);
    if (span.links.length > 0) this.#links(span.links);
    if (span.droppedLinksCount) this.#field(',"droppedLinksCount":', span.droppedLinksCount);
    this.#status(span);
    if (span.flags) this.#field(',"flags":', span.flags >>> 0);
    this.#plain('}');
  }

  #status({ status, statusMessage }: Span): void {
    this.#plain(',"status":{');
    if (status !== 0) this.#field('"code":', status);
    if (statusMessage !== undefined) {
      this.#plain(status === 0 ? '"message":' : ',"message":');
      this.#text(statusMessage);
    }
    this.#plain('}');
  }

  #events(events: readonly SpanEvent[]): void {
    this.#plain(',"events":[');
    for (let at = 0; at < events.length; at++) {
      const event = events[at] as SpanEvent;
      this.#plain(at === 0 ? '{"timeUnixNano":"' : ',{"timeUnixNano":"');
      this.#nanos(event.timeNanos);
      this.#plain('","name":');
      this.#text(event.name);
      this.#attributes(',"attributes":[', event.attributes);
      if (event.droppedAttributesCount) this.#field(',"droppedAttributesCount":', event.droppedAttributesCount);
      this.#plain('}');
    }
    this.#plain(']');
  }

  #links(links: readonly SpanLink[]): void {
    this.#plain(',"links":[');
    for (let at = 0; at < links.length; at++) {
      const link = links[at] as SpanLink;
      this.#plain(at === 0 ? '{"traceId":"' : ',{"traceId":"');
      this.#plain(link.traceId);
      this.#plain('","spanId":"');
      this.#plain(link.spanId);
      this.#plain('"');
      if (link.traceState !== undefined) {
        this.#plain(',"traceState":');
        this.#text(link.traceState);
      }
      if (link.attributes !== undefined) this.#attributes(',"attributes":[', link.attributes);
      if (link.droppedAttributesCount) this.#field(',"droppedAttributesCount":', link.droppedAttributesCount);
      if (link.flags) this.#field(',"flags":', link.flags >>> 0);
      this.#plain('}');
    }
    this.#plain(']');
  }

  #attributes(opening: string, attributes: Attributes): void {
    this.#plain(opening);
    let follows = false;
    for (const key in attributes) {
      this.#plain(follows ? ',{"key":' : '{"key":');
      follows = true;
      this.#text(key);
      this.#plain(',"value":');
      this.#value(attributes[key] as AttributeValue);
      this.#plain('}');
    }
    this.#plain(']');
  }

  #value(value: AttributeValue): void {
    if (typeof value === 'string') {
      this.#plain('{"stringValue":');
      this.#text(value);
      this.#plain('}');
    } else if (typeof value === 'number') this.#numeric(value);
    else if (typeof value === 'boolean') this.#plain(value ? '{"boolValue":true}' : '{"boolValue":false}');
    else if (typeof value === 'bigint') this.#plain(`{"intValue":"${BigInt.asIntN(64, value)}"}`);
    else if (value instanceof Uint8Array) {
      this.#plain('{"bytesValue":"');
      this.#plain(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'));
      this.#plain('"}');
    } else if (Array.isArray(value)) {
      this.#plain('{"arrayValue":{"values":[');
      for (let at = 0; at < value.length; at++) {
        if (at > 0) this.#plain(',');
        this.#value(value[at] as AttributeValue);
      }
      this.#plain(']}}');
    } else if (value !== null && value !== undefined) {
      this.#attributes('{"kvlistValue":{"values":[', value as Attributes);
      this.#plain('}}');
    } else this.#plain('{}');
  }

  #numeric(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.#field('{"intValue":"', value);
      this.#plain('"}');
      return;
    }
    // Protobuf's JSON has words for what JSON has no numbers for.
    this.#plain('{"doubleValue":');
    this.#plain(Number.isFinite(value) ? String(value) : `"${value}"`);
    this.#plain('}');
  }

  #field(name: string, value: number): void {
    this.#plain(name);
    this.#plain(String(value));
  }

  /** Text of which it is known that it is ASCII and needs no escapes. */
  #plain(text: string): void {
    const { length } = text;
    this.room(length);
    const { bytes, at } = this;
    for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
    this.at = at + length;
  }

  #text(text: string): void {
    const { length } = text;
    if (length <= shortText) {
      this.room(length + 2);
      const { bytes } = this;
      let { at } = this;
      bytes[at++] = quote;
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        // Quote, backslash, control characters, and all beyond ASCII.
        if (code < 32 || code > 126 || code === quote || code === 92) break;
        bytes[at++] = code;
      }
      if (index === length) {
        bytes[at++] = quote;
        this.at = at;
        return;
      }
    }
    const escaped = JSON.stringify(text);
    this.room(escaped.length * 3);
    this.at += this.bytes.write(escaped, this.at);
  }

  /** Decimal digits of a 64-bit number, by long division of its four halves: a bigint's own toString costs four times as much. */
  #nanos(value: bigint): void {
    this.#wide[0] = value;
    const halves = this.#halves;
    let seconds = 0;
    let rest = 0;
    for (let index = 3; index >= 0; index--) {
      const current = rest * 65_536 + (halves[index] as number);
      const quotient = Math.floor(current / 1e9);
      seconds = seconds * 65_536 + quotient;
      rest = current - quotient * 1e9;
    }
    if (seconds === 0) {
      this.#plain(String(rest));
      return;
    }
    this.#plain(String(seconds));
    this.room(9);
    const { bytes, at } = this;
    for (let index = 8; index >= 0; index--) {
      const shifted = Math.floor(rest / 10);
      bytes[at + index] = 48 + (rest - shifted * 10);
      rest = shifted;
    }
    this.at = at + 9;
  }
}

const quote = 34;
