import type { Finding } from '../model/finding.ts';
import type { Span } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import type { Histogram } from './heat-map.ts';

/** What detectors look at: one window. */
export interface WindowView {
  readonly window: string;
  readonly traces: readonly Trace[];
  readonly services: ReadonlyMap<string, ServiceView>;
}

export interface ServiceView {
  readonly spans: readonly Span[];
  readonly errors: readonly Span[];
  readonly durations: Histogram;
}

export interface DetectorOptions {
  /** @default 5 */
  readonly errorsPerWindow?: number;
  /** @default 0.15 */
  readonly errorShare?: number;
  /** Seconds that P95 may take. @default 2 */
  readonly p95Seconds?: number;
  /** @default 0.3 */
  readonly missingShare?: number;
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
