import { classicCounts, classicEdges, type Family, type HistogramValue } from './metric-series.ts';

export interface OtlpMetricsOptions {
  /** Milliseconds that the values are of: since the totals began, or of one window. */
  readonly from: number;
  readonly to: number;
  readonly temporality: 'cumulative' | 'delta';
  readonly histogram: 'exponential' | 'explicit';
}

/** An `ExportMetricsServiceRequest` as OTLP/JSON. */
export const otlpMetricsBody = (
  families: readonly Family[],
  { from, to, temporality, histogram }: OtlpMetricsOptions,
): string => {
  const times = { startTimeUnixNano: nanos(from), timeUnixNano: nanos(to) };
  const aggregationTemporality = temporality === 'delta' ? 1 : 2;
  const metrics = families
    .filter(({ series }) => series.length > 0)
    .map((family) => {
      const { name, help: description } = family;
      if (family.kind === 'counter') {
        const dataPoints = family.series.map(({ labels, value }) => ({
          ...times,
          attributes: attributesOf(labels),
          asDouble: value,
        }));
        return { name, description, sum: { aggregationTemporality, isMonotonic: true, dataPoints } };
      }
      const isExponential = histogram === 'exponential';
      const dataPoints = family.series.map(({ labels, value }) => ({
        ...times,
        attributes: attributesOf(labels),
        count: String(Math.round(value.count)),
        sum: value.sum,
        ...(isExponential ? exponential(value) : explicit(value)),
      }));
      const body = { aggregationTemporality, dataPoints };
      return {
        name,
        description,
        unit: 's',
        ...(isExponential ? { exponentialHistogram: body } : { histogram: body }),
      };
    });
  const scopeMetrics = [{ scope: { name: 'tidemark' }, metrics }];
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'tidemark-score-traces' } }] };
  return JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics }] });
};

/** OTLP counts whole values only; what is estimated is rounded bucket by bucket, and the total with it. */
const exponential = ({ zero, scale, buckets }: HistogramValue) => {
  const low = buckets[0]?.[0] ?? 0;
  const high = buckets.at(-1)?.[0] ?? -1;
  const counts = new Array<number>(Math.max(0, high - low + 1)).fill(0);
  for (const [index, count] of buckets) counts[index - low] = Math.round(count);
  const zeroCount = Math.round(zero);
  return {
    count: String(counts.reduce((sum, count) => sum + count, zeroCount)),
    scale,
    zeroCount: String(zeroCount),
    positive: { offset: low, bucketCounts: counts.map(String) },
  };
};

const explicit = (value: HistogramValue) => {
  const below = [...classicCounts(value), value.count].map(Math.round);
  return {
    explicitBounds: classicEdges,
    bucketCounts: below.map((count, at) => String(count - (below[at - 1] ?? 0))),
  };
};

const attributesOf = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => ({ key, value: { stringValue: value } }));

const nanos = (millis: number): string => `${BigInt(Math.round(millis)) * 1_000_000n}`;
