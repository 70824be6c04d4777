import { numberIn, type Problem, unknownKeys } from './problem.ts';
import { checkSpanSources } from './span-sources.ts';

/** Everything wrong with the `traces` section. */
export const checkTraces = (section: unknown): readonly Problem[] => {
  const problems = unknownKeys('traces', section, ['partitions', 'thresholds', 'sources']);
  if (typeof section !== 'object' || section === null) return problems;
  const { partitions, thresholds, sources } = section as Record<string, unknown>;
  const path = 'traces.thresholds';
  const own = thresholds as Record<string, unknown> | undefined;
  return [
    ...problems,
    ...numberIn('traces.partitions', partitions, 1, 64, 'whole'),
    ...checkSpanSources('traces.sources', sources),
    ...(thresholds === undefined
      ? []
      : [
          ...unknownKeys(path, thresholds, ['errorsPerWindow', 'errorShare', 'p95Seconds', 'missingShare']),
          ...numberIn(`${path}.errorsPerWindow`, own?.['errorsPerWindow'], 1, 1_000_000, 'whole'),
          ...numberIn(`${path}.errorShare`, own?.['errorShare'], 0, 1),
          ...numberIn(`${path}.p95Seconds`, own?.['p95Seconds'], 0.001, 3600),
          ...numberIn(`${path}.missingShare`, own?.['missingShare'], 0, 1),
        ]),
  ];
};
