import type { Attributes, Scope, Span } from '../model/span.ts';

/** The scope of one body that spans lie in: where its bytes are, and what its spans share, read when first asked for. */
export interface Origin {
  /** Undefined where spans are no OTLP as they came, as `aws/spans` records are not: they have to be encoded. */
  readonly format: 'protobuf' | 'json' | undefined;
  readonly buffer: Buffer;
  readonly resource: Attributes;
  readonly scope: Scope | undefined;
}

/** A span that is known by its place in a body. It can be put into another body without being read. */
export interface PlacedSpan extends Span {
  readonly origin: Origin;
  /** Its bytes in `origin.buffer`; of protobuf, with the tag and the length before it. */
  readonly from: number;
  readonly to: number;
  /** Whole seconds of `startNanos`. */
  readonly startSeconds: number;
  /** Whether it has more, or deeper, than is read of a span: then it is not put into another body as it is. */
  readonly isExcessive: boolean;
  /** FNV-1a 32 over the text of the trace id. */
  readonly traceHash: number;
  /** The same of the span id. Neither makes a text that would be kept. */
  readonly spanHash: number;
}

export const isPlaced = (span: Span): span is PlacedSpan => 'origin' in span;

/** What a decoder gathers: spans, and why others were refused or lost a part. */
export class Gathered {
  readonly spans: PlacedSpan[] = [];
  readonly refused: Record<string, number> = {};
  readonly cut: Record<string, number> = {};

  refuse(reason: string, count = 1): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + count;
  }

  shorten(reason: string): void {
    this.cut[reason] = (this.cut[reason] ?? 0) + 1;
  }
}

const offset = 0x811c9dc5;
const prime = 0x01000193;

/** FNV-1a 32 of a text; of a trace id, of its lower-case hex digits. */
export const hashOfText = (text: string): number => {
  let hash = offset;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), prime);
  return hash >>> 0;
};

/** The same of the text that bytes are in hex. */
export const hashOfBytes = (buffer: Buffer, from: number, to: number): number => {
  let hash = offset;
  for (let at = from; at < to; at += 1) {
    const byte = buffer[at] as number;
    hash = Math.imul(hash ^ (digits[byte >> 4] as number), prime);
    hash = Math.imul(hash ^ (digits[byte & 15] as number), prime);
  }
  return hash >>> 0;
};

/** The same of hex digits that may be in upper case. */
export const hashOfDigits = (buffer: Buffer, from: number, to: number): number => {
  let hash = offset;
  for (let at = from; at < to; at += 1) {
    const code = buffer[at] as number;
    hash = Math.imul(hash ^ (code >= 0x41 && code <= 0x46 ? code + 32 : code), prime);
  }
  return hash >>> 0;
};

const digits = Buffer.from('0123456789abcdef');
