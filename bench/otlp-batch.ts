/** One OTLP batch of `count` spans with 7 attributes each, every eighth with an event, as protobuf and as JSON of the same content. */
export const otlpBatch = (count: number): { readonly proto: Buffer; readonly json: Buffer } => {
  const spans = Array.from({ length: count }, (_, at) => {
    const seed = Math.imul(at + 1, 0x9e3779b1) >>> 0;
    const start = 1_767_225_600_000_000_000n + BigInt(at) * 1_000_003n;
    return {
      traceId: hex(seed, 8) + hex(Math.floor(at / 8), 24),
      spanId: hex(at + 1, 16),
      parentSpanId: at % 8 === 0 ? '' : hex(at, 16),
      name: `GET /api/v1/orders/${at % 32}`,
      kind: 2 + (at % 2),
      start,
      end: start + BigInt(1_000_000 + (seed % 50_000_000)),
      attributes: [
        ['http.request.method', 'GET'],
        ['url.path', `/api/v1/orders/${at}`],
        ['http.response.status_code', 200 + (at % 3)],
        ['server.address', 'orders.internal.example'],
        ['network.peer.port', 8443],
        ['user.tier', at % 2 === 0 ? 'gold' : 'basic'],
        ['retry', at % 5 === 0],
      ] as const,
      hasEvent: at % 8 === 0,
    };
  });
  const resource = [
    ['service.name', 'orders'],
    ['host.name', 'node-17'],
  ] as const;
  const json = JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: resource.map(([key, value]) => ({ key, value: jsonValue(value) })) },
        scopeSpans: [
          {
            scope: { name: 'bench' },
            spans: spans.map(({ start, end, attributes, hasEvent, ...ids }) => ({
              ...ids,
              startTimeUnixNano: String(start),
              endTimeUnixNano: String(end),
              attributes: attributes.map(([key, value]) => ({ key, value: jsonValue(value) })),
              events: hasEvent ? [{ timeUnixNano: String(start), name: 'cache miss', attributes: [] }] : [],
              status: {},
            })),
          },
        ],
      },
    ],
  });
  const scopeSpans = Buffer.concat([
    message(1, text(1, 'bench')),
    ...spans.map((span) =>
      message(
        2,
        bytes(1, Buffer.from(span.traceId, 'hex')),
        bytes(2, Buffer.from(span.spanId, 'hex')),
        ...(span.parentSpanId === '' ? [] : [bytes(4, Buffer.from(span.parentSpanId, 'hex'))]),
        text(5, span.name),
        number(6, span.kind),
        fixed64(7, span.start),
        fixed64(8, span.end),
        ...span.attributes.map(([key, value]) => keyValue(9, key, value)),
        ...(span.hasEvent ? [message(11, fixed64(1, span.start), text(2, 'cache miss'))] : []),
        message(15),
      ),
    ),
  ]);
  const resourceBytes = message(1, ...resource.map(([key, value]) => keyValue(1, key, value)));
  return { proto: message(1, resourceBytes, bytes(2, scopeSpans)), json: Buffer.from(json) };
};

type Value = string | number | boolean;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const jsonValue = (value: Value) =>
  typeof value === 'string'
    ? { stringValue: value }
    : typeof value === 'boolean'
      ? { boolValue: value }
      : { intValue: String(value) };

const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

const bytes = (field: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);

const message = (field: number, ...parts: Buffer[]): Buffer => bytes(field, Buffer.concat(parts));
const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));
const number = (field: number, value: number): Buffer => Buffer.from([...varint(field * 8), ...varint(value)]);

const fixed64 = (field: number, value: bigint): Buffer => {
  const buffer = Buffer.alloc(9, field * 8 + 1);
  buffer.writeBigUInt64LE(value, 1);
  return buffer;
};

const keyValue = (field: number, key: string, value: Value): Buffer =>
  message(
    field,
    text(1, key),
    message(
      2,
      typeof value === 'string'
        ? text(1, value)
        : typeof value === 'boolean'
          ? number(2, Number(value))
          : number(3, value),
    ),
  );
