/** One sample: `at` in milliseconds since the epoch. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

/** When something will be full, in seconds from the last point. */
export interface Forecast {
  /** By the median slope; undefined when it does not rise. */
  readonly seconds: number | undefined;
  /** By the steepest slope that is still likely. */
  readonly earliest: number | undefined;
  /** By the least steep one; undefined when it may well not rise at all. */
  readonly latest: number | undefined;
  /** Median slope in units per second. */
  readonly slope: number;
}

/** With fewer points a slope is guesswork. */
export const fewest = 8;
/** A value that falls by this share from one sample to the next has started anew. */
const restartDrop = 0.3;
/** A run that ended this near the capacity was full: it does not show that restarts come in time. */
const fullShare = 0.95;
/** Points that a slope is worked out from, the newest ones: older ones say little about now. */
const slopePoints = 40;
/** One-sided 95 %. */
const z = 1.645;

/**
 * Time until `capacity` is reached, by the Theil-Sen slope (the median of the slopes of all pairs, which a third of outliers does not
 * move) and Sen's confidence interval of it. What lies before a restart does not count towards the slope, nor does a repeated sample.
 * But it shows how high a run usually gets: where something restarts (or collects its garbage) in time again and again, `latest` stays
 * undefined until a run gets higher than the earlier ones did. Undefined with fewer than 8 points since the last restart. Cost:
 * 800 slopes; give it the points of some hours.
 */
export const forecast = (points: readonly Point[], capacity: number): Forecast | undefined => {
  const runs = runsOf(points);
  const run = (runs.at(-1) ?? []).slice(-slopePoints);
  if (run.length < fewest) return undefined;
  const slopes = sortedSlopes(run);
  const n = run.length;
  const spread = z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number) => slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(rank)))] ?? 0;
  const middle = (slopes.length - 1) / 2;
  // The newer half must rise too: a single step, as a deployment makes, is no trend.
  const newer = sortedSlopes(run.slice(Math.floor(n / 2)));
  const lower = Math.min(at(middle - spread / 2), newer[Math.floor((newer.length - 1) / 2)] ?? 0);
  const level = median(run.slice(-5).map(({ value }) => value));
  const until = (slope: number) => (level >= capacity ? 0 : slope > 0 ? (capacity - level) / slope : undefined);
  const slope = at(middle);
  const usual = Math.max(
    ...runs
      .slice(0, -1)
      .map(peakOf)
      .filter((peak) => peak < capacity * fullShare),
    Number.NEGATIVE_INFINITY,
  );
  const latest = level > usual ? until(lower) : undefined;
  return { seconds: until(slope), earliest: until(at(middle + spread / 2)), latest, slope };
};

/** What a range selector of Prometheus 3 takes: later than `rangeSeconds` before `now` (milliseconds), up to `now` itself. */
export const inRange = (points: readonly Point[], now: number, rangeSeconds: number): readonly Point[] =>
  points.filter(({ at }) => at > now - Math.round(rangeSeconds * 1000) && at <= now);

/**
 * Prometheus' `predict_linear`: least squares over the points, evaluated `seconds` after `now` (milliseconds), to the last bit.
 * Constant values answer themselves, fewer than two points nothing, an infinite value NaN.
 */
export const predictLinear = (points: readonly Point[], now: number, seconds: number): number | undefined => {
  const [first] = points;
  if (first === undefined || points.length < 2) return undefined;
  if (points.every(({ value }) => value === first.value)) {
    return Number.isFinite(first.value) ? first.value : Number.NaN;
  }
  const sums = { x: exactSum(), y: exactSum(), xy: exactSum(), xx: exactSum() };
  for (const { at, value } of points) {
    const x = (at - now) / 1000;
    sums.x.add(x);
    sums.y.add(value);
    sums.xy.add(x * value);
    sums.xx.add(x * x);
  }
  const n = points.length;
  const [sumX, sumY] = [sums.x.total(), sums.y.total()];
  const slope = (sums.xy.total() - (sumX * sumY) / n) / (sums.xx.total() - (sumX * sumX) / n);
  return slope * seconds + (sumY / n - (slope * sumX) / n);
};

/** A sum that carries what rounding loses (Kahan's, in Neumaier's form), as Prometheus' is. */
const exactSum = () => {
  let sum = 0;
  let lost = 0;
  return {
    add(value: number): void {
      const next = sum + value;
      if (!Number.isFinite(next)) lost = 0;
      else lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
      sum = next;
    },
    total: () => sum + lost,
  };
};

/** The points between restarts, oldest run first. */
const runsOf = (points: readonly Point[]): readonly (readonly Point[])[] => {
  const runs: Point[][] = [];
  let last: Point | undefined;
  for (const point of points) {
    if (!Number.isFinite(point.value) || (last !== undefined && point.at <= last.at)) continue;
    if (last === undefined || point.value < last.value * (1 - restartDrop)) runs.push([]);
    runs.at(-1)?.push(point);
    last = point;
  }
  return runs;
};

/** How high a run got, a single outlier apart. */
const peakOf = (run: readonly Point[]): number => {
  const sorted = run.map(({ value }) => value).sort((a, b) => b - a);
  return sorted[Math.min(1, sorted.length - 1)] ?? Number.NEGATIVE_INFINITY;
};

/** Units per second, least first. */
const sortedSlopes = (points: readonly Point[]): Float64Array => {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2);
  let next = 0;
  for (let b = 1; b < points.length; b += 1) {
    for (let a = 0; a < b; a += 1) {
      const from = points[a] as Point;
      const to = points[b] as Point;
      slopes[next] = ((to.value - from.value) / (to.at - from.at)) * 1000;
      next += 1;
    }
  }
  return slopes.sort();
};

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
};
