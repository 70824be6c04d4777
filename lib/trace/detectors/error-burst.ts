import type { Finding } from '../../model/finding.ts';
import { type Detector, exemplars } from '../detector.ts';

/** Error bursts: at least 5 errors in a window, and more than 15 % of a service's spans. */
export const errorBurst: Detector = {
  name: 'error-burst',
  detect: ({ window, services }, { errorsPerWindow = 5, errorShare = 0.15 }) =>
    [...services].flatMap(([service, { spans, errors }]): Finding[] => {
      const share = errors.length / spans.length;
      if (errors.length < errorsPerWindow || share <= errorShare) return [];
      return [
        {
          kind: 'error-burst',
          service,
          value: errors.length,
          threshold: errorsPerWindow,
          window,
          ...exemplars(errors),
          summary: `${service}: ${errors.length} of ${spans.length} spans failed (${percent(share)}, allowed ${percent(errorShare)})`,
        },
      ];
    }),
};

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
