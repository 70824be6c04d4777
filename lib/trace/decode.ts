import type { Span } from '../model/span.ts';
import { Gathered } from './placed-span.ts';
import { scanJson } from './scan-json.ts';
import { scanProto } from './scan-proto.ts';

export { exactNanos } from './json-span.ts';

/** Spans of one body, and what of it was refused; the rest is kept. */
export interface Decoded {
  /** Known by their places in the body: what they hold is read when it is first asked for, so the body stays in memory with them. */
  readonly spans: readonly Span[];
  /** Reasons with how many spans each concerned. */
  readonly refused: Readonly<Record<string, number>>;
  /** Spans that are kept without a part of them, by reason. */
  readonly cut?: Readonly<Record<string, number>>;
  /** Set when the body as a whole, or from some place on, could not be read. */
  readonly error?: string;
}

/** OTLP/JSON: ids in hex, 64-bit integers as strings or numbers, unknown fields ignored. Never throws. */
export const decodeJson = (body: string | Uint8Array): Decoded => {
  const gathered = new Gathered();
  return decoded(gathered, scanJson(typeof body === 'string' ? Buffer.from(body) : viewOf(body), gathered));
};

/** OTLP protobuf, read field by field without a schema library. Never throws. */
export const decodeProto = (body: Uint8Array): Decoded => {
  const gathered = new Gathered();
  const error = scanProto(viewOf(body), gathered);
  return decoded(gathered, error === undefined ? undefined : `is not OTLP protobuf: it ${error}`);
};

const decoded = ({ spans, refused, cut }: Gathered, error: string | undefined): Decoded =>
  error === undefined ? { spans, refused, cut } : { spans, refused, cut, error };

const viewOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
