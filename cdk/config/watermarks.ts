import { numberIn, type Problem, unknownKeys } from './problem.ts';
import { each, isRecord } from './values.ts';
import { checkRule } from './watermark-rule.ts';
import { checkSources } from './watermark-sources.ts';

const keys = ['rules', 'clusters', 'queues', 'prometheus', 'blindAfterSeconds', 'outageSeconds', 'maxSeries'];

/** Everything wrong with the `watermarks` section. */
export const checkWatermarks = (section: unknown): readonly Problem[] => {
  const path = 'watermarks';
  const problems = unknownKeys(path, section, keys);
  if (!isRecord(section)) return problems;
  return [
    ...problems,
    ...numberIn(`${path}.blindAfterSeconds`, section['blindAfterSeconds'], 0, 86_400),
    ...numberIn(`${path}.outageSeconds`, section['outageSeconds'], 1, 86_400),
    ...numberIn(`${path}.maxSeries`, section['maxSeries'], 1, 1_000_000, 'whole'),
    ...checkSources(path, section),
    ...each(`${path}.rules`, section['rules'], (at, rule, name) => checkRule(at, rule, name, section)),
  ];
};
