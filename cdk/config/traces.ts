import { type Problem, unknownKeys } from './problem.ts';

/** Everything wrong with the `traces` section. */
export const checkTraces = (section: unknown): readonly Problem[] => unknownKeys('traces', section, []);
