import type { DataPoint, KeyValue, Metric, MetricsRequest } from './metrics-otlp.ts';

/**
 * The same request in protobuf, with the field numbers of opentelemetry-proto (`metrics/v1/metrics.proto`). A few points every ten seconds:
 * put together of pieces, without any of what makes the encoder of spans fast.
 */
export const metricsProtobuf = ({ resourceMetrics }: MetricsRequest): Buffer =>
  Buffer.concat(
    resourceMetrics.map(({ resource, scopeMetrics }) =>
      message(
        1,
        message(1, ...keyValues(1, resource.attributes)),
        ...scopeMetrics.map(({ scope, metrics }) =>
          message(2, message(1, text(1, scope.name)), ...metrics.map(metric)),
        ),
      ),
    ),
  );

const metric = ({ name, description, unit, gauge, sum, histogram }: Metric): Buffer => {
  const named = [text(1, name), text(2, description), text(3, unit)];
  if (gauge !== undefined) return message(2, ...named, message(5, ...gauge.dataPoints.map(numberPoint)));
  if (sum !== undefined) {
    const { dataPoints, aggregationTemporality, isMonotonic } = sum;
    const points = dataPoints.map(numberPoint);
    return message(2, ...named, message(7, ...points, whole(2, aggregationTemporality), whole(3, isMonotonic ? 1 : 0)));
  }
  const { dataPoints = [], aggregationTemporality = 0 } = histogram ?? {};
  return message(2, ...named, message(9, ...dataPoints.map(histogramPoint), whole(2, aggregationTemporality)));
};

const numberPoint = (point: DataPoint): Buffer =>
  message(
    1,
    ...times(point),
    ...(point.asDouble === undefined ? [fixed(6, point.asInt ?? '0')] : [double(4, point.asDouble)]),
    ...exemplars(5, point),
    ...keyValues(7, point.attributes),
  );

const histogramPoint = (point: DataPoint): Buffer => {
  const { count = '0', sum = 0, bucketCounts = [], explicitBounds = [] } = point;
  return message(
    1,
    ...times(point),
    fixed(4, count),
    double(5, sum),
    message(6, ...bucketCounts.map(eightBytes)),
    message(7, ...explicitBounds.map(doubleBytes)),
    ...exemplars(8, point),
    ...keyValues(9, point.attributes),
  );
};

const times = ({ startTimeUnixNano, timeUnixNano }: DataPoint): Buffer[] => [
  fixed(2, startTimeUnixNano),
  fixed(3, timeUnixNano),
];

const exemplars = (field: number, { exemplars: all = [] }: DataPoint): Buffer[] =>
  all.map(({ timeUnixNano, asDouble, spanId, traceId }) =>
    message(
      field,
      fixed(2, timeUnixNano),
      double(3, asDouble),
      message(4, Buffer.from(spanId, 'hex')),
      message(5, Buffer.from(traceId, 'hex')),
    ),
  );

const keyValues = (field: number, all: readonly KeyValue[]): Buffer[] =>
  all.map(({ key, value }) => message(field, text(1, key), message(2, anyValue(value))));

const anyValue = ({ stringValue = '', boolValue, intValue, doubleValue }: KeyValue['value']): Buffer => {
  if (boolValue !== undefined) return whole(2, boolValue ? 1 : 0);
  if (intValue !== undefined) return whole(3, intValue);
  return doubleValue === undefined ? text(1, stringValue) : double(4, doubleValue);
};

// How fields are written: their number and wire type, then 0 a varint, 1 eight bytes, 2 bytes behind their length.
const message = (field: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
};
const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));
const whole = (field: number, value: number | string): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
const fixed = (field: number, value: string): Buffer => Buffer.concat([varint(field * 8 + 1), eightBytes(value)]);
const double = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8 + 1), doubleBytes(value)]);

const varint = (value: number | string): Buffer => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
};
const eightBytes = (value: string): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
};
const doubleBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};
