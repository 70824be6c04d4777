import type { Attributes, Span } from '../model/span.ts';
import { jsonAttributes, jsonSpan } from './decode-json-span.ts';
import { protoAttributes, protoSpan } from './decode-proto-span.ts';
import { ProtoReader } from './proto-reader.ts';

/** Spans of one body, and what of it was refused; the rest is kept. */
export interface Decoded {
  /** Their attributes, events and links are read when they are first asked for. */
  readonly spans: readonly Span[];
  /** Reasons with how many spans each concerned. */
  readonly refused: Readonly<Record<string, number>>;
  /** Set when the body as a whole could not be read. */
  readonly error?: string;
}

/** OTLP/JSON: ids in hex, 64-bit integers as strings or numbers, unknown fields ignored. Never throws. */
export const decodeJson = (text: string): Decoded => readJson(text) ?? readJson(exactNanos(text), true) ?? empty;

const empty: Decoded = { spans: [], refused: {} };

/** Undefined when times turned out to be numbers, whose last digits are lost already. */
const readJson = (text: string, isExact = false): Decoded | undefined => {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (thrown) {
    return { spans: [], refused: {}, error: `is not JSON: ${(thrown as Error).message}` };
  }
  if (!isObject(body) || !Array.isArray(body['resourceSpans'])) {
    return { spans: [], refused: {}, error: 'is not an ExportTraceServiceRequest: resourceSpans is missing' };
  }
  const gathered = gather();
  for (const resourceSpans of body['resourceSpans']) {
    if (!isObject(resourceSpans)) continue;
    const { resource: raw, scopeSpans: scopes } = resourceSpans;
    const resource = jsonAttributes(isObject(raw) ? raw['attributes'] : undefined);
    if (!Array.isArray(scopes)) continue;
    for (const scopeSpans of scopes) {
      const spans = isObject(scopeSpans) ? scopeSpans['spans'] : undefined;
      if (!Array.isArray(spans)) continue;
      for (const span of spans) {
        if (!isObject(span)) continue;
        if (
          !isExact &&
          (typeof span['startTimeUnixNano'] === 'number' || typeof span['endTimeUnixNano'] === 'number')
        ) {
          return undefined;
        }
        gathered.add(jsonSpan(span, resource));
      }
    }
  }
  return gathered.done();
};

/**
 * Nanoseconds since the epoch do not fit a double. OTLP writes them as strings; where a body has numbers, they are quoted before it is
 * parsed. Inside a string the quote before the colon would be escaped, so no text is touched. A reviver would cost three times the parse.
 */
export const exactNanos = (text: string): string => text.replace(/(UnixNano"\s*:\s*)(\d+)(?![\d.eE])/g, '$1"$2"');

/** OTLP protobuf, read field by field without a schema library. Never throws. */
export const decodeProto = (bytes: Uint8Array): Decoded => {
  const gathered = gather();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const body = new ProtoReader(buffer, 0, buffer.length);
    while (body.next()) {
      if (body.field !== 1 || body.wire !== 2) continue;
      readResourceSpans(buffer, body.start, body.end, gathered);
    }
  } catch (thrown) {
    return { ...gathered.done(), error: `is not OTLP protobuf: ${(thrown as Error).message}` };
  }
  return gathered.done();
};

const readResourceSpans = (buffer: Buffer, start: number, end: number, gathered: ReturnType<typeof gather>): void => {
  // The resource may come after its spans, so it is looked for first.
  let resource: Attributes = {};
  const search = new ProtoReader(buffer, start, end);
  while (search.next()) {
    if (search.field === 1 && search.wire === 2) resource = protoAttributes(buffer, search.start, search.end, 1);
  }
  const reader = new ProtoReader(buffer, start, end);
  while (reader.next()) {
    if (reader.field !== 2 || reader.wire !== 2) continue;
    const scope = new ProtoReader(buffer, reader.start, reader.end);
    while (scope.next()) {
      if (scope.field === 2 && scope.wire === 2) gathered.add(protoSpan(buffer, scope.start, scope.end, resource));
    }
  }
};

const gather = () => {
  const spans: Span[] = [];
  const refused: Record<string, number> = {};
  return {
    add: (read: Span | string) => {
      if (typeof read === 'string') refused[read] = (refused[read] ?? 0) + 1;
      else spans.push(read);
    },
    done: (): Decoded => ({ spans, refused }),
  };
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
