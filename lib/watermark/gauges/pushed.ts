import { defineGauge } from '../gauge.ts';

/** A value that a service measured itself and sent, over its capacity where it named one. */
export const pushed = defineGauge<'pushed'>({
  name: 'pushed',
  source: 'pushed',
  unit: 'value',
  defaults: { high: 0.9, low: 0.8, severity: 'warning' },
  goneReason: undefined,
  measure: ({ gauge, series, value, capacity, at }, rule) => {
    if (gauge !== (rule.reading ?? 'pushed')) return { series: [], skipped: {} };
    const ratio = Math.max(0, value / (capacity ?? 1));
    const describe = () => ({
      used: String(value),
      ...(capacity === undefined ? {} : { basis: 'capacity', capacity: String(capacity) }),
    });
    return { series: [{ labels: series, at, value: ratio, describe }], skipped: {} };
  },
});
