import type { Finding } from '../model/finding.ts';
import { type Span, serviceOf, statusCodes } from '../model/span.ts';
import { assemble, type Trace } from './assemble.ts';
import type { DetectorOptions, ServiceView } from './detector.ts';
import { detectors } from './detectors/index.ts';
import { endToEndPath } from './end-to-end.ts';
import { type HeatMap, heatMap, histogram, quantile, record } from './heat-map.ts';
import { callHops } from './hops.ts';
import { knownCalls, reattach } from './reattach.ts';
import { type Edge, serviceEdges } from './service-graph.ts';

/** What a window shows. A pure function of its spans: their order, and copies of them, make no difference. */
export interface Score {
  readonly window: string;
  readonly findings: readonly Finding[];
  readonly services: Readonly<
    Record<string, { readonly spans: number; readonly errors: number; readonly p95Seconds: number }>
  >;
  readonly heatMap: HeatMap;
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
  /** Spans that were not seen though others name them as parents, and the likely parents of those; at most 100. */
  readonly reattached: readonly {
    readonly traceId: string;
    readonly missingSpanId: string;
    readonly parentSpanId: string;
    readonly confidence: number;
  }[];
  /** The trace that a person should look at first: of a finding, else the slowest. */
  readonly exemplar?: string;
}

export const score = (window: string, spans: readonly Span[], options: DetectorOptions = {}): Score =>
  scoreTraces(window, assemble(spans), options);

/** The same for spans that are assembled already. */
export const scoreTraces = (window: string, traces: readonly Trace[], options: DetectorOptions = {}): Score => {
  const services = viewServices(traces);
  const findings = Object.values(detectors).flatMap((detector) =>
    detector.detect({ window, traces, services }, options),
  );
  const onPath = pathSeconds(traces);
  const total = [...onPath.values()].reduce((sum, seconds) => sum + seconds, 0);
  const shareOf = (service: string) => (total === 0 ? 0 : (onPath.get(service) ?? 0) / total);
  const exemplar = findings[0]?.exemplar.traceId ?? slowest(traces)?.traceId;
  return {
    window,
    findings,
    services: Object.fromEntries(
      [...services].map(([name, view]) => [
        name,
        { spans: view.spans.length, errors: view.errors.length, p95Seconds: quantile(view.durations, 0.95) },
      ]),
    ),
    heatMap: heatMap(
      new Map([...services].map(([name, { durations }]) => [name, { durations, pathShare: shareOf(name) }])),
    ),
    traces: {
      count: traces.length,
      spans: traces.reduce((sum, { nodes }) => sum + nodes.length, 0),
      orphans: traces.reduce((sum, { orphans }) => sum + orphans.length, 0),
    },
    rootCauses: [...services.keys()]
      .map((service) => ({ service, score: shareOf(service) }))
      .sort((a, b) => b.score - a.score || (a.service < b.service ? -1 : 1)),
    hops: callHops(traces).map(({ from, to, spans, missing }) => ({
      from,
      to,
      calls: spans.length,
      missing: missing.length,
    })),
    edges: serviceEdges(traces),
    reattached: reattachAll(traces),
    ...(exemplar === undefined ? {} : { exemplar }),
  };
};

/** What a score lists of any kind at most. */
const maxListed = 100;

const reattachAll = (traces: readonly Trace[]): Score['reattached'] => {
  const broken = traces.filter(({ orphans }) => orphans.length > 0);
  if (broken.length === 0) return [];
  const known = knownCalls(traces);
  return broken
    .slice(0, maxListed)
    .flatMap((trace) =>
      reattach(trace, known).map(({ traceId, missingSpanId, parent, confidence }) => ({
        traceId,
        missingSpanId,
        parentSpanId: trace.nodes[parent]?.span.spanId ?? '',
        confidence,
      })),
    )
    .slice(0, maxListed);
};

const viewServices = (traces: readonly Trace[]): Map<string, ServiceView> => {
  const services = new Map<string, { spans: Span[]; errors: Span[]; durations: ReturnType<typeof histogram> }>();
  for (const { nodes } of traces) {
    for (const { span } of nodes) {
      const name = serviceOf(span);
      let view = services.get(name);
      if (view === undefined) {
        view = { spans: [], errors: [], durations: histogram() };
        services.set(name, view);
      }
      view.spans.push(span);
      if (span.status === statusCodes.error) view.errors.push(span);
      record(view.durations, Number(span.endNanos - span.startNanos) / 1e9);
    }
  }
  return new Map([...services].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const pathSeconds = (traces: readonly Trace[]): Map<string, number> => {
  const seconds = new Map<string, number>();
  for (const trace of traces) {
    for (const { service, startNanos, endNanos, kind } of endToEndPath(trace, 'robust').sections) {
      // Nobody works while a message waits: the shares are of work.
      if (kind === 'queue') continue;
      seconds.set(service, (seconds.get(service) ?? 0) + Number(endNanos - startNanos) / 1e9);
    }
  }
  return seconds;
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
