import { backlogSlope, timeToBreach } from '../backlog.ts';
import { defineGauge } from '../gauge.ts';

/** How near a growing queue is to its capacity: the horizon over the time until it is full, so 1 is full at the horizon. */
export const queueBreach = defineGauge<'queue'>({
  name: 'queue-breach',
  source: 'queue',
  unit: 'value',
  defaults: { high: 1, low: 0.5, severity: 'warning' },
  goneReason: undefined,
  measure: ({ name, at, visible, capacity, history }, { horizonSeconds = 900 }) => {
    if (capacity === undefined || capacity <= 0) return { series: [], skipped: { 'no capacity configured': 1 } };
    const slope = backlogSlope([...history, { at, backlog: visible }]);
    const seconds = slope === undefined ? undefined : timeToBreach(visible, capacity, slope);
    const value = slope === undefined ? undefined : seconds === undefined ? 0 : horizonSeconds / seconds;
    const describe = () => ({
      basis: 'capacity',
      used: `${visible} messages`,
      capacity: `${capacity} messages`,
      trend: `${(slope ?? 0).toFixed(2)} messages/s`,
      time_to_full: seconds === undefined ? 'never at this pace' : `${Math.round(seconds)} s`,
    });
    return { series: [{ labels: { queue: name }, at, value, describe }], skipped: {} };
  },
});
