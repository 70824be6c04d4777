import { defineGauge } from '../gauge.ts';

/** Any CloudWatch metric, over a capacity where one is given. */
export const cloudwatch = defineGauge<'cloudwatch'>({
  name: 'cloudwatch',
  source: 'cloudwatch',
  unit: 'value',
  defaults: { high: 0.9, low: 0.8, severity: 'warning' },
  goneReason: undefined,
  measure: (values, { metric }) => ({
    series: values.map(({ labels, value, at }) => ({
      labels,
      at,
      value: Math.max(0, value / (metric?.capacity ?? 1)),
      describe: () => ({
        basis: metric?.capacity === undefined ? 'value' : 'capacity',
        used: String(value),
        ...(metric?.capacity === undefined ? {} : { capacity: String(metric.capacity) }),
      }),
    })),
    skipped: {},
  }),
});
