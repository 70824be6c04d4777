import { defineGauge } from '../gauge.ts';

/** Messages waiting in a queue over its capacity. */
export const queueBacklog = defineGauge<'queue'>({
  name: 'queue-backlog',
  source: 'queue',
  unit: 'ratio',
  defaults: { high: 0.9, low: 0.8, severity: 'critical' },
  goneReason: undefined,
  measure: ({ name, at, visible, capacity }) => {
    if (capacity === undefined || capacity <= 0) return { series: [], skipped: { 'no capacity configured': 1 } };
    const describe = () => ({ basis: 'capacity', used: `${visible} messages`, capacity: `${capacity} messages` });
    return { series: [{ labels: { queue: name }, at, value: visible / capacity, describe }], skipped: {} };
  },
});
