import { join } from 'node:path';
import protobuf from 'protobufjs';

/** A decoder that knows nothing of ours: protobufjs with the field numbers of OTLP. */
const known = protobuf.loadSync(join(import.meta.dirname, 'otlp.proto'));
const request = known.lookupType('otlp.ExportTraceServiceRequest');
const metricsRequest = known.lookupType('otlp.ExportMetricsServiceRequest');

const plain = (message: protobuf.Message, type = request): unknown =>
  type.toObject(message, { longs: String, bytes: String, defaults: true, oneofs: true });

/** What a request in protobuf says; absent fields with their default. */
export const decodeOtlpProtobuf = (bytes: Uint8Array): unknown => plain(request.decode(bytes));

/** The same of a request in JSON, whose ids are hexadecimal where protobuf's own JSON would have base64. */
export const decodeOtlpJson = (bytes: Uint8Array): unknown =>
  plain(request.fromObject(withBase64Ids(JSON.parse(Buffer.from(bytes).toString())) as object));

/** The same of metrics. */
export const decodeOtlpMetrics = (bytes: Uint8Array): unknown => plain(metricsRequest.decode(bytes), metricsRequest);
export const decodeOtlpMetricsJson = (body: object): unknown =>
  plain(metricsRequest.fromObject(withBase64Ids(body) as object), metricsRequest);

const withBase64Ids = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withBase64Ids);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      ids.has(key) && typeof member === 'string'
        ? Buffer.from(member, 'hex').toString('base64')
        : withBase64Ids(member),
    ]),
  );
};
const ids = new Set(['traceId', 'spanId', 'parentSpanId']);
