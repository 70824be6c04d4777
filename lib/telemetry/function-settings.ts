import { type Environment, reading } from './variables.ts';

/** What the standard variables say about a function besides its spans. */
export interface FunctionSettings {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'none';
  /** Names of `OTEL_PROPAGATORS` that are known, in their order; undefined where none is told. */
  readonly propagators: readonly string[] | undefined;
  /** One line for each value that could not be used. */
  readonly warnings: readonly string[];
}

/** The level of a function's log. `none` keeps errors: a function that fails silently helps nobody. */
export const logLevel = (env: Environment): Exclude<FunctionSettings['logLevel'], 'none'> => {
  const { logLevel: level } = readFunctionSettings(env);
  return level === 'none' ? 'error' : level;
};

/** Reads them. Never throws: what cannot be used is told, and its default holds. */
export const readFunctionSettings = (env: Environment): FunctionSettings => {
  const warnings: string[] = [];
  const read = reading(env, (warning) => warnings.push(warning));
  const level = read.choice(['OTEL_LOG_LEVEL'], levels, 'info');
  const { known, unknown } = propagatorsIn(read.text('OTEL_PROPAGATORS'));
  if (unknown.length > 0) {
    warnings.push(
      `OTEL_PROPAGATORS names ${unknown.map((word) => JSON.stringify(word)).join(', ')}; expected are ${propagators.join(', ')}. ` +
        (known.length === 0 ? 'The default, all formats, is used.' : `${known.join(', ')} is used.`),
    );
  }
  return {
    logLevel: level === 'verbose' || level === 'all' ? 'debug' : level,
    propagators: known.length === 0 ? undefined : known,
    warnings,
  };
};

const levels = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'] as const;
/** OpenTelemetry's names, and `datadog`, which it has no name for. */
const propagators = ['tracecontext', 'baggage', 'b3', 'b3multi', 'xray', 'xray-lambda', 'datadog', 'none'];

const propagatorsIn = (text = ''): { readonly known: readonly string[]; readonly unknown: readonly string[] } => {
  const told = text.split(',').map((each) => each.trim().toLowerCase());
  const known = told.filter((each) => propagators.includes(each));
  return { known, unknown: told.filter((each) => each !== '' && !propagators.includes(each)) };
};
