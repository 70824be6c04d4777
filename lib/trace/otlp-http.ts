import type { Decoded } from './decode.ts';

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded?: boolean;
}

export interface OtlpRequest {
  readonly bytes: Uint8Array;
  readonly encoding: string | undefined;
  readonly isProto: boolean;
}

/**
 * What an OTLP/HTTP client posted, from the event of a Function URL, an API gateway (either version) or a load balancer; or the answer
 * to what is no export of traces.
 */
export const otlpRequest = (event: unknown): OtlpRequest | { readonly refusal: HttpAnswer } => {
  const { headers, body, isBase64Encoded, method, path } = partsOf(event);
  const type = headers.get('content-type') ?? '';
  const mediaType = (type.split(';')[0] ?? '').trim().toLowerCase();
  const isProto = mediaType === protoType;
  if (method !== 'POST')
    return { refusal: { ...refused(405, isProto, `${method} is not allowed; POST is`), headers: { allow: 'POST' } } };
  const other = /\/v1\/(metrics|logs|profiles)\/?$/.exec(path)?.[1];
  if (other !== undefined)
    return { refusal: refused(404, isProto, `${other} are not taken here; traces are, at /v1/traces`) };
  if (!isProto && mediaType !== jsonType) {
    return {
      refusal: refused(415, false, `content type ${type || '(none)'} is not known; ${jsonType} and ${protoType} are`),
    };
  }
  return {
    bytes: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
    encoding: headers.get('content-encoding'),
    isProto,
  };
};

const protoType = 'application/x-protobuf';
const jsonType = 'application/json';

const partsOf = (event: unknown) => {
  const given = fields(event);
  const context = fields(given['requestContext']);
  const http = fields(context['http']);
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(fields(given['headers']))) {
    if (typeof value === 'string') headers.set(name.toLowerCase(), value);
  }
  for (const [name, values] of Object.entries(fields(given['multiValueHeaders']))) {
    const [value] = Array.isArray(values) ? values : [];
    if (typeof value === 'string') headers.set(name.toLowerCase(), value);
  }
  return {
    headers,
    body: text(given['body']),
    isBase64Encoded: given['isBase64Encoded'] === true,
    method: text(http['method'] ?? given['httpMethod']) || 'POST',
    path: text(given['rawPath'] ?? http['path'] ?? given['path']),
  };
};

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** ExportTraceServiceResponse in the request's own type, with what was rejected. */
export const accepted = (isProto: boolean, { refused: reasons, cut = {}, error }: Decoded): HttpAnswer => {
  const rejected = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  const told = [...Object.entries(reasons), ...Object.entries(cut)].map(([reason, count]) => `${reason}: ${count}`);
  const message = [...told, ...(error === undefined ? [] : [`the rest of the body ${error}`])].join('; ');
  if (!isProto) {
    return json(
      200,
      message === '' ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: message } },
    );
  }
  return proto(200, message === '' ? Buffer.alloc(0) : partialSuccess(rejected, clipped(message)));
};

/** google.rpc.Status in the request's own type. */
export const refused = (statusCode: number, isProto: boolean, message: string): HttpAnswer => {
  if (!isProto) return json(statusCode, { message });
  const bytes = clipped(message);
  return proto(statusCode, Buffer.concat([Buffer.from([0x12, ...varint(bytes.length)]), bytes]));
};

const json = (statusCode: number, body: unknown): HttpAnswer => ({
  statusCode,
  headers: { 'content-type': jsonType },
  body: JSON.stringify(body),
});

const proto = (statusCode: number, bytes: Buffer): HttpAnswer => ({
  statusCode,
  headers: { 'content-type': protoType },
  body: bytes.toString('base64'),
  isBase64Encoded: true,
});

const partialSuccess = (rejected: number, message: Buffer): Buffer => {
  const count = rejected === 0 ? [] : [0x08, ...varint(rejected)];
  const inner = Buffer.concat([Buffer.from([...count, 0x12, ...varint(message.length)]), message]);
  return Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
};

/** At most a kilobyte of UTF-8, never a part of a character. */
const clipped = (message: string): Buffer => {
  const bytes = Buffer.from(message);
  let end = Math.min(bytes.length, 1000);
  while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
};

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]);
