import type { Finding } from '../model/finding.ts';
import { type Span, serviceOf, statusCodes } from '../model/span.ts';
import { assemble, type Trace } from './assemble.ts';
import { estimateSkew, provenSkew, type Skew } from './clock-skew.ts';
import type { CallView, DetectorOptions, ServiceView } from './detector.ts';
import { detectors } from './detectors/index.ts';
import {
  bucketOf,
  type CellExemplar,
  columnOf,
  type ExponentialPoint,
  type HeatMap,
  heatMap,
  histogram,
  pointOf,
  quantile,
  record,
} from './heat-map.ts';
import { callHops } from './hops.ts';
import { type PathProfile, pathProfile } from './path-profile.ts';
import { reattach, usualCalls } from './reattach.ts';
import { countOf, missedParents, tally, weightOf } from './sampling.ts';
import { type Edge, serviceEdges } from './service-graph.ts';
import type { Usual } from './usual.ts';

/** What a window shows. A pure function of its spans: their order, and copies of them, make no difference. */
export interface Score {
  readonly window: string;
  readonly findings: readonly Finding[];
  readonly services: Readonly<
    /** Of sampled spans, what they stand for. */
    Record<string, { readonly spans: number; readonly errors: number; readonly p95Seconds: number }>
  >;
  readonly heatMap: HeatMap;
  /** Durations in seconds by service, as data points of OTLP exponential histograms: windows merge by adding. */
  readonly durations: Readonly<Record<string, ExponentialPoint>>;
  /** Where the time on critical paths went, by service, operation and queue; each list at most 100 long. */
  readonly criticalPath: Omit<PathProfile, 'columns'>;
  readonly traces: { readonly count: number; readonly spans: number; readonly orphans: number };
  /** Services by their share of the time on critical paths, largest first. */
  readonly rootCauses: readonly { readonly service: string; readonly score: number }[];
  /** Calls between services: how many expected a server side, and how many of those had none. */
  readonly hops: readonly {
    readonly from: string;
    readonly to: string;
    readonly calls: number;
    readonly missing: number;
  }[];
  /** Which service calls which. */
  readonly edges: readonly Edge[];
  /** Spans that were not seen though others name them as parents, and the likely parents of those. */
  readonly reattached: readonly {
    readonly traceId: string;
    readonly missingSpanId: string;
    readonly parentSpanId: string;
    readonly confidence: number;
  }[];
  /** Hosts (else instances, else services) whose clocks are proven to differ: `to` is ahead of `from`, or behind if negative. */
  readonly skew: readonly {
    readonly from: string;
    readonly to: string;
    readonly offsetMs: number;
    readonly calls: number;
  }[];
  /** The trace that a person should look at first: of a finding, else the slowest. */
  readonly exemplar?: string;
}

export interface ScoreOptions extends DetectorOptions {
  /** Gaps that are listed at most. @default 100 */
  readonly maxListed?: number;
  /** What earlier windows were like. */
  readonly usual?: Usual;
}

export const score = (window: string, spans: readonly Span[], options: ScoreOptions = {}): Score =>
  scoreTraces(window, assemble(spans), options);

/** The same for spans that are assembled already. */
export const scoreTraces = (window: string, traces: readonly Trace[], options: ScoreOptions = {}): Score => {
  const services = viewServices(traces);
  const { usual } = options;
  const view = { window, traces, services, calls: viewCalls(traces), ...(usual === undefined ? {} : { usual }) };
  const findings = Object.values(detectors)
    .filter(({ name }) => options.detectors?.some((each) => each === name) ?? true)
    .flatMap((detector) => detector.detect(view, options));
  const paths = pathProfile(traces);
  const skews = estimateSkew(traces);
  const shareOf = new Map(paths.services.map(({ service, share }) => [service, share]));
  const exemplar = findings[0]?.exemplar.traceId ?? slowest(traces)?.traceId;
  return {
    window,
    findings,
    services: Object.fromEntries(
      [...services].map(([name, view]) => [
        name,
        {
          spans: Math.round(view.count),
          errors: Math.round(countOf(tally(view.errors))),
          p95Seconds: quantile(view.durations, 0.95),
        },
      ]),
    ),
    heatMap: heatMap(
      new Map(
        [...services].map(([name, { durations, spans }]) => [
          name,
          {
            durations,
            pathShare: shareOf.get(name) ?? 0,
            pathShares: paths.columns.get(name) ?? new Map(),
            exemplars: cellExemplars(spans),
          },
        ]),
      ),
    ),
    durations: Object.fromEntries([...services].map(([name, { durations }]) => [name, pointOf(durations)])),
    criticalPath: listed(paths),
    traces: {
      count: traces.length,
      spans: traces.reduce((sum, { nodes }) => sum + nodes.length, 0),
      orphans: traces.reduce((sum, trace) => sum + missedParents(trace).length, 0),
    },
    rootCauses: [...services.keys()]
      .map((service) => ({ service, score: shareOf.get(service) ?? 0 }))
      .sort((a, b) => b.score - a.score || (a.service < b.service ? -1 : 1)),
    hops: callHops(traces).map(({ from, to, spans, missing }) => ({
      from,
      to,
      calls: spans.length,
      missing: missing.length,
    })),
    edges: serviceEdges(traces),
    reattached: reattachAll(traces, skews, options.maxListed ?? maxListed),
    skew: provenSkew(skews).map(({ from, to, offsetNanos, calls }) => ({
      from,
      to,
      offsetMs: offsetNanos / 1e6,
      calls,
    })),
    ...(exemplar === undefined ? {} : { exemplar }),
  };
};

/** What a score lists of any kind at most. */
const maxListed = 100;

const listed = ({ columns: _, ...paths }: PathProfile): Score['criticalPath'] => ({
  ...paths,
  services: paths.services.slice(0, maxListed),
  operations: paths.operations.slice(0, maxListed),
  queues: paths.queues.slice(0, maxListed),
});

const reattachAll = (traces: readonly Trace[], skews: ReadonlyMap<string, Skew>, most: number): Score['reattached'] => {
  const broken = traces.filter((trace) => missedParents(trace).length > 0);
  if (broken.length === 0) return [];
  const known = usualCalls(traces, skews);
  return broken
    .slice(0, most)
    .flatMap((trace) =>
      reattach(trace, known, skews).map(({ traceId, missingSpanId, parent, confidence }) => ({
        traceId,
        missingSpanId,
        parentSpanId: trace.nodes[parent]?.span.spanId ?? '',
        confidence,
      })),
    )
    .slice(0, most);
};

const viewServices = (traces: readonly Trace[]): Map<string, ServiceView> => {
  const services = new Map<
    string,
    { count: number; spans: Span[]; errors: Span[]; durations: ReturnType<typeof histogram> }
  >();
  for (const { nodes } of traces) {
    for (const { span } of nodes) {
      const name = serviceOf(span);
      let view = services.get(name);
      if (view === undefined) {
        view = { count: 0, spans: [], errors: [], durations: histogram() };
        services.set(name, view);
      }
      const weight = weightOf(span);
      view.count += weight;
      view.spans.push(span);
      if (span.status === statusCodes.error) view.errors.push(span);
      record(view.durations, Number(span.endNanos - span.startNanos) / 1e9, weight);
    }
  }
  return new Map([...services].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const viewCalls = (traces: readonly Trace[]): Map<string, CallView> => {
  const calls = new Map<string, { from: string; to: string; count: number; spans: Span[] }>();
  for (const { nodes } of traces) {
    for (const { span, parent } of nodes) {
      const up = nodes[parent]?.span;
      if (up === undefined) continue;
      const [from, to] = [serviceOf(up), serviceOf(span)];
      if (from === to) continue;
      const key = `${from}→${to}`;
      let call = calls.get(key);
      if (call === undefined) {
        call = { from, to, count: 0, spans: [] };
        calls.set(key, call);
      }
      call.count += weightOf(span);
      call.spans.push(span);
    }
  }
  return new Map([...calls].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** The longest span of each cell of a service's row; of equals the first. */
const cellExemplars = (spans: readonly Span[]): Map<number, CellExemplar> => {
  const found = new Map<number, CellExemplar & { readonly nanos: bigint }>();
  for (const { traceId, spanId, startNanos, endNanos } of spans) {
    const nanos = endNanos - startNanos;
    if (nanos <= 0n) continue;
    const column = columnOf(bucketOf(Number(nanos) / 1e9));
    if (nanos > (found.get(column)?.nanos ?? 0n)) found.set(column, { traceId, spanId, nanos });
  }
  return new Map([...found].map(([column, { traceId, spanId }]) => [column, { traceId, spanId }]));
};

const slowest = (traces: readonly Trace[]): Trace | undefined => {
  const duration = ({ nodes, roots }: Trace) => {
    const root = nodes[roots[0] ?? -1]?.span;
    return root === undefined ? 0n : root.endNanos - root.startNanos;
  };
  return traces.reduce<Trace | undefined>(
    (best, trace) => (best === undefined || duration(trace) > duration(best) ? trace : best),
    undefined,
  );
};
