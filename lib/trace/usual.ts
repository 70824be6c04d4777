import { type ExponentialPoint, type Histogram, histogram, merge } from './heat-map.ts';

/** What is usual for services and the calls between them: the sums of earlier windows, and how windows differ from each other. */
export interface Usual {
  readonly services: ReadonlyMap<string, UsualService>;
  /** By `from→to`: calls in all windows. */
  readonly edges: ReadonlyMap<string, UsualEdge>;
}

export interface UsualService {
  readonly spans: number;
  readonly errors: number;
  /** Standard deviation of the share of errors between windows, beyond what chance explains in windows of their sizes. */
  readonly errorShareDeviation: number;
  readonly durations: Histogram;
}

export interface UsualEdge {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
}

/** What a window's score must tell of itself to be part of a baseline. */
export interface WindowSums {
  readonly services: Readonly<Record<string, { readonly spans: number; readonly errors: number }>>;
  readonly durations: Readonly<Record<string, ExponentialPoint>>;
  readonly edges: readonly { readonly from: string; readonly to: string; readonly calls: number }[];
}

/** Adds up windows, in any order. */
export const usualOf = (windows: readonly WindowSums[]): Usual => {
  const services = new Map<
    string,
    { spans: number; errors: number; shares: [number, number][]; durations: Histogram }
  >();
  const edges = new Map<string, { from: string; to: string; calls: number }>();
  for (const window of windows) {
    for (const [name, { spans, errors }] of Object.entries(window.services)) {
      let sum = services.get(name);
      if (sum === undefined) {
        sum = { spans: 0, errors: 0, shares: [], durations: histogram() };
        services.set(name, sum);
      }
      sum.spans += spans;
      sum.errors += errors;
      if (spans > 0) sum.shares.push([errors, spans]);
      const point = window.durations[name];
      if (point !== undefined) merge(sum.durations, histogramOf(point));
    }
    for (const { from, to, calls } of window.edges) {
      const key = `${from}→${to}`;
      const edge = edges.get(key) ?? { from, to, calls: 0 };
      edge.calls += calls;
      edges.set(key, edge);
    }
  }
  return {
    services: new Map(
      [...services].map(([name, { spans, errors, shares, durations }]) => [
        name,
        { spans, errors, durations, errorShareDeviation: deviationBeyondChance(shares, errors / Math.max(1, spans)) },
      ]),
    ),
    edges,
  };
};

const histogramOf = ({ zeroCount, positive }: ExponentialPoint): Histogram => ({
  zero: zeroCount,
  buckets: new Map(positive.bucketCounts.flatMap((count, at) => (count > 0 ? [[positive.offset + at, count]] : []))),
});

/** Moments: the variance of shares, less what a binomial of the same mean would have. */
const deviationBeyondChance = (shares: readonly [number, number][], mean: number): number => {
  if (shares.length < 2) return 0;
  let observed = 0;
  let chance = 0;
  for (const [errors, spans] of shares) {
    observed += (errors / spans - mean) ** 2;
    chance += (mean * (1 - mean)) / spans;
  }
  return Math.sqrt(Math.max(0, (observed - chance) / (shares.length - 1)));
};
