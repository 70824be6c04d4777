import {
  type CallCounts,
  type DurationCounts,
  type MetricCounts,
  type ServiceCounts,
  sidesOf,
  totalsScale,
} from './metric-totals.ts';
import { edgeScale } from './service-graph.ts';

/** One time series by its labels; what it holds depends on its family. */
export interface Series<Value> {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Value;
}

export interface HistogramValue {
  readonly count: number;
  readonly sum: number;
  readonly zero: number;
  readonly scale: number;
  /** Index of exponential buckets as OTLP counts them, ascending, with their counts. */
  readonly buckets: readonly (readonly [index: number, count: number])[];
}

export type Family =
  | {
      readonly name: string;
      readonly kind: 'counter';
      readonly help: string;
      readonly series: readonly Series<number>[];
    }
  | {
      readonly name: string;
      readonly kind: 'histogram';
      readonly help: string;
      readonly series: readonly Series<HistogramValue>[];
    };

/** The metrics of traces by their Prometheus names, series in order of labels. */
export const familiesOf = (counts: MetricCounts, shared: Readonly<Record<string, string>> = {}): readonly Family[] => {
  const services = [...counts.services].sort(([a], [b]) => (a < b ? -1 : 1));
  const calls = [...counts.calls]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ sides: sidesOf(key), value }));
  const byService = <T>(pick: (service: ServiceCounts) => T): Series<T>[] =>
    services.map(([service, value]) => ({ labels: { ...shared, service }, value: pick(value) }));
  const hops = calls.filter(({ value }) => value.calls > 0);
  const edges = calls.filter(({ value }) => value.requests > 0);
  const byEdge = <T>(pick: (call: CallCounts) => T): Series<T>[] =>
    edges.map(({ sides: [client, server], value }) => ({
      labels: { ...shared, client, server, connection_type: value.isMessage ? 'messaging_system' : '' },
      value: pick(value),
    }));
  return [
    {
      name: 'traces_span_count_total',
      kind: 'counter',
      help: 'Spans, as estimated from those that were kept',
      series: byService(({ spans }) => spans),
    },
    {
      name: 'traces_span_error_total',
      kind: 'counter',
      help: 'Spans that ended with an error',
      series: byService(({ errors }) => errors),
    },
    {
      name: 'traces_span_duration_seconds',
      kind: 'histogram',
      help: 'How long spans took',
      series: byService((service) => histogramOf(service, totalsScale)),
    },
    {
      name: 'traces_hop_calls_total',
      kind: 'counter',
      help: 'Calls between services that expected to be answered by a span',
      series: hops.map(({ sides: [service, callee], value }) => ({
        labels: { ...shared, service, callee },
        value: value.calls,
      })),
    },
    {
      name: 'traces_hop_missing_total',
      kind: 'counter',
      help: 'Calls whose other side was not seen',
      series: hops.map(({ sides: [service, callee], value }) => ({
        labels: { ...shared, service, callee },
        value: value.missing,
      })),
    },
    {
      name: 'traces_service_graph_request_total',
      kind: 'counter',
      help: 'Requests and messages from one service to another',
      series: byEdge(({ requests }) => requests),
    },
    {
      name: 'traces_service_graph_request_failed_total',
      kind: 'counter',
      help: 'Requests and messages of which either side ended with an error',
      series: byEdge(({ failed }) => failed),
    },
    {
      name: 'traces_service_graph_request_server_seconds',
      kind: 'histogram',
      help: 'How long requests took on the called side',
      series: byEdge(({ server }) => histogramOf(server, edgeScale)),
    },
    {
      name: 'traces_service_graph_request_client_seconds',
      kind: 'histogram',
      help: 'How long requests took on the calling side',
      series: byEdge(({ client }) => histogramOf(client, edgeScale)).filter(({ value }) => value.count > 0),
    },
  ];
};

const histogramOf = ({ zero, seconds, buckets }: DurationCounts, scale: number): HistogramValue => {
  const ordered = [...buckets].sort(([a], [b]) => a - b);
  return { count: ordered.reduce((sum, [, count]) => sum + count, zero), sum: seconds, zero, scale, buckets: ordered };
};

/** Upper edges in seconds of the classic histogram: powers of two, which the exponential buckets end at exactly. */
export const classicEdges: readonly number[] = Array.from({ length: 17 }, (_, at) => 2 ** (at - 10));

/** How many values are at most at each of the classic edges. */
export const classicCounts = ({ zero, scale, buckets }: HistogramValue): readonly number[] => {
  let at = 0;
  let below = zero;
  return classicEdges.map((_, edge) => {
    // Bucket i ends at 2^((i + 1) / 2^scale).
    for (; at < buckets.length && (buckets[at]?.[0] ?? 0) + 1 <= (edge - 10) * 2 ** scale; at += 1) {
      below += buckets[at]?.[1] ?? 0;
    }
    return below;
  });
};
