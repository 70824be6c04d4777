import type { Attributes, Span } from '../model/span.ts';
import { type Decoded, decodeJson, exactNanos } from './decode.ts';
import { jsonAttributes, jsonSpan } from './decode-json-span.ts';

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

const nothing: DecodedLogs = { spans: [], refused: {}, packed: [] };

/**
 * Lines of text, each of which may be an `aws/spans` record, an OTLP/JSON document or the envelope of a stdout exporter
 * (`__otel_otlp_stdout`), with what a runtime writes before or around it. Empty ones are passed over. Never throws.
 */
export const decodeLines = (lines: readonly (string | undefined)[]): DecodedLogs => {
  const reader = lineReader();
  for (const line of lines) {
    if (line === undefined) reader.refuse('log event without a message');
    else if (line.trim() !== '') reader.read(line);
  }
  return reader.done();
};

const lineReader = () => {
  const spans: Span[] = [];
  const refused: Record<string, number> = {};
  const packed: PackedBody[] = [];
  // Records of one service share one resource object: what is grouped by it later is grouped once.
  const resources = new Map<string, Attributes>();
  const refuse = (reason: string, count = 1) => {
    refused[reason] = (refused[reason] ?? 0) + count;
  };
  const resourceOf = (record: Fields): Attributes => {
    const raw = isObject(record['resource']) ? record['resource']['attributes'] : undefined;
    const key = JSON.stringify(raw) ?? '';
    let resource = resources.get(key);
    if (resource === undefined) {
      resource = jsonAttributes(raw);
      resources.set(key, resource);
    }
    return resource;
  };
  /** Answers why a line is refused. */
  const readLine = (line: string): string | undefined => {
    const message = lineOf(line);
    const record = parse(exactNanos(message));
    if (!isObject(record)) return 'log message is not a JSON object';
    if (record[envelopeKey] !== undefined) {
      const body = envelopeOf(record);
      if (typeof body === 'string') return body;
      packed.push(body);
      return undefined;
    }
    if (Array.isArray(record['resourceSpans'])) {
      const decoded = decodeJson(message);
      for (const span of decoded.spans) spans.push(span);
      for (const [reason, count] of Object.entries(decoded.refused)) refuse(reason, count);
      return decoded.error;
    }
    // The JSON log format of a runtime wraps what was printed.
    const inner = record['message'];
    if (typeof inner === 'string' && inner.includes(envelopeKey)) return readLine(inner);
    if (record['traceId'] === undefined) return 'log message is not a span';
    const end = record['endTimeUnixNano'];
    if (end === null || end === undefined) return unfinished;
    const span = jsonSpan(record, resourceOf(record));
    if (typeof span === 'string') return span;
    spans.push(span);
    return undefined;
  };
  const read = (line: string): void => {
    const reason = readLine(line);
    if (reason !== undefined) refuse(reason);
  };
  const done = (): DecodedLogs => ({ spans, refused, packed });
  return { read, refuse, done };
};

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
