/**
 * Durations in base-2 exponential buckets of fixed scale 5, in seconds, as OTLP counts them: bucket i covers
 * (base^i, base^(i+1)] with base = 2^(1/32). Fixed, so that histograms merge by adding, in any order; in seconds, so that 2 s
 * is an edge and the share above it is exact.
 */
export interface Histogram {
  /** Count by bucket index. */
  readonly buckets: Map<number, number>;
  zero: number;
}

export const scale = 5;

export const histogram = (): Histogram => ({ buckets: new Map(), zero: 0 });

export const bucketOf = (seconds: number): number => {
  const exact = Math.log2(seconds) * 2 ** scale;
  const rounded = Math.round(exact);
  // A value on an edge belongs to the bucket below it; the logarithm may miss the edge by its last digits.
  return Math.abs(exact - rounded) < 1e-9 ? rounded - 1 : Math.ceil(exact) - 1;
};

export const record = (target: Histogram, seconds: number, count = 1): void => {
  if (!(seconds > 0)) target.zero += count;
  else target.buckets.set(bucketOf(seconds), (target.buckets.get(bucketOf(seconds)) ?? 0) + count);
};

/** The value below which a share of all counts lies: the upper edge of its bucket, so it errs by at most 2.2 % and never down. */
export const quantile = (source: Histogram, share: number): number => {
  const total = source.zero + [...source.buckets.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  let left = share * total - source.zero;
  if (left <= 0) return 0;
  for (const [index, count] of [...source.buckets].sort(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 1e-9) return 2 ** ((index + 1) / 2 ** scale);
  }
  return 0;
};

/** Counts per service and per octave, for a picture: exact, since octaves are whole runs of buckets. */
export interface HeatMap {
  /** Lower edges in seconds, ascending; each cell spans half an octave. */
  readonly edges: readonly number[];
  readonly rows: readonly {
    readonly service: string;
    readonly counts: readonly number[];
    readonly pathShare: number;
  }[];
}

/** Half octaves: 16 buckets each. */
const run = 2 ** (scale - 1);

export const heatMap = (
  services: ReadonlyMap<string, { readonly durations: Histogram; readonly pathShare: number }>,
): HeatMap => {
  const cells = [...services.values()].flatMap(({ durations }) =>
    [...durations.buckets.keys()].map((index) => Math.floor(index / run)),
  );
  if (cells.length === 0) return { edges: [], rows: [] };
  const low = Math.min(...cells);
  const high = Math.max(...cells);
  return {
    edges: Array.from({ length: high - low + 1 }, (_, at) => 2 ** ((low + at) / 2)),
    rows: [...services]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([service, { durations, pathShare }]) => {
        const counts = new Array<number>(high - low + 1).fill(0);
        for (const [index, count] of durations.buckets) {
          const at = Math.floor(index / run) - low;
          counts[at] = (counts[at] ?? 0) + count;
        }
        return { service, counts, pathShare };
      }),
  };
};
