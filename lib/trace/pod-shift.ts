/** One metric of one pod (memory, CPU, network), in any unit: readings of a usual time, and of the time in question. */
export interface PodSeries {
  readonly service: string;
  readonly usual: readonly number[];
  readonly now: readonly number[];
}

/** Readings that either side needs at least. */
const leastReadings = 3;
/** Least spread, as a share of the mean: a flat line is not to make every ripple a shift. */
const leastSpread = 0.05;
/** Standard deviations up to which nothing is meant, and from which on more does not mean more. */
const [quietSigmas, loudSigmas] = [4, 24];

/**
 * How far the pods of services are from their usual, 0 to 1: plain n-sigma of the mean, of the metric and pod that moved most, in either
 * direction, since a throttled or starved pod uses less.
 */
export const podShifts = (series: readonly PodSeries[]): ReadonlyMap<string, number> => {
  const shifts = new Map<string, number>();
  for (const { service, usual, now } of series) {
    if (Math.min(usual.length, now.length) < leastReadings) continue;
    const before = mean(usual);
    const spread = Math.sqrt(mean(usual.map((each) => (each - before) ** 2)));
    const scale = Math.max(spread, leastSpread * Math.abs(before), Number.MIN_VALUE);
    const sigmas = Math.abs(mean(now) - before) / scale;
    const shift = Math.min(1, Math.max(0, (sigmas - quietSigmas) / (loudSigmas - quietSigmas)));
    shifts.set(service, Math.max(shifts.get(service) ?? 0, shift));
  }
  return shifts;
};

const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
