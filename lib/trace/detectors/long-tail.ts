import type { Finding } from '../../model/finding.ts';
import { type Detector, exemplars } from '../detector.ts';
import { quantile } from '../heat-map.ts';

/** Fewer slow spans than this are no tail, whatever share they make up. */
const minSlow = 3;

/** Long tails: P95 of a service above 2 s, which is to say that more than 5 % of its spans took longer. */
export const longTail: Detector = {
  name: 'long-tail',
  detect: ({ window, services }, { p95Seconds = 2 }) =>
    [...services].flatMap(([service, { spans, durations }]): Finding[] => {
      const limit = BigInt(Math.round(p95Seconds * 1e9));
      const slow = spans
        .filter(({ startNanos, endNanos }) => endNanos - startNanos > limit)
        .sort((a, b) => Number(b.endNanos - b.startNanos - (a.endNanos - a.startNanos)));
      if (slow.length < minSlow || slow.length <= spans.length * 0.05) return [];
      const p95 = quantile(durations, 0.95);
      return [
        {
          kind: 'long-tail',
          service,
          value: p95,
          threshold: p95Seconds,
          window,
          ...exemplars(slow),
          summary: `${service}: P95 is ${p95.toFixed(2)} s (allowed ${p95Seconds} s); ${slow.length} of ${spans.length} spans took longer`,
        },
      ];
    }),
};
