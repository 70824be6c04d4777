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

/**
 * A CloudWatch Logs delivery (the unpacked JSON of `awslogs.data`): `aws/spans` records, one span a message; OTLP/JSON documents; and
 * the envelopes of stdout exporters (`__otel_otlp_stdout`). Probes (`CONTROL_MESSAGE`) hold nothing. Never throws.
 */
export const decodeLogRecords = (text: string): DecodedLogs => {
  const spans: Span[] = [];
  const refused: Record<string, number> = {};
  const packed: PackedBody[] = [];
  const refuse = (reason: string, count = 1) => {
    refused[reason] = (refused[reason] ?? 0) + count;
  };
  const delivery = parse(text);
  if (!isObject(delivery) || !Array.isArray(delivery['logEvents'])) {
    const isProbe = isObject(delivery) && delivery['messageType'] === 'CONTROL_MESSAGE';
    return {
      spans,
      refused,
      packed,
      ...(isProbe ? {} : { error: 'is not a CloudWatch Logs delivery: logEvents is missing' }),
    };
  }
  if (delivery['messageType'] === 'CONTROL_MESSAGE') return { spans, refused, packed };
  // Records of one service share one resource object: what is grouped by it later is grouped once.
  const resources = new Map<string, Attributes>();
  for (const event of delivery['logEvents'] as unknown[]) {
    const message = isObject(event) ? event['message'] : undefined;
    if (typeof message !== 'string') {
      refuse('log event without a message');
      continue;
    }
    const record = parse(exactNanos(message));
    if (!isObject(record)) refuse('log message is not a JSON object');
    else if (typeof record['__otel_otlp_stdout'] === 'string') readEnvelope(record, packed, refuse);
    else if (Array.isArray(record['resourceSpans'])) {
      const decoded = decodeJson(message);
      for (const span of decoded.spans) spans.push(span);
      for (const [reason, count] of Object.entries(decoded.refused)) refuse(reason, count);
    } else if (record['endTimeUnixNano'] === null || record['endTimeUnixNano'] === undefined) {
      refuse(record['traceId'] === undefined ? 'log message is not a span' : 'span is not finished');
    } else {
      const raw = isObject(record['resource']) ? record['resource']['attributes'] : undefined;
      const key = JSON.stringify(raw) ?? '';
      let resource = resources.get(key);
      if (resource === undefined) {
        resource = jsonAttributes(raw);
        resources.set(key, resource);
      }
      const span = jsonSpan(record, resource);
      if (typeof span === 'string') refuse(span);
      else spans.push(span);
    }
  }
  return { spans, refused, packed };
};

const readEnvelope = (
  record: Readonly<Record<string, unknown>>,
  packed: PackedBody[],
  refuse: (reason: string) => void,
): void => {
  const payload = record['payload'];
  if (typeof payload !== 'string') {
    refuse('stdout envelope without a payload');
    return;
  }
  const encoding = record['content-encoding'];
  packed.push({
    payload,
    base64: record['base64'] === true,
    encoding: typeof encoding === 'string' ? encoding : undefined,
    isProto: record['content-type'] === 'application/x-protobuf',
  });
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
