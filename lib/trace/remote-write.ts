import { classicCounts, classicEdges, type Family, type HistogramValue } from './metric-series.ts';
import { double, message, packedVarints, text, varint, zigzag } from './proto-writer.ts';
import { snappy } from './snappy.ts';

/** By the names that Prometheus' own `protobuf_message` has: remote write 1.0 and 2.0. */
export type WriteMessage = 'prometheus.WriteRequest' | 'io.prometheus.write.v2.Request';

/**
 * A Prometheus remote write request, packed as the snappy block that the protocol asks for: of 1.0 (prompb/remote.proto,
 * prompb/types.proto) or of 2.0 (io/prometheus/write/v2/types.proto). Histograms are told twice, classic and native; a server that keeps
 * no native ones leaves those out.
 */
export const remoteWriteBody = (
  families: readonly Family[],
  atMillis: number,
  as: WriteMessage = 'prometheus.WriteRequest',
): Buffer => snappy(as === 'prometheus.WriteRequest' ? writeRequest(families, atMillis) : request2(families, atMillis));

export const remoteWriteHeaders = (as: WriteMessage): Readonly<Record<string, string>> => ({
  'content-type': as === 'prometheus.WriteRequest' ? 'application/x-protobuf' : `application/x-protobuf;proto=${as}`,
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': as === 'prometheus.WriteRequest' ? '0.1.0' : '2.0.0',
  'user-agent': 'tidemark',
});

/**
 * Whether a receiver that was sent 2.0 does not speak it: it says so (415), or takes the request for one of 1.0 in which it finds nothing
 * and does not tell how much it wrote, as 2.0 has it.
 */
export const knowsOnly1 = (status: number, headers: Readonly<Record<string, string>>): boolean =>
  status === 415 ||
  (status >= 200 &&
    status < 300 &&
    !Object.keys(headers).some((name) => /^x-prometheus-remote-write-.*-written$/i.test(name)));

/** WriteRequest { timeseries = 1, metadata = 3 } */
const writeRequest = (families: readonly Family[], at: number): Buffer =>
  Buffer.concat(
    families.flatMap((family) => [
      ...seriesOf(family).map(({ labels, value }) =>
        // TimeSeries { labels = 1 { name = 1, value = 2 }, samples = 2, histograms = 4 }
        message(
          1,
          ...labels.map(([label, content]) => message(1, text(1, label), text(2, content))),
          typeof value === 'number' ? message(2, sample(value, at)) : message(4, histogram(value, at)),
        ),
      ),
      // MetricMetadata { type = 1, metric_family_name = 2, help = 4 }
      message(3, varint(1, typeOf(family)), text(2, family.name), text(4, family.help)),
    ]),
  );

/** Request { symbols = 4, timeseries = 5 }: every text once, the first of them empty. */
const request2 = (families: readonly Family[], at: number): Buffer => {
  const symbols = new Map([['', 0]]);
  const symbol = (text: string): number => {
    const known = symbols.get(text) ?? symbols.size;
    symbols.set(text, known);
    return known;
  };
  const series = families.flatMap((family) => {
    // Metadata { type = 1, help_ref = 3, unit_ref = 4 }
    const unit = family.kind === 'histogram' ? [varint(4, symbol('seconds'))] : [];
    const metadata = message(5, varint(1, typeOf(family)), varint(3, symbol(family.help)), ...unit);
    // TimeSeries { labels_refs = 1, samples = 2, histograms = 3, metadata = 5 }
    return seriesOf(family).map(({ labels, value }) =>
      message(
        5,
        packedVarints(
          1,
          labels.flatMap((pair) => pair.map(symbol)),
        ),
        typeof value === 'number' ? message(2, sample(value, at)) : message(3, histogram(value, at)),
        metadata,
      ),
    );
  });
  return Buffer.concat([...[...symbols.keys()].map((each) => text(4, each)), ...series]);
};

interface FlatSeries {
  /** In the order of their names, the metric's own with them; empty ones are none. */
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number | HistogramValue;
}

const seriesOf = (family: Family): FlatSeries[] => {
  const { name } = family;
  if (family.kind === 'counter') return family.series.map(({ labels, value }) => flat(name, labels, value));
  return family.series.flatMap(({ labels, value }) => {
    const below = classicCounts(value);
    return [
      ...classicEdges.map((edge, index) => flat(`${name}_bucket`, { ...labels, le: String(edge) }, below[index] ?? 0)),
      flat(`${name}_bucket`, { ...labels, le: '+Inf' }, value.count),
      flat(`${name}_sum`, labels, value.sum),
      flat(`${name}_count`, labels, value.count),
      flat(name, labels, value),
    ];
  });
};

const flat = (name: string, labels: Readonly<Record<string, string>>, value: FlatSeries['value']): FlatSeries => ({
  labels: Object.entries({ ...labels, __name__: name })
    .filter(([, text]) => text !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1)),
  value,
});

/** COUNTER is 1, HISTOGRAM 3, in either version. */
const typeOf = ({ kind }: Family): number => (kind === 'counter' ? 1 : 3);

/** Sample { value = 1, timestamp = 2 } */
const sample = (value: number, at: number): Buffer => Buffer.concat([double(1, value), varint(2, at)]);

/**
 * Histogram { count_float = 2, sum = 3, schema = 4, zero_threshold = 5, zero_count_float = 7, positive_spans = 11, positive_counts = 13,
 * timestamp = 15 } in either version, in floats since estimated counts are. Bucket i of Prometheus is bucket i - 1 of OTLP.
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
  return Buffer.concat([
    double(2, count),
    double(3, sum),
    varint(4, zigzag(scale)),
    double(5, zeroThreshold),
    double(7, zero),
    ...spans.map(({ offset, length }) => message(11, varint(1, zigzag(offset)), varint(2, length))),
    ...(buckets.length === 0 ? [] : [message(13, counts)]),
    varint(15, at),
  ]);
};

/** 2^-128, the least that Prometheus' own clients use. */
const zeroThreshold = 2 ** -128;
