import type { Attributes, Scope, Span } from '../model/span.ts';
import { type Decoded, decodeJson } from './decode.ts';
import { jsonAttributes } from './json-span.ts';
import { Gathered, type Origin } from './placed-span.ts';
import { recordScanner } from './scan-json.ts';

/** What a log message holds besides spans: an OTLP body that the caller unpacks, as the stdout exporters write it. */
export interface PackedBody {
  readonly base64: boolean;
  readonly encoding: string | undefined;
  readonly isProto: boolean;
  readonly payload: string;
}

export interface DecodedLogs extends Decoded {
  readonly packed: readonly PackedBody[];
}

/** A CloudWatch Logs delivery (the unpacked JSON of `awslogs.data`). Probes (`CONTROL_MESSAGE`) hold nothing. Never throws. */
export const decodeLogRecords = (text: string): DecodedLogs => {
  const delivery = parse(text);
  if (isObject(delivery) && delivery['messageType'] === 'CONTROL_MESSAGE') return nothing;
  if (!isObject(delivery) || !Array.isArray(delivery['logEvents'])) {
    return { ...nothing, error: 'is not a CloudWatch Logs delivery: logEvents is missing' };
  }
  return decodeLines(
    delivery['logEvents'].map((event: unknown) => {
      const message = isObject(event) ? event['message'] : undefined;
      return typeof message === 'string' ? message : undefined;
    }),
  );
};

const nothing: DecodedLogs = { spans: [], refused: {}, cut: {}, packed: [] };

/**
 * Lines of text, each of which may be an `aws/spans` record, an OTLP/JSON document or the envelope of a stdout exporter
 * (`__otel_otlp_stdout`), with what a runtime writes before or around it. Empty ones are passed over. Never throws.
 */
export const decodeLines = (lines: readonly (string | undefined)[]): DecodedLogs => {
  const gathered = new Gathered();
  const spans: Span[] = [];
  const packed: PackedBody[] = [];
  // One buffer for all lines, so that neither it nor what scans it is made ten thousand times. No JSON goes on over the byte between them.
  const buffer = Buffer.from(lines.join('\0'));
  const scan = recordScanner(buffer, gathered);
  // Records of one resource share one origin: what is grouped by it later is grouped once.
  const origins = new Map<string, RecordOrigin>();
  const originOf = (text: string): RecordOrigin => {
    let origin = origins.get(text);
    if (origin === undefined) {
      const raw = parse(text);
      origin = new RecordOrigin(buffer, jsonAttributes(isObject(raw) ? raw['attributes'] : undefined));
      origins.set(text, origin);
    }
    return origin;
  };
  const unknown = new RecordOrigin(buffer, {});
  const readRecord = (from: number, to: number): string | undefined => {
    const record = scan(from, to, unknown);
    if (record === undefined) return 'log message is not a JSON object';
    if (!record.hasTraceId) return 'log message is not a span';
    if (!record.hasEnd) return unfinished;
    const { span, resourceFrom, resourceTo } = record;
    if (typeof span === 'string') return span;
    if (resourceFrom >= 0) span.origin = originOf(buffer.toString('utf8', resourceFrom, resourceTo));
    spans.push(span);
    return undefined;
  };
  /** Answers why a line is refused. */
  const readLine = (line: string, from: number, to: number): string | undefined => {
    if (line.includes(envelopeKey)) {
      const body = envelopeIn(line);
      if (typeof body === 'string') return body;
      packed.push(body);
      return undefined;
    }
    if (!line.includes('"resourceSpans"')) return readRecord(from, to);
    const decoded = decodeJson(line);
    for (const span of decoded.spans) spans.push(span);
    for (const [reason, count] of Object.entries(decoded.refused)) gathered.refuse(reason, count);
    for (const reason of Object.keys(decoded.cut ?? {})) gathered.shorten(reason);
    return decoded.error === undefined ? undefined : 'log message is not whole OTLP/JSON';
  };
  let from = 0;
  for (const line of lines) {
    const to = from + (line === undefined ? 0 : Buffer.byteLength(line));
    const reason =
      line === undefined ? 'log event without a message' : line.trim() === '' ? undefined : readLine(line, from, to);
    if (reason !== undefined) gathered.refuse(reason);
    from = to + 1;
  }
  return { spans, refused: gathered.refused, cut: gathered.cut, packed };
};

/** The body of an envelope, in whatever a runtime made of the line; or why there is none. */
const envelopeIn = (line: string): PackedBody | string => {
  const record = parse(lineOf(line));
  if (!isObject(record)) return 'log message is not a JSON object';
  // The JSON log format of a runtime wraps what was printed.
  const inner = record['message'];
  return record[envelopeKey] === undefined && typeof inner === 'string' && inner.includes(envelopeKey)
    ? envelopeIn(inner)
    : envelopeOf(record);
};

/** A record of `aws/spans` has the fields of OTLP in forms of its own. */
class RecordOrigin implements Origin {
  readonly format = undefined;
  readonly buffer: Buffer;
  readonly resource: Attributes;
  readonly scope: Scope | undefined = undefined;

  constructor(buffer: Buffer, resource: Attributes) {
    this.buffer = buffer;
    this.resource = resource;
  }
}

export const unfinished = 'span is not finished';
const envelopeKey = '__otel_otlp_stdout';

/** The text log format of a runtime puts time, request and level before what was printed. */
const lineOf = (line: string): string => {
  if (line.startsWith('{') || !line.includes(envelopeKey)) return line;
  const start = line.indexOf('{');
  return start < 0 ? line : line.slice(start);
};

/** The body in an envelope, or why there is none. */
const envelopeOf = (record: Fields): PackedBody | string => {
  const { payload, endpoint } = record;
  if (record[envelopeKey] === undefined) return 'log message is not a span';
  if (typeof endpoint === 'string' && /\/v1\/(metrics|logs)\/?$/.test(endpoint))
    return 'stdout envelope of metrics or logs';
  // Early versions of the exporters wrote OTLP/JSON as it is.
  const text = isObject(payload) ? JSON.stringify(payload) : payload;
  if (typeof text !== 'string') return 'stdout envelope without a payload';
  const { 'content-encoding': encoding, 'content-type': type, base64 } = record;
  return {
    payload: text,
    base64: base64 === true,
    encoding: typeof encoding === 'string' ? encoding : undefined,
    isProto: typeof type === 'string' && type.startsWith('application/x-protobuf'),
  };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
