import type { Finding } from '../../model/finding.ts';
import { type Detector, errorsPerWindow as defaultErrors, exemplars, leastSampled } from '../detector.ts';
import { countBounds, countOf, isCensus, shareOf, tally } from '../sampling.ts';

/**
 * Error bursts: at least 5 errors in a window, and more than 15 % of a service's spans; or, against a baseline, at least 5 errors and more
 * of them than chance and the service's own ups and downs explain. Of sampled spans the lower bounds must exceed the limits, and three
 * errors must have been seen, so that one kept error never looks like a hundred.
 */
export const errorBurst: Detector = {
  name: 'error-burst',
  detect: ({ window, services, usual }, { errorsPerWindow = defaultErrors, errorShare = 0.15, sigmas = 4 }) =>
    [...services].flatMap(([service, { spans, errors }]): Finding[] => {
      if (errors.length === 0) return [];
      const failed = tally(errors);
      const others = tally(difference(spans, errors));
      if (!isCensus(failed) && failed.seen < leastSampled) return [];
      if (countBounds(failed)[0] < errorsPerWindow) return [];
      const { share, lower } = shareOf(failed, others);
      const count = countOf(failed);
      const total = count + countOf(others);
      const finding = (threshold: number, why: string): Finding => ({
        kind: 'error-burst',
        service,
        value: count,
        threshold,
        window,
        ...exemplars(errors),
        summary: `${service}: ${isCensus(failed) && isCensus(others) ? '' : 'about '}${Math.round(count)} of ${Math.round(total)} spans failed (${percent(share)}, ${why})`,
      });
      if (lower > errorShare) return [finding(errorsPerWindow, `allowed ${percent(errorShare)}`)];
      const before = usual?.services.get(service);
      if (before === undefined || before.spans < leastUsual) return [];
      const mean = before.errors / before.spans;
      // Add-one, so that a service that never failed may fail once in as many spans.
      const expected = (before.errors + 1) / (before.spans + 2);
      const size = spans.length;
      const spread = Math.sqrt(
        expected * (1 - expected) * (1 / size + 1 / before.spans) + before.errorShareDeviation ** 2,
      );
      const limit = mean + sigmas * spread;
      return lower > limit && count > total * limit
        ? [finding(Math.max(errorsPerWindow, total * limit), `usually ${percent(mean)}`)]
        : [];
    }),
};

/** Spans that a baseline must hold of a service before it says what is usual. */
const leastUsual = 100;

const difference = <T>(all: readonly T[], some: readonly T[]): T[] => {
  const left = new Set(some);
  return all.filter((each) => !left.has(each));
};

const percent = (share: number): string => {
  const points = share * 100;
  return `${points < 1 && points > 0 ? points.toFixed(2) : points.toFixed(0)} %`;
};
