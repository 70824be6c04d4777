import { type Problem, unknownKeys } from './problem.ts';

/** Everything wrong with the `watermarks` section. */
export const checkWatermarks = (section: unknown): readonly Problem[] => unknownKeys('watermarks', section, []);
