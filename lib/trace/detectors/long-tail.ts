import type { Finding } from '../../model/finding.ts';
import type { Span } from '../../model/span.ts';
import { type Detector, exemplars } from '../detector.ts';
import { quantile } from '../heat-map.ts';
import { isCensus, shareOf, tally } from '../sampling.ts';

/** Fewer slow spans than this are no tail, whatever share they make up. */
const minSlow = 3;
/** The share of spans that may be slower: what P95 means. */
const tail = 0.05;

/**
 * Long tails: P95 of a service above 2 s, which is to say that more than 5 % of its spans took longer; or, against a baseline, P95 above
 * one and a half times the usual one, by more than chance. Of sampled spans the lower bound of the share must exceed 5 %.
 */
export const longTail: Detector = {
  name: 'long-tail',
  detect: ({ window, services, usual }, { p95Seconds = 2, p95Factor = 1.5, sigmas = 4 }) =>
    [...services].flatMap(([service, { spans, durations }]): Finding[] => {
      const slower = (seconds: number) => {
        const limit = BigInt(Math.round(seconds * 1e9));
        const slow = spans.filter(({ startNanos, endNanos }) => endNanos - startNanos > limit);
        const quick = spans.filter(({ startNanos, endNanos }) => endNanos - startNanos <= limit);
        return { slow, ...shareOf(tally(slow), tally(quick)) };
      };
      const p95 = quantile(durations, 1 - tail);
      const finding = (slow: readonly Span[], limit: number, why: string): Finding => {
        const longest = [...slow].sort((a, b) => Number(b.endNanos - b.startNanos - (a.endNanos - a.startNanos)));
        return {
          kind: 'long-tail',
          service,
          value: p95,
          threshold: limit,
          window,
          ...exemplars(longest),
          summary: `${service}: P95 is ${inWords(p95)} (${why}); ${slow.length} of ${spans.length} ${isCensus(tally(spans)) ? 'spans' : 'kept spans'} took longer`,
        };
      };
      const fixed = slower(p95Seconds);
      if (fixed.slow.length >= minSlow && fixed.lower > tail) {
        return [finding(fixed.slow, p95Seconds, `allowed ${inWords(p95Seconds)}`)];
      }
      const before = usual?.services.get(service);
      if (before === undefined || before.spans < leastUsual || p95 === 0) return [];
      const usually = quantile(before.durations, 1 - tail);
      const limit = usually * p95Factor;
      const { slow, lower } = slower(limit);
      const chance = tail + sigmas * Math.sqrt((tail * (1 - tail)) / spans.length);
      return slow.length >= minSlow && lower > chance && p95 > limit
        ? [finding(slow, limit, `usually ${inWords(usually)}`)]
        : [];
    }),
};

/** Spans that a baseline must hold of a service before it says what is usual. */
const leastUsual = 100;

const inWords = (seconds: number): string =>
  seconds >= 0.1 ? `${seconds.toFixed(2)} s` : `${(seconds * 1000).toFixed(seconds >= 0.001 ? 1 : 3)} ms`;
