/** How a backlog changes, in messages per second: least squares over its history. Undefined with fewer than two moments. */
export const backlogSlope = (
  points: readonly { readonly at: number; readonly backlog: number }[],
): number | undefined => {
  const n = points.length;
  const meanAt = points.reduce((sum, { at }) => sum + at, 0) / n;
  const mean = points.reduce((sum, { backlog }) => sum + backlog, 0) / n;
  let covariance = 0;
  let variance = 0;
  for (const { at, backlog } of points) {
    covariance += (at - meanAt) * (backlog - mean);
    variance += (at - meanAt) ** 2;
  }
  return variance === 0 || Number.isNaN(variance) ? undefined : (covariance / variance) * 1000;
};

/** Seconds until nothing is left: 0 when empty, +Infinity when growing or level. Never negative. */
export const timeToDrain = (backlog: number, slope: number): number =>
  backlog <= 0 ? 0 : slope < 0 ? backlog / -slope : Number.POSITIVE_INFINITY;

/** Seconds until the capacity is reached: 0 when it is, undefined when the backlog does not grow. */
export const timeToBreach = (backlog: number, capacity: number, slope: number): number | undefined =>
  backlog >= capacity ? 0 : slope > 0 ? (capacity - backlog) / slope : undefined;
