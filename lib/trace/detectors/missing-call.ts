import type { Finding } from '../../model/finding.ts';
import { type Detector, exemplars } from '../detector.ts';

/** Expected calls below which nothing is said: calls come in bunches, one trace making many, so that ten missing ones may be one trace. */
const leastExpected = 30;

/**
 * Missing calls: a service works as it usually does, and hardly ever calls one that it usually calls: less than a tenth of what its spans
 * would have it. Calls that are made and have no other side are broken chains, not missing calls.
 */
export const missingCall: Detector = {
  name: 'missing-call',
  detect: ({ window, calls, services, usual }, { missingCallShare = 0.9 }) => {
    if (usual === undefined) return [];
    return [...usual.edges].flatMap(([key, { from, to, calls: usually }]): Finding[] => {
      const before = usual.services.get(from);
      const now = services.get(from);
      if (before === undefined || now === undefined) return [];
      const expected = (usually / before.spans) * now.count;
      if (expected < leastExpected) return [];
      const share = 1 - (calls.get(key)?.count ?? 0) / expected;
      if (share <= missingCallShare) return [];
      return [
        {
          kind: 'missing-call',
          service: from,
          value: share,
          threshold: missingCallShare,
          window,
          ...exemplars(now.spans),
          summary: `${from} hardly calls ${to} any more: ${Math.round(expected * (1 - share))} times, where ${Math.round(expected)} are usual for its work`,
        },
      ];
    });
  },
};
