import { defineGauge } from '../gauge.ts';
import { nodeUsage } from '../node-usage.ts';

/** Cpu used on a node over what it can allocate to pods. */
export const nodeCpu = defineGauge<'kubernetes'>({
  name: 'node-cpu',
  source: 'kubernetes',
  unit: 'ratio',
  defaults: { high: 0.9, low: 0.8, severity: 'warning' },
  goneReason: 'node gone',
  measure: (snapshot) => nodeUsage(snapshot, 'cpu'),
});
