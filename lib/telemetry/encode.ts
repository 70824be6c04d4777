import { jsonEncoder } from '#tidemark.encode-json';
import type { Span } from '../model/span.ts';
import { protobufEncoder } from './encode-protobuf.ts';

export { jsonEncoder, protobufEncoder };

/** Makes the body of one OTLP request; an encoder is kept, since it keeps its buffer. */
export type Encode = (spans: readonly Span[]) => Buffer;

/** The encodings of OTLP/HTTP and the content types that name them. */
export const encodings = {
  protobuf: { contentType: 'application/x-protobuf', encoder: protobufEncoder },
  json: { contentType: 'application/json', encoder: jsonEncoder },
} as const satisfies Record<string, { readonly contentType: string; readonly encoder: () => Encode }>;

export type Encoding = keyof typeof encodings;

/** Spans as an OTLP/JSON `ExportTraceServiceRequest` in text. */
export const encodeJson = (spans: readonly Span[]): string => {
  textEncoder ??= jsonEncoder();
  return textEncoder(spans).toString('utf8');
};
let textEncoder: Encode | undefined;
