import type { Score } from './score.ts';

/** Series of one kind at most; what is beyond is summed into one visible series. */
export const maxSeries = 100;
export const overflow = '__cardinality_overflow__';

/**
 * What a scored window adds to the metrics, as fields of a CloudWatch Embedded Metric Format line, one an entry: spans, errors and P95 by
 * service, calls and missing other sides by hop. Services beyond the cap, the least used ones, share one series of the name `overflow`.
 */
export const metricLines = (
  score: Score,
  atMillis: number,
  most = maxSeries,
): readonly Readonly<Record<string, unknown>>[] => {
  const services = capped(
    Object.entries(score.services).map(([service, counts]) => ({ service, ...counts })),
    most,
    ({ spans }) => spans,
    (a, b) => ({
      service: overflow,
      spans: a.spans + b.spans,
      errors: a.errors + b.errors,
      p95Seconds: Math.max(a.p95Seconds, b.p95Seconds),
    }),
  );
  const hops = capped(
    score.hops,
    most,
    ({ calls }) => calls,
    (a, b) => ({ from: overflow, to: overflow, calls: a.calls + b.calls, missing: a.missing + b.missing }),
  );
  return [
    ...services.map(({ service, spans, errors, p95Seconds }) =>
      line(atMillis, ['service'], {
        service,
        traces_span_count_total: spans,
        traces_span_error_total: errors,
        traces_span_duration_p95_seconds: p95Seconds,
      }),
    ),
    ...hops.map(({ from, to, calls, missing }) =>
      line(atMillis, ['service', 'callee'], {
        service: from,
        callee: to,
        traces_hop_calls_total: calls,
        traces_hop_missing_total: missing,
      }),
    ),
  ];
};

const capped = <T>(rows: readonly T[], most: number, size: (row: T) => number, add: (a: T, b: T) => T): T[] => {
  if (rows.length <= most) return [...rows];
  const ordered = [...rows].sort((a, b) => size(b) - size(a));
  return [...ordered.slice(0, most), ordered.slice(most).reduce(add)].map((row, at) =>
    // One row beyond the cap has nothing to be summed with, but must still lose its name.
    at === most && ordered.length === most + 1 ? add(row, emptied(row)) : row,
  );
};

const emptied = <T>(row: T): T =>
  Object.fromEntries(
    Object.entries(row as object).map(([key, value]) => [key, typeof value === 'number' ? 0 : value]),
  ) as T;

const line = (
  atMillis: number,
  dimensions: readonly string[],
  values: Readonly<Record<string, string | number>>,
): Readonly<Record<string, unknown>> => ({
  _aws: {
    Timestamp: atMillis,
    CloudWatchMetrics: [
      {
        Namespace: 'tidemark',
        Dimensions: [dimensions],
        Metrics: Object.keys(values)
          .filter((name) => !dimensions.includes(name))
          .map((Name) => ({ Name, Unit: Name.endsWith('_seconds') ? 'Seconds' : 'Count' })),
      },
    ],
  },
  ...values,
});

/**
 * The same as Prometheus text: counts, errors, the classic histogram of durations at powers of two (edges of the fixed-scale buckets, so
 * exact), and hops.
 */
export const prometheusText = (score: Score): string => {
  const lines: string[] = [];
  const label = (text: string) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  for (const [service, { spans, errors }] of Object.entries(score.services)) {
    lines.push(`traces_span_count_total{service="${label(service)}"} ${spans}`);
    lines.push(`traces_span_error_total{service="${label(service)}"} ${errors}`);
  }
  for (const { service, counts } of score.heatMap.rows) {
    let below =
      score.services[service] === undefined ? 0 : score.services[service].spans - counts.reduce((a, b) => a + b, 0);
    counts.forEach((count, at) => {
      below += count;
      const edge = (score.heatMap.edges[at] ?? 0) * Math.SQRT2;
      // Every second half octave ends on a power of two.
      const exponent = Math.round(Math.log2(edge) * 2);
      if (exponent % 2 === 0) {
        lines.push(
          `traces_span_duration_seconds_bucket{service="${label(service)}",le="${2 ** (exponent / 2)}"} ${below}`,
        );
      }
    });
    lines.push(`traces_span_duration_seconds_bucket{service="${label(service)}",le="+Inf"} ${below}`);
    lines.push(`traces_span_duration_seconds_count{service="${label(service)}"} ${below}`);
  }
  for (const { from, to, calls, missing } of score.hops) {
    const labels = `service="${label(from)}",callee="${label(to)}"`;
    lines.push(`traces_hop_calls_total{${labels}} ${calls}`, `traces_hop_missing_total{${labels}} ${missing}`);
  }
  return `${lines.join('\n')}\n`;
};
