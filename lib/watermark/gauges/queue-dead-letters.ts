import { defineGauge } from '../gauge.ts';

/** Messages in a dead-letter queue; any at all fires. */
export const queueDeadLetters = defineGauge<'queue'>({
  name: 'queue-dead-letters',
  source: 'queue',
  unit: 'messages',
  defaults: { high: 0, low: 0, severity: 'critical' },
  goneReason: undefined,
  measure: ({ name, at, visible, inFlight, delayed }) => {
    const value = visible + inFlight + delayed;
    const describe = () => ({ basis: 'any message', used: `${value} messages` });
    return { series: [{ labels: { queue: name }, at, value, describe }], skipped: {} };
  },
});
