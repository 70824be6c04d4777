import type { Finding } from '../../model/finding.ts';
import { type Detector, exemplars } from '../detector.ts';

/** Calls that would have been expected in the baseline at the rate of now. They come in bunches, so that ten may be of one trace. */
const leastExpected = 30;
const leastCalls = 3;

/** New call paths: a service calls one that it never called in the baseline, often enough that it would have been seen there. */
export const newCall: Detector = {
  name: 'new-call',
  detect: ({ window, calls, services, usual }) => {
    if (usual === undefined) return [];
    return [...calls].flatMap(([key, { from, to, count, spans }]): Finding[] => {
      const before = usual.services.get(from);
      const now = services.get(from);
      if (before === undefined || now === undefined || usual.edges.has(key) || spans.length < leastCalls) return [];
      if ((count / now.count) * before.spans < leastExpected) return [];
      return [
        {
          kind: 'new-call',
          service: from,
          value: count,
          threshold: 0,
          window,
          ...exemplars(spans),
          summary: `${from} calls ${to}, which it did not before: ${Math.round(count)} times${usual.services.has(to) ? '' : `; ${to} is new`}`,
        },
      ];
    });
  },
};
