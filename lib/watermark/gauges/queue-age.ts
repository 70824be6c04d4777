import { defineGauge } from '../gauge.ts';

/** Age of the oldest message over how old one may get. */
export const queueAge = defineGauge<'queue'>({
  name: 'queue-age',
  source: 'queue',
  unit: 'ratio',
  defaults: { high: 0.9, low: 0.8, severity: 'critical' },
  goneReason: undefined,
  measure: ({ name, at, oldestAgeSeconds, ageSloSeconds }) => {
    if (ageSloSeconds === undefined || ageSloSeconds <= 0)
      return { series: [], skipped: { 'no maxAgeSeconds configured': 1 } };
    const value = oldestAgeSeconds === undefined ? undefined : oldestAgeSeconds / ageSloSeconds;
    const describe = () => ({ basis: 'maxAgeSeconds', used: `${oldestAgeSeconds} s`, capacity: `${ageSloSeconds} s` });
    return { series: [{ labels: { queue: name }, at, value, describe }], skipped: {} };
  },
});
