import { findingKinds } from '../../lib/model/finding.ts';
import { numberIn, type Problem, unknownKeys } from './problem.ts';
import { checkSpanSources } from './span-sources.ts';
import { checkTraceMetrics } from './trace-metrics.ts';

/** Everything wrong with the `traces` section. */
export const checkTraces = (section: unknown): readonly Problem[] => {
  const problems = unknownKeys('traces', section, [
    'partitions',
    'thresholds',
    'sources',
    'detectors',
    'baselineWindows',
    'metrics',
  ]);
  if (typeof section !== 'object' || section === null) return problems;
  const { partitions, thresholds, sources, detectors, baselineWindows, metrics } = section as Record<string, unknown>;
  const path = 'traces.thresholds';
  const own = thresholds as Record<string, unknown> | undefined;
  return [
    ...problems,
    ...numberIn('traces.partitions', partitions, 1, 64, 'whole'),
    ...checkSpanSources('traces.sources', sources),
    ...checkTraceMetrics('traces.metrics', metrics),
    ...numberIn('traces.baselineWindows', baselineWindows, 0, 120, 'whole'),
    ...detectorsIn('traces.detectors', detectors),
    ...(thresholds === undefined
      ? []
      : [
          ...unknownKeys(path, thresholds, [
            'errorsPerWindow',
            'errorShare',
            'p95Seconds',
            'missingShare',
            'sigmas',
            'p95Factor',
            'missingCallShare',
          ]),
          ...numberIn(`${path}.errorsPerWindow`, own?.['errorsPerWindow'], 1, 1_000_000, 'whole'),
          ...numberIn(`${path}.errorShare`, own?.['errorShare'], 0, 1),
          ...numberIn(`${path}.p95Seconds`, own?.['p95Seconds'], 0.001, 3600),
          ...numberIn(`${path}.missingShare`, own?.['missingShare'], 0, 1),
          ...numberIn(`${path}.sigmas`, own?.['sigmas'], 1, 20),
          ...numberIn(`${path}.p95Factor`, own?.['p95Factor'], 1, 100),
          ...numberIn(`${path}.missingCallShare`, own?.['missingCallShare'], 0, 1),
        ]),
  ];
};

const detectorsIn = (path: string, given: unknown): readonly Problem[] => {
  const allowed = `a list of ${findingKinds.join(', ')}`;
  if (given === undefined) return [];
  if (!Array.isArray(given)) return [{ path, actual: given, allowed }];
  return given.flatMap((each, at) =>
    findingKinds.some((kind) => kind === each) ? [] : [{ path: `${path}[${at}]`, actual: each, allowed }],
  );
};
