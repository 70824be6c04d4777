import { defineGauge } from '../gauge.ts';
import { podUsage } from '../pod-usage.ts';

/** Cpu of a pod's fullest container (or of the pod) over its limit; at 1 it is slowed down, not killed. */
export const podCpu = defineGauge<'kubernetes'>({
  name: 'pod-cpu',
  source: 'kubernetes',
  unit: 'ratio',
  defaults: { high: 0.9, low: 0.8, severity: 'warning' },
  goneReason: 'pod gone',
  measure: (snapshot, rule) => podUsage(snapshot, 'cpu', rule),
});
