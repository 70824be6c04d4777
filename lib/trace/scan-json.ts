import type { Attributes, Scope } from '../model/span.ts';
import { JsonScanner } from './json-scanner.ts';
import { JsonSpan, jsonAttributes, jsonScope } from './json-span.ts';
import type { Gathered, Origin } from './placed-span.ts';
import { cuts, maxAttributes, maxDepth, maxListed, refusals } from './span-limits.ts';

/**
 * Finds the spans of an OTLP/JSON body in one pass over its bytes: the text is checked as `JSON.parse` checks it, and nothing is made of
 * it but places. Answers what is wrong with the body as a whole; spans before that place are kept.
 */
export const scanJson = (buffer: Buffer, gathered: Gathered): string | undefined => {
  const scan = new JsonScan(buffer, gathered);
  try {
    return scan.body();
  } catch (thrown) {
    return `is not JSON: ${(thrown as Error).message}`;
  }
};

/** What is known of a log line that is one JSON object. */
export interface ScannedRecord {
  readonly span: JsonSpan | string;
  readonly hasTraceId: boolean;
  /** Whether its end is told; the service writes null for a span that is not finished. */
  readonly hasEnd: boolean;
  /** Place of its `resource`; -1 where there is none. */
  readonly resourceFrom: number;
  readonly resourceTo: number;
}

/** Reads spans that stand by themselves, as the records of `aws/spans` do, at places of one buffer. */
export const recordScanner = (buffer: Buffer, gathered: Gathered) => {
  const scan = new JsonScan(buffer, gathered);
  /** Undefined for what is no JSON object from one place to the other. The span's origin is to be set. */
  return (from: number, to: number, origin: Origin): ScannedRecord | undefined => {
    try {
      return scan.record(from, to, origin);
    } catch {
      return undefined;
    }
  };
};

/** One scope of a resource. Ranges are of JSON values; -1 where there is none. */
export class JsonOrigin implements Origin {
  readonly format = 'json';
  readonly buffer: Buffer;
  readonly outer: JsonResource;
  scopeFrom = -1;
  scopeTo = -1;
  schemaFrom = -1;
  schemaTo = -1;
  #scope: Scope | undefined;

  constructor(buffer: Buffer, outer: JsonResource) {
    this.buffer = buffer;
    this.outer = outer;
  }

  get resource(): Attributes {
    return this.outer.attributes;
  }

  get scope(): Scope | undefined {
    if (this.scopeFrom >= 0) this.#scope ??= jsonScope(parsed(this.buffer, this.scopeFrom, this.scopeTo));
    return this.#scope;
  }
}

/** What of a member of `resourceSpans` is no span. */
export class JsonResource {
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
      const resource =
        this.from < 0 ? undefined : (parsed(this.buffer, this.from, this.to) as { attributes?: unknown } | null);
      this.#attributes = jsonAttributes(resource?.attributes);
    }
    return this.#attributes;
  }
}

const parsed = (buffer: Buffer, from: number, to: number): unknown => JSON.parse(buffer.toString('utf8', from, to));

class JsonScan {
  readonly #scanner: JsonScanner;
  readonly #gathered: Gathered;
  #hasTraceId = false;
  #hasEnd = false;
  #resourceFrom = -1;
  #resourceTo = -1;
  /** A number of nanoseconds, as seconds and the rest of them. */
  #seconds = 0;
  #nanos = 0;

  constructor(buffer: Buffer, gathered: Gathered) {
    this.#scanner = new JsonScanner(buffer);
    this.#gathered = gathered;
  }

  body(): string | undefined {
    const scanner = this.#scanner;
    let hasSpans = false;
    if (scanner.peek() !== openBrace) scanner.value();
    else {
      scanner.at += 1;
      for (let isFirst = true; scanner.member(isFirst); isFirst = false) {
        if (!scanner.is(keys.resourceSpans) || scanner.peek() !== openBracket) scanner.value();
        else {
          hasSpans = true;
          this.#each(() => this.#resourceSpans());
        }
      }
    }
    if (scanner.peek() !== -1) throw scanner.wrong();
    return hasSpans ? undefined : 'is not an ExportTraceServiceRequest: resourceSpans is missing';
  }

  record(from: number, to: number, origin: Origin): ScannedRecord | undefined {
    this.#scanner.within(from, to);
    if (this.#scanner.peek() !== openBrace) return undefined;
    const span = this.#span(origin);
    if (this.#scanner.peek() !== -1 || this.#scanner.at > to) return undefined;
    return {
      span,
      hasTraceId: this.#hasTraceId,
      hasEnd: this.#hasEnd,
      resourceFrom: this.#resourceFrom,
      resourceTo: this.#resourceTo,
    };
  }

  #resourceSpans(): void {
    const scanner = this.#scanner;
    const resource = new JsonResource(scanner.buffer);
    scanner.at += 1;
    for (let isFirst = true; scanner.member(isFirst); isFirst = false) {
      const from = scanner.at;
      if (scanner.is(keys.scopeSpans) && scanner.peek() === openBracket) {
        this.#each(() => this.#scopeSpans(resource));
      } else if (scanner.is(keys.resource) && scanner.peek() === openBrace) {
        scanner.value();
        resource.from = from;
        resource.to = scanner.at;
      } else if (scanner.is(keys.schemaUrl) && scanner.peek() === quote) {
        scanner.value();
        resource.schemaFrom = from;
        resource.schemaTo = scanner.at;
      } else scanner.value();
    }
  }

  #scopeSpans(resource: JsonResource): void {
    const scanner = this.#scanner;
    const origin = new JsonOrigin(scanner.buffer, resource);
    scanner.at += 1;
    for (let isFirst = true; scanner.member(isFirst); isFirst = false) {
      const from = scanner.at;
      if (scanner.is(keys.spans) && scanner.peek() === openBracket) {
        scanner.at += 1;
        for (let isFirstSpan = true; scanner.element(isFirstSpan); isFirstSpan = false) {
          if (scanner.peek() === openBrace) {
            const span = this.#span(origin);
            if (typeof span === 'string') this.#gathered.refuse(span);
            else this.#gathered.spans.push(span);
          } else {
            scanner.value();
            this.#gathered.refuse(refusals.shape);
          }
        }
      } else if (scanner.is(keys.scope) && scanner.peek() === openBrace) {
        scanner.value();
        origin.scopeFrom = from;
        origin.scopeTo = scanner.at;
      } else if (scanner.is(keys.schemaUrl) && scanner.peek() === quote) {
        scanner.value();
        origin.schemaFrom = from;
        origin.schemaTo = scanner.at;
      } else scanner.value();
    }
  }

  /** Reads the objects of a list; what is no object is passed over. */
  #each(read: () => void): void {
    const scanner = this.#scanner;
    scanner.at += 1;
    for (let isFirst = true; scanner.element(isFirst); isFirst = false) {
      if (scanner.peek() === openBrace) read();
      else scanner.value();
    }
  }

  /** At a span. Anything may stand under any key; what is not of the right type is as if it were not there. */
  #span(origin: Origin): JsonSpan | string {
    const scanner = this.#scanner;
    const span = new JsonSpan(origin, scanner.at);
    let traceLength = 0;
    let spanLength = 0;
    let parentLength = 0;
    let hasStart = false;
    let hasEnd = false;
    let endSeconds = 0;
    let endNanos = 0;
    this.#hasTraceId = false;
    this.#hasEnd = false;
    this.#resourceFrom = -1;
    scanner.at += 1;
    for (let isFirst = true; scanner.member(isFirst); isFirst = false) {
      switch (scanner.to - scanner.from) {
        case 7:
          if (scanner.is(keys.traceId)) {
            this.#hasTraceId = true;
            traceLength = this.#text();
            span.traceFrom = scanner.from;
            continue;
          }
          break;
        case 6:
          if (scanner.is(keys.spanId)) {
            spanLength = this.#text();
            span.spanFrom = scanner.from;
            continue;
          }
          if (scanner.is(keys.status) && scanner.peek() === openBrace) {
            this.#status(span);
            continue;
          }
          if (scanner.is(keys.events)) {
            span.eventsFrom = scanner.at;
            this.#list(span, maxListed, cuts.events, 3);
            continue;
          }
          break;
        case 12:
          if (scanner.is(keys.parentSpanId)) {
            parentLength = this.#text();
            span.parentFrom = scanner.from;
            continue;
          }
          break;
        case 4:
          if (scanner.is(keys.name)) {
            this.#text();
            span.nameFrom = scanner.from;
            span.nameTo = scanner.to;
            span.isNamePlain = scanner.isPlain;
            continue;
          }
          if (scanner.is(keys.kind)) {
            span.kind = this.#enum('SPAN_KIND_', kinds);
            continue;
          }
          break;
        case 17:
          if (scanner.is(keys.startTimeUnixNano)) {
            hasStart = this.#time();
            span.startSeconds = this.#seconds;
            span.startRest = this.#nanos;
            continue;
          }
          break;
        case 15:
          if (scanner.is(keys.endTimeUnixNano)) {
            hasEnd = this.#time();
            endSeconds = this.#seconds;
            endNanos = this.#nanos;
            this.#hasEnd = true;
            if (!hasEnd && scanner.buffer[scanner.at - 1] === lastOfNull) this.#hasEnd = false;
            continue;
          }
          break;
        case 10:
          if (scanner.is(keys.attributes)) {
            span.attributesFrom = scanner.at;
            this.#list(span, maxAttributes, cuts.attributes, 0);
            span.attributesTo = scanner.at;
            continue;
          }
          if (scanner.is(keys.traceState)) {
            span.hasState = this.#text() > 0;
            continue;
          }
          break;
        case 5:
          if (scanner.is(keys.links)) {
            span.linksFrom = scanner.at;
            this.#list(span, maxListed, cuts.links, 3);
            continue;
          }
          break;
        case 8:
          if (scanner.is(keys.resource) && scanner.peek() === openBrace) {
            this.#resourceFrom = scanner.at;
            scanner.value();
            this.#resourceTo = scanner.at;
            continue;
          }
          break;
      }
      if (scanner.is(keys.flags)) span.hasFlags = true;
      else if (isDroppedCount(scanner)) span.hasDropped = true;
      scanner.value();
    }
    span.to = scanner.at;
    const { buffer } = scanner;
    if (traceLength !== 32 || !isId(buffer, span.traceFrom, 32)) return refusals.traceId;
    if (spanLength !== 16 || !isId(buffer, span.spanFrom, 16)) return refusals.spanId;
    if (parentLength === 0 || (parentLength === 16 && isZeros(buffer, span.parentFrom, 16))) span.parentFrom = -1;
    else if (parentLength !== 16 || !isId(buffer, span.parentFrom, 16)) return refusals.parentSpanId;
    if (!hasStart || (span.startSeconds === 0 && span.startRest === 0)) return refusals.startTime;
    if (!hasEnd || endSeconds < span.startSeconds || (endSeconds === span.startSeconds && endNanos < span.startRest)) {
      return refusals.order;
    }
    span.endSeconds = endSeconds;
    span.endRest = endNanos;
    return span;
  }

  /** At the value of a member: the length of the string there, whose place is known to the scanner then; 0 for anything else. */
  #text(): number {
    const scanner = this.#scanner;
    if (scanner.peek() !== quote) {
      scanner.value();
      scanner.from = 0;
      scanner.to = 0;
      scanner.isPlain = true;
      return 0;
    }
    scanner.string();
    return scanner.to - scanner.from;
  }

  /** Attributes, events or links: counts them and looks how deep they go; `above` is how deep the list of attributes lies in it. */
  #list(span: JsonSpan, most: number, cut: string, above: number): void {
    const scanner = this.#scanner;
    const count = scanner.value();
    // A level of nesting takes three of JSON: `{ "arrayValue": { "values": [ … ] } }`.
    const isDeep = scanner.depth - above > 4 + 3 * maxDepth;
    if (count <= most && !isDeep) return;
    span.isExcessive = true;
    if (count > most) this.#gathered.shorten(cut);
    if (isDeep) this.#gathered.shorten(cuts.depth);
  }

  #status(span: JsonSpan): void {
    const scanner = this.#scanner;
    scanner.at += 1;
    for (let isFirst = true; scanner.member(isFirst); isFirst = false) {
      if (scanner.is(keys.code)) span.status = this.#enum('STATUS_CODE_', codes);
      else {
        if (scanner.is(keys.message)) span.hasMessage = true;
        scanner.value();
      }
    }
  }

  /** An enumeration by its number, or by its name with or without the prefix of its type; 0 for anything else. */
  #enum(prefix: string, names: readonly string[]): number {
    const scanner = this.#scanner;
    const byte = scanner.peek();
    if (byte === quote) {
      scanner.string();
      const name = scanner.buffer.toString('latin1', scanner.from, scanner.to);
      return Math.max(0, names.indexOf(name.startsWith(prefix) ? name.slice(prefix.length) : name));
    }
    const from = scanner.at;
    scanner.value();
    const digit = (scanner.buffer[from] as number) - 0x30;
    return scanner.at === from + 1 && digit >= 0 && digit < names.length ? digit : 0;
  }

  /** Nanoseconds since the epoch as digits, in quotes or not, exactly; in other forms of a number as far as a double tells. */
  #time(): boolean {
    const scanner = this.#scanner;
    const byte = scanner.peek();
    this.#seconds = 0;
    this.#nanos = 0;
    if (byte === quote) scanner.string();
    else if (byte >= 0x30 && byte <= 0x39) scanner.number();
    else {
      scanner.value();
      return false;
    }
    const { buffer, from, to } = scanner;
    let seconds = 0;
    let nanos = 0;
    for (let at = from; at < to; at += 1) {
      const digit = (buffer[at] as number) - 0x30;
      if (digit < 0 || digit > 9) return byte !== quote && this.#inexactTime();
      if (to - at > 9) seconds = seconds * 10 + digit;
      else nanos = nanos * 10 + digit;
    }
    if (to === from || to - from > 20) return false;
    this.#seconds = seconds;
    this.#nanos = nanos;
    return true;
  }

  #inexactTime(): boolean {
    const { buffer, from, to } = this.#scanner;
    const value = Number(buffer.toString('latin1', from, to));
    if (!(value >= 0 && value < 2 ** 64)) return false;
    const whole = BigInt(Math.trunc(value));
    this.#seconds = Number(whole / 1_000_000_000n);
    this.#nanos = Number(whole % 1_000_000_000n);
    return true;
  }
}

const quote = 0x22;
const openBrace = 0x7b;
const openBracket = 0x5b;
const lastOfNull = 0x6c;

const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const codes = ['UNSET', 'OK', 'ERROR'];

const key = (name: string): Buffer => Buffer.from(name);
const keys = {
  resourceSpans: key('resourceSpans'),
  scopeSpans: key('scopeSpans'),
  spans: key('spans'),
  resource: key('resource'),
  scope: key('scope'),
  schemaUrl: key('schemaUrl'),
  traceId: key('traceId'),
  spanId: key('spanId'),
  parentSpanId: key('parentSpanId'),
  traceState: key('traceState'),
  name: key('name'),
  kind: key('kind'),
  startTimeUnixNano: key('startTimeUnixNano'),
  endTimeUnixNano: key('endTimeUnixNano'),
  attributes: key('attributes'),
  events: key('events'),
  links: key('links'),
  status: key('status'),
  code: key('code'),
  message: key('message'),
  flags: key('flags'),
  dropped: [key('droppedAttributesCount'), key('droppedEventsCount'), key('droppedLinksCount')],
};

const isDroppedCount = (scanner: JsonScanner): boolean =>
  scanner.buffer[scanner.from] === 0x64 && keys.dropped.some((each) => scanner.is(each));

/** Hex digits of either case, not all of them 0. */
const isId = (buffer: Buffer, from: number, length: number): boolean => {
  let hasOther = false;
  for (let at = from; at < from + length; at += 1) {
    const code = buffer[at] as number;
    const isHex = (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
    if (!isHex) return false;
    if (code !== 0x30) hasOther = true;
  }
  return hasOther;
};

const isZeros = (buffer: Buffer, from: number, length: number): boolean => {
  for (let at = from; at < from + length; at += 1) if (buffer[at] !== 0x30) return false;
  return true;
};
