import { type Problem, unknownKeys } from './problem.ts';

/** Everything wrong with the `propagation` section. */
export const checkPropagation = (section: unknown): readonly Problem[] => unknownKeys('propagation', section, []);
