import { classicCounts, classicEdges, type Family, type HistogramValue } from './metric-series.ts';

/**
 * A Prometheus remote write 1.0 request: `prometheus.WriteRequest` (prompb/remote.proto, prompb/types.proto), packed as the snappy block
 * that the protocol asks for. Histograms are told twice, classic and native; a server that keeps no native ones leaves those out.
 */
export const remoteWriteBody = (families: readonly Family[], atMillis: number): Buffer =>
  snappy(Buffer.concat(families.flatMap((family) => [...seriesOf(family, atMillis), metadataOf(family)])));

export const remoteWriteHeaders = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
  'user-agent': 'tidemark',
} as const;

const seriesOf = (family: Family, at: number): Buffer[] => {
  if (family.kind === 'counter') {
    return family.series.map(({ labels, value }) => timeSeries(family.name, labels, sample(value, at)));
  }
  return family.series.flatMap(({ labels, value }) => {
    const { name } = family;
    const below = classicCounts(value);
    return [
      ...classicEdges.map((edge, index) =>
        timeSeries(`${name}_bucket`, { ...labels, le: String(edge) }, sample(below[index] ?? 0, at)),
      ),
      timeSeries(`${name}_bucket`, { ...labels, le: '+Inf' }, sample(value.count, at)),
      timeSeries(`${name}_sum`, labels, sample(value.sum, at)),
      timeSeries(`${name}_count`, labels, sample(value.count, at)),
      timeSeries(name, labels, histogram(value, at)),
    ];
  });
};

/** TimeSeries { labels = 1, samples = 2, histograms = 4 }; labels are in the order of their names, and empty ones are none. */
const timeSeries = (name: string, labels: Readonly<Record<string, string>>, content: Buffer): Buffer => {
  const pairs = Object.entries({ ...labels, __name__: name }).filter(([, value]) => value !== '');
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  return message(1, ...pairs.map(([label, value]) => message(1, text(1, label), text(2, value))), content);
};

/** Sample { value = 1, timestamp = 2 } */
const sample = (value: number, at: number): Buffer => message(2, double(1, value), varint(2, at));

/**
 * Histogram { count_float = 2, sum = 3, schema = 4, zero_threshold = 5, zero_count_float = 7, positive_spans = 11, positive_counts = 13,
 * timestamp = 15 }, in floats since estimated counts are. Bucket i of Prometheus is bucket i - 1 of OTLP.
 */
const histogram = ({ count, sum, zero, scale, buckets }: HistogramValue, at: number): Buffer => {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const [index] of buckets) {
    const bucket = index + 1;
    const last = spans.at(-1);
    if (last !== undefined && bucket === next) last.length += 1;
    else spans.push({ offset: bucket - next, length: 1 });
    next = bucket + 1;
  }
  const counts = Buffer.alloc(buckets.length * 8);
  for (const [index, [, each]] of buckets.entries()) counts.writeDoubleLE(each, index * 8);
  return message(
    4,
    double(2, count),
    double(3, sum),
    varint(4, zigzag(scale)),
    double(5, zeroThreshold),
    double(7, zero),
    ...spans.map(({ offset, length }) => message(11, varint(1, zigzag(offset)), varint(2, length))),
    ...(buckets.length === 0 ? [] : [message(13, counts)]),
    varint(15, at),
  );
};

/** 2^-128, the least that Prometheus' own clients use. */
const zeroThreshold = 2 ** -128;

/** MetricMetadata { type = 1, metric_family_name = 2, help = 4 } under WriteRequest.metadata = 3; COUNTER is 1, HISTOGRAM 3. */
const metadataOf = ({ name, kind, help }: Family): Buffer =>
  message(3, varint(1, kind === 'counter' ? 1 : 3), text(2, name), text(4, help));

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

const digits = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
};

const message = (field: number, ...parts: Buffer[]): Buffer => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([...digits(field * 8 + 2), ...digits(length)]), ...parts]);
};
const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));
const varint = (field: number, value: number): Buffer => Buffer.from([...digits(field * 8), ...digits(value)]);
const double = (field: number, value: number): Buffer => {
  const bytes = Buffer.alloc(9, field * 8 + 1);
  bytes.writeDoubleLE(value, 1);
  return bytes;
};

/**
 * The snappy block format (google/snappy, format_description.txt) of nothing but literals: its length, then pieces of at most 64 KiB,
 * each after its tag. It saves no bytes; a request is some tens of kilobytes once a minute.
 */
export const snappy = (bytes: Uint8Array): Buffer => {
  const pieces: Uint8Array[] = [Buffer.from(digits(bytes.length))];
  for (let at = 0; at < bytes.length; at += 0x10000) {
    const piece = bytes.subarray(at, at + 0x10000);
    const last = piece.length - 1;
    // Tag 61: the two bytes after it are the length, less one.
    pieces.push(Buffer.from([61 << 2, last & 0xff, last >> 8]), piece);
  }
  return Buffer.concat(pieces);
};
