import { backlogSlope, timeToDrain } from '../backlog.ts';
import { defineGauge } from '../gauge.ts';

/** Seconds until a queue is empty at its present pace; a queue that grows or stands still never is, and fires. */
export const queueDrain = defineGauge<'queue'>({
  name: 'queue-drain',
  source: 'queue',
  unit: 'seconds',
  defaults: { high: 900, low: 900, severity: 'warning' },
  goneReason: undefined,
  measure: ({ name, at, visible, history, minBacklog = 0 }) => {
    const slope = backlogSlope([...history, { at, backlog: visible }]);
    const value = visible <= minBacklog ? 0 : slope === undefined ? undefined : timeToDrain(visible, slope);
    const describe = () => ({
      basis: 'present pace',
      used: `${visible} messages`,
      trend: `${(slope ?? 0).toFixed(2)} messages/s`,
    });
    return { series: [{ labels: { queue: name }, at, value, describe }], skipped: {} };
  },
});
