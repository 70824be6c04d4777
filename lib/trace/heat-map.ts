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

/** Adds what another histogram counted; in any order, the sum is the same. */
export const merge = (target: Histogram, other: Histogram): void => {
  target.zero += other.zero;
  for (const [index, count] of other.buckets) target.buckets.set(index, (target.buckets.get(index) ?? 0) + count);
};

/** As the data point of an OTLP exponential histogram: counts from the bucket `offset` on, without gaps. */
export interface ExponentialPoint {
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: { readonly offset: number; readonly bucketCounts: readonly number[] };
}

/** The same in wider buckets: each step down of the scale joins two. Powers of two stay edges. */
export const coarser = ({ buckets, zero }: Histogram, wanted: number): Histogram => {
  const wide = histogram();
  wide.zero = zero;
  for (const [index, count] of buckets) {
    const at = Math.floor(index / 2 ** (scale - wanted));
    wide.buckets.set(at, (wide.buckets.get(at) ?? 0) + count);
  }
  return wide;
};

export const pointOf = ({ buckets, zero }: Histogram, of = scale): ExponentialPoint => {
  const indices = [...buckets.keys()];
  if (indices.length === 0) return { scale: of, zeroCount: zero, positive: { offset: 0, bucketCounts: [] } };
  const low = indices.reduce((least, each) => Math.min(least, each));
  const high = indices.reduce((most, each) => Math.max(most, each));
  return {
    scale: of,
    zeroCount: Math.round(zero),
    positive: {
      offset: low,
      // Spans that were sampled stand for fractions of spans.
      bucketCounts: Array.from({ length: high - low + 1 }, (_, at) => Math.round(buckets.get(low + at) ?? 0)),
    },
  };
};

/** A span that stands for a cell. */
export interface CellExemplar {
  readonly traceId: string;
  readonly spanId: string;
}

/** Services by duration in half octaves: exact, since a column is a whole run of buckets. Zero durations are in no column. */
export interface HeatMap {
  /** Lower edges in seconds, ascending; each cell spans half an octave. */
  readonly edges: readonly number[];
  readonly rows: readonly {
    readonly service: string;
    readonly counts: readonly number[];
    /** The service's share of the work on critical paths; over all services they add up to 1. */
    readonly pathShare: number;
    /** The same by column: what spans of that duration have of it. */
    readonly pathShares?: readonly number[];
    /** The longest span of each cell; null for an empty one. */
    readonly exemplars?: readonly (CellExemplar | null)[];
  }[];
}

/** Half octaves: 16 buckets each. */
const run = 2 ** (scale - 1);

/** The column, from 1 s as 0, that a bucket lies in. */
export const columnOf = (bucket: number): number => Math.floor(bucket / run);

export interface HeatMapService {
  readonly durations: Histogram;
  readonly pathShare: number;
  /** By column. */
  readonly pathShares?: ReadonlyMap<number, number>;
  readonly exemplars?: ReadonlyMap<number, CellExemplar>;
}

export const heatMap = (services: ReadonlyMap<string, HeatMapService>): HeatMap => {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { durations } of services.values()) {
    for (const index of durations.buckets.keys()) {
      low = Math.min(low, columnOf(index));
      high = Math.max(high, columnOf(index));
    }
  }
  if (low > high) return { edges: [], rows: [] };
  const width = high - low + 1;
  return {
    edges: Array.from({ length: width }, (_, at) => 2 ** ((low + at) / 2)),
    rows: [...services]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([service, { durations, pathShare, pathShares, exemplars }]) => {
        const counts = new Array<number>(width).fill(0);
        for (const [index, count] of durations.buckets) {
          const at = columnOf(index) - low;
          counts[at] = (counts[at] ?? 0) + count;
        }
        return {
          service,
          counts: counts.map(Math.round),
          pathShare,
          ...(pathShares === undefined ? {} : { pathShares: counts.map((_, at) => pathShares.get(low + at) ?? 0) }),
          ...(exemplars === undefined ? {} : { exemplars: counts.map((_, at) => exemplars.get(low + at) ?? null) }),
        };
      }),
  };
};
