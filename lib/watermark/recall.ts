import type { Point } from './forecast.ts';

/**
 * Samples that one process has seen lately, for trends. They are kept nowhere else: a series has one stored write a transition
 * and none otherwise (ADR 0024). A new process knows no trend for its first minutes, and says so by saying nothing.
 */
export interface Recall {
  /** Adds a sample unless it repeats the last one, and answers all that is known of the series, oldest first. */
  readonly note: (series: string, point: Point) => readonly Point[];
}

/** Two hours of ticks. */
const maxPoints = 240;

/** Remembers so many series; the one that was not heard of for longest goes first. About 4 KB a series when full. */
export const recall = (maxSeries = 2000): Recall => {
  const known = new Map<string, Point[]>();
  return {
    note: (series, point) => {
      const points = known.get(series) ?? [];
      const last = points.at(-1);
      // Repeated samples are no evidence; a clock that went back ends what was known.
      if (last !== undefined && point.at < last.at) points.length = 0;
      if (last === undefined || point.at !== last.at) points.push(point);
      if (points.length > maxPoints) points.shift();
      known.delete(series);
      known.set(series, points);
      if (known.size > maxSeries) known.delete(known.keys().next().value ?? '');
      return points;
    },
  };
};
