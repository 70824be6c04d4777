import { type Problem, unknownKeys } from './problem.ts';

/** Everything wrong with the `alerts` section. */
export const checkAlerts = (section: unknown): readonly Problem[] => unknownKeys('alerts', section, []);
