import type { Attributes, Scope, Span } from '../model/span.ts';
import { type Decoded, decodeJson } from './decode.ts';
import { jsonAttributes } from './json-span.ts';
import { Gathered, type Origin } from './placed-span.ts';
import { scanRecord } from './scan-json.ts';

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
  const reader = lineReader();
  for (const line of lines) {
    if (line === undefined) reader.refuse('log event without a message');
    else if (line.trim() !== '') reader.read(line);
  }
  return reader.done();
};

const lineReader = () => {
  const gathered = new Gathered();
  const spans: Span[] = [];
  const packed: PackedBody[] = [];
  // Records of one service share one resource object: what is grouped by it later is grouped once.
  const resources = new Map<string, Attributes>();
  const resourceOf = (text: string): Attributes => {
    let resource = resources.get(text);
    if (resource === undefined) {
      const raw = parse(text);
      resource = jsonAttributes(isObject(raw) ? raw['attributes'] : undefined);
      resources.set(text, resource);
    }
    return resource;
  };
  /** Answers why a line is refused. */
  const readLine = (line: string): string | undefined => {
    if (line.includes(envelopeKey)) return readEnvelope(line);
    if (line.includes('"resourceSpans"')) {
      const decoded = decodeJson(line);
      for (const span of decoded.spans) spans.push(span);
      for (const [reason, count] of Object.entries(decoded.refused)) gathered.refuse(reason, count);
      for (const reason of Object.keys(decoded.cut ?? {})) gathered.shorten(reason);
      return decoded.error === undefined ? undefined : 'log message is not whole OTLP/JSON';
    }
    const buffer = Buffer.from(line);
    const origin = new RecordOrigin(buffer);
    const record = scanRecord(buffer, gathered, origin);
    if (record === undefined) return 'log message is not a JSON object';
    if (!record.hasTraceId) return 'log message is not a span';
    if (!record.hasEnd) return unfinished;
    if (typeof record.span === 'string') return record.span;
    const { resourceFrom, resourceTo } = record;
    if (resourceFrom >= 0) origin.resource = resourceOf(buffer.toString('utf8', resourceFrom, resourceTo));
    spans.push(record.span);
    return undefined;
  };
  const readEnvelope = (line: string): string | undefined => {
    const record = parse(lineOf(line));
    if (!isObject(record)) return 'log message is not a JSON object';
    // The JSON log format of a runtime wraps what was printed.
    const inner = record['message'];
    if (record[envelopeKey] === undefined && typeof inner === 'string') return readLine(inner);
    const body = envelopeOf(record);
    if (typeof body === 'string') return body;
    packed.push(body);
    return undefined;
  };
  const refuse = (reason: string) => gathered.refuse(reason);
  const read = (line: string): void => {
    const reason = readLine(line);
    if (reason !== undefined) refuse(reason);
  };
  const done = (): DecodedLogs => ({ spans, refused: gathered.refused, cut: gathered.cut, packed });
  return { read, refuse, done };
};

/** A record of `aws/spans` has the fields of OTLP in forms of its own. */
class RecordOrigin implements Origin {
  readonly format = undefined;
  readonly buffer: Buffer;
  resource: Attributes = {};
  readonly scope: Scope | undefined = undefined;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
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
