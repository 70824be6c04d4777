import type { Finding, FindingKind } from '../model/finding.ts';
import type { Span } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import type { Histogram } from './heat-map.ts';
import type { Usual } from './usual.ts';

/** What detectors look at: one window. */
export interface WindowView {
  readonly window: string;
  readonly traces: readonly Trace[];
  readonly services: ReadonlyMap<string, ServiceView>;
  /** Calls between services, by `from→to`. */
  readonly calls: ReadonlyMap<string, CallView>;
  /** What earlier windows were like; absent: only fixed limits apply. */
  readonly usual?: Usual;
}

export interface ServiceView {
  /** Spans as they are estimated from those that were kept. */
  readonly count: number;
  readonly spans: readonly Span[];
  readonly errors: readonly Span[];
  readonly durations: Histogram;
}

export interface CallView {
  readonly from: string;
  readonly to: string;
  /** As estimated from the spans that were kept. */
  readonly count: number;
  /** On the called side. */
  readonly spans: readonly Span[];
}

/** Sampled spans that must show a fault at least, whatever they stand for. */
export const leastSampled = 3;

/** Errors of a service in one window that are a burst. */
export const errorsPerWindow = 5;

export interface DetectorOptions {
  /** @default 5 */
  readonly errorsPerWindow?: number;
  /** @default 0.15 */
  readonly errorShare?: number;
  /** Seconds that P95 may take. @default 2 */
  readonly p95Seconds?: number;
  /** @default 0.3 */
  readonly missingShare?: number;
  /** Against a baseline: standard deviations that a shift must exceed. @default 4 */
  readonly sigmas?: number;
  /** Against a baseline: P95 may grow by this factor. @default 1.5 */
  readonly p95Factor?: number;
  /** Against a baseline: the share of usual calls that may be missing. @default 0.9 */
  readonly missingCallShare?: number;
  /** Detectors that run. @default all */
  readonly detectors?: readonly FindingKind[];
}

/** One kind of fault. Silent on healthy traces; every finding points to spans that are there. */
export interface Detector {
  readonly name: string;
  readonly detect: (view: WindowView, options: DetectorOptions) => readonly Finding[];
}

export const exemplars = (spans: readonly Span[]): { traceIds: string[]; exemplar: Finding['exemplar'] } => {
  const [first] = spans;
  return {
    traceIds: [...new Set(spans.map(({ traceId }) => traceId))].slice(0, 3),
    exemplar: { traceId: first?.traceId ?? '', spanId: first?.spanId ?? '' },
  };
};
