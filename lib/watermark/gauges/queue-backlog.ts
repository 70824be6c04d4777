import { forecast } from '../forecast.ts';
import { timeToFull, unknownTrend } from '../forecast-words.ts';
import { defineGauge } from '../gauge.ts';

/** Messages waiting in a queue over its capacity. */
export const queueBacklog = defineGauge<'queue'>({
  name: 'queue-backlog',
  source: 'queue',
  unit: 'ratio',
  defaults: { high: 0.9, low: 0.8, severity: 'critical' },
  goneReason: undefined,
  measure: ({ name, at, visible, capacity, history }) => {
    if (capacity === undefined || capacity <= 0) return { series: [], skipped: { 'no capacity configured': 1 } };
    const describe = () => {
      const points = [...history, { at, backlog: visible }].map((point) => ({ at: point.at, value: point.backlog }));
      const seen = forecast(points, capacity);
      return {
        basis: 'capacity',
        used: `${visible} messages`,
        capacity: `${capacity} messages`,
        ...(seen === undefined
          ? { trend: unknownTrend(points.length) }
          : { trend: `${seen.slope.toFixed(2)} messages/s`, time_to_full: timeToFull(seen) }),
      };
    };
    return { series: [{ labels: { queue: name }, at, value: visible / capacity, describe }], skipped: {} };
  },
});
