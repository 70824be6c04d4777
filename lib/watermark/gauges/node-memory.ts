import { defineGauge } from '../gauge.ts';
import { nodeUsage } from '../node-usage.ts';

/** Memory used on a node over what it can allocate to pods. */
export const nodeMemory = defineGauge<'kubernetes'>({
  name: 'node-memory',
  source: 'kubernetes',
  unit: 'ratio',
  defaults: { high: 0.9, low: 0.8, severity: 'warning' },
  goneReason: 'node gone',
  measure: (snapshot) => nodeUsage(snapshot, 'memory'),
});
