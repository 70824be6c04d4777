import type { Span } from '../model/span.ts';
import { isPlaced, type PlacedSpan } from './placed-span.ts';
import { JsonOrigin } from './scan-json.ts';
import { ProtoOrigin } from './scan-proto.ts';

/** An OTLP body. */
export interface PackedSpans {
  readonly format: 'protobuf' | 'json';
  readonly bytes: Uint8Array;
  /** Nobody else has these bytes, so that they may be freed after use. @default false */
  readonly isOwn?: boolean;
}

/**
 * OTLP bodies of some spans, at most three: protobuf and JSON made of the very bytes that the spans came in, without reading them, and
 * one that `encode` writes, for spans that came as something else or have more than is kept. The order of spans stays.
 */
export const packSpans = (spans: readonly Span[], encode: (spans: readonly Span[]) => PackedSpans): PackedSpans[] => {
  const byScope = new Map<ProtoOrigin | JsonOrigin, Run[]>();
  const others: Span[] = [];
  // Spans of a scope mostly follow each other.
  let origin: unknown;
  let runs: Run[] = [];
  for (const span of spans) {
    if (!isPlaced(span) || span.isExcessive) {
      others.push(span);
      continue;
    }
    if (span.origin !== origin) {
      const { origin: own } = span;
      if (!(own instanceof ProtoOrigin || own instanceof JsonOrigin)) {
        others.push(span);
        continue;
      }
      origin = own;
      runs = byScope.get(own) ?? [];
      byScope.set(own, runs);
    }
    extend(runs, span);
  }
  const scopes = [...byScope];
  const bodies: PackedSpans[] = [];
  const proto = scopes.filter((entry): entry is [ProtoOrigin, Run[]] => entry[0] instanceof ProtoOrigin);
  const json = scopes.filter((entry): entry is [JsonOrigin, Run[]] => entry[0] instanceof JsonOrigin);
  if (proto.length > 0) bodies.push({ format: 'protobuf', bytes: protoBody(proto), isOwn: true });
  if (json.length > 0) bodies.push({ format: 'json', bytes: jsonBody(json), isOwn: true });
  if (others.length > 0) bodies.push(encode(others));
  return bodies;
};

/** Spans that lie beside each other in their body: copied at once. */
interface Run {
  readonly from: number;
  to: number;
}

const extend = (runs: Run[], { origin: { buffer, format }, from, to }: PlacedSpan): void => {
  const last = runs.at(-1);
  if (last !== undefined && (format === 'json' ? isNextElement(buffer, last.to, from) : last.to === from)) last.to = to;
  else runs.push({ from, to });
};

/** Nothing but a comma and white space between two places. */
const isNextElement = (buffer: Buffer, from: number, to: number): boolean => {
  if (to <= from || to - from > 64) return false;
  let commas = 0;
  for (let at = from; at < to; at += 1) {
    const byte = buffer[at] as number;
    if (byte === 0x2c) commas += 1;
    else if (byte > 0x20) return false;
  }
  return commas === 1;
};

const lengthOf = (runs: readonly Run[]): number => runs.reduce((sum, { from, to }) => sum + to - from, 0);

/** ExportTraceServiceRequest { resource_spans = 1 { resource = 1, scope_spans = 2 { scope = 1, spans = 2, schema_url = 3 }, schema_url = 3 } } */
const protoBody = (scopes: readonly [ProtoOrigin, Run[]][]): Buffer => {
  const sized = scopes.map(([origin, runs]) => {
    const { outer } = origin;
    const scope = origin.scopeTo - origin.scopeFrom + origin.schemaTo - origin.schemaFrom + lengthOf(runs);
    const resource = outer.to - outer.from + outer.schemaTo - outer.schemaFrom + 1 + varintLength(scope) + scope;
    return { origin, runs, scope, resource };
  });
  const body = Buffer.allocUnsafe(sized.reduce((sum, { resource }) => sum + 1 + varintLength(resource) + resource, 0));
  let at = 0;
  const copy = (source: Buffer, from: number, to: number): void => {
    if (to > from) at += source.copy(body, at, from, to);
  };
  const head = (tag: number, length: number): void => {
    body[at] = tag;
    at += 1;
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) {
      body[at] = (rest & 0x7f) | 0x80;
      at += 1;
    }
    body[at] = rest;
    at += 1;
  };
  for (const { origin, runs, scope, resource } of sized) {
    const { buffer, outer } = origin;
    head(0x0a, resource);
    copy(buffer, outer.from, outer.to);
    head(0x12, scope);
    copy(buffer, origin.scopeFrom, origin.scopeTo);
    for (const { from, to } of runs) copy(buffer, from, to);
    copy(buffer, origin.schemaFrom, origin.schemaTo);
    copy(buffer, outer.schemaFrom, outer.schemaTo);
  }
  return body;
};

const varintLength = (value: number): number => {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
};

const jsonBody = (scopes: readonly [JsonOrigin, Run[]][]): Buffer => {
  const pieces: Uint8Array[] = [];
  const write = (text: string): void => void pieces.push(Buffer.from(text));
  const value = (before: string, buffer: Buffer, from: number, to: number): void => {
    if (to <= from) return;
    write(before);
    pieces.push(buffer.subarray(from, to));
  };
  write('{"resourceSpans":[');
  scopes.forEach(([origin, runs], index) => {
    const { buffer, outer } = origin;
    write(index === 0 ? '{"scopeSpans":[{"spans":[' : ',{"scopeSpans":[{"spans":[');
    runs.forEach(({ from, to }, run) => {
      if (run > 0) pieces.push(comma);
      pieces.push(buffer.subarray(from, to));
    });
    write(']');
    value(',"scope":', buffer, origin.scopeFrom, origin.scopeTo);
    value(',"schemaUrl":', buffer, origin.schemaFrom, origin.schemaTo);
    write('}]');
    value(',"resource":', buffer, outer.from, outer.to);
    value(',"schemaUrl":', buffer, outer.schemaFrom, outer.schemaTo);
    write('}');
  });
  write(']}');
  return Buffer.concat(pieces);
};

const comma = Buffer.from(',');
