import { defineGauge } from '../gauge.ts';
import { podUsage } from '../pod-usage.ts';

/** Working set of a pod's fullest container (or of the pod) over its limit; a pod at 1 is killed. */
export const podMemory = defineGauge<'kubernetes'>({
  name: 'pod-memory',
  source: 'kubernetes',
  unit: 'ratio',
  defaults: { high: 0.9, low: 0.8, severity: 'critical' },
  goneReason: 'pod gone',
  measure: (snapshot, rule) => podUsage(snapshot, 'memory', rule),
});
