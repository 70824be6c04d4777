import type { Config } from '../lib/model/config.ts';
import { Failure } from '../lib/model/failure.ts';
import { checkAlerts } from './config/alerts.ts';
import { inWords, type Problem } from './config/problem.ts';
import { checkPropagation } from './config/propagation.ts';
import { checkSampledQueue, checkTelemetry } from './config/telemetry.ts';
import { checkTraces } from './config/traces.ts';
import { checkWatermarks } from './config/watermarks.ts';

const sections: Readonly<Record<keyof Config, (section: unknown) => readonly Problem[]>> = {
  propagation: checkPropagation,
  watermarks: checkWatermarks,
  alerts: checkAlerts,
  traces: checkTraces,
  telemetry: checkTelemetry,
};

/** Everything wrong with a configuration, at once. */
export const problemsOf = (config: unknown): readonly Problem[] => {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return [{ path: 'config', actual: config, allowed: 'what defineConfig({ … }) answers is expected' }];
  }
  const known = Object.keys(sections).join(', ');
  return [
    ...Object.entries(config).flatMap(([name, section]) => {
      if (!Object.hasOwn(sections, name))
        return [{ path: name, actual: section, allowed: `no such section; there are ${known}` }];
      return section === undefined ? [] : sections[name as keyof Config](section);
    }),
    ...checkSampledQueue(config),
  ];
};

/** The configuration, or one Failure that lists every problem. Runs at synth, never in a function. */
export const validated = (config: unknown): Config => {
  const problems = problemsOf(config);
  if (problems.length === 0) return config as Config;
  throw new Failure(
    'misconfigured',
    `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in tidemark.config.ts\n${problems.map((problem) => `  ${inWords(problem)}`).join('\n')}`,
  );
};
