/** Protobuf by hand, so that tests can also write what no encoder would. */
import type { AttributeValue, Span } from '../../lib/model/span.ts';

export const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))];

export const bytes = (field: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
export const message = (field: number, ...parts: Uint8Array[]): Buffer => bytes(field, Buffer.concat(parts));
export const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));
export const number = (field: number, value: number): Buffer => Buffer.from([...varint(field * 8), ...varint(value)]);

export const fixed64 = (field: number, value: bigint): Buffer => {
  const buffer = Buffer.alloc(9, field * 8 + 1);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value), 1);
  return buffer;
};

export const double = (field: number, value: number): Buffer => {
  const buffer = Buffer.alloc(9, field * 8 + 1);
  buffer.writeDoubleLE(value, 1);
  return buffer;
};

const anyValue = (value: AttributeValue): Buffer => {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'boolean') return number(2, Number(value));
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? number(3, value) : double(4, value);
  if (Array.isArray(value)) return message(5, ...value.map((each: AttributeValue) => message(1, anyValue(each))));
  throw new Error('a kind of value that these tests do not write');
};

export const keyValue = (field: number, key: string, value: AttributeValue): Buffer =>
  message(field, text(1, key), message(2, anyValue(value)));

/** The Span message of `ExportTraceServiceRequest`, without its tag. */
export const spanMessage = (span: Span): Buffer =>
  Buffer.concat([
    bytes(1, Buffer.from(span.traceId, 'hex')),
    bytes(2, Buffer.from(span.spanId, 'hex')),
    ...(span.traceState === undefined ? [] : [text(3, span.traceState)]),
    ...(span.parentSpanId === undefined ? [] : [bytes(4, Buffer.from(span.parentSpanId, 'hex'))]),
    text(5, span.name),
    number(6, span.kind),
    fixed64(7, span.startNanos),
    fixed64(8, span.endNanos),
    ...Object.entries(span.attributes).map(([key, value]) => keyValue(9, key, value)),
    ...span.events.map((event) => message(11, fixed64(1, event.timeNanos), text(2, event.name))),
    ...span.links.map((link) =>
      message(13, bytes(1, Buffer.from(link.traceId, 'hex')), bytes(2, Buffer.from(link.spanId, 'hex'))),
    ),
    ...(span.status === 0 ? [] : [message(15, number(3, span.status))]),
  ]);

/** One resource and scope around span messages. */
export const request = (service: string, spans: readonly Uint8Array[]): Buffer =>
  message(
    1,
    message(1, keyValue(1, 'service.name', service)),
    message(2, message(1, text(1, 'test')), ...spans.map((span) => bytes(2, span))),
  );

/** An `ExportTraceServiceRequest`; spans of one service share a resource. */
export const encodeProto = (spans: readonly Span[]): Buffer => {
  const services = Map.groupBy(spans, ({ resource }) => String(resource['service.name']));
  return Buffer.concat([...services].map(([service, own]) => request(service, own.map(spanMessage))));
};
