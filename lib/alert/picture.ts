import type { Alert } from '../model/alert.ts';

/** The key of the heat map that was drawn beside an alert's report, by the names that scoring gives them; undefined without one. */
export const pictureKey = ({ annotations: { report } }: Alert): string | undefined =>
  report !== undefined && /^reports\/[\w:./-]{1,200}\/report\.html$/.test(report)
    ? report.replace(/report\.html$/, 'heat-map.png')
    : undefined;
