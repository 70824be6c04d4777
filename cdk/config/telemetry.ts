import { type Problem, unknownKeys } from './problem.ts';

/** Everything wrong with the `telemetry` section. */
export const checkTelemetry = (section: unknown): readonly Problem[] => unknownKeys('telemetry', section, []);
