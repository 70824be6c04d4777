import { otlpBackEnd } from '../adapters/otlp.ts';
import type { TelemetryConfig } from '../model/config/telemetry.ts';
import type { Clock, Log, Random } from '../model/ports.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { readMetricsSettings, type Settings } from '../telemetry/settings.ts';
import type { Environment } from '../telemetry/variables.ts';
import { otlpOptions } from './back-end.ts';

export interface MetricsTellerOptions {
  readonly name: string;
  readonly config?: TelemetryConfig | undefined;
  readonly env: Environment;
  readonly settings: Settings;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Not after every invocation of a busy function, whose lines would outweigh its work: what comes within this time is told together. A
 * sandbox that is taken away takes at most so much along.
 */
const everyMs = 10_000;

/** Tells what was measured, as `telemetry.metrics` says: embedded in the log, or by OTLP. Never rejects. */
export const metricsTeller = (options: MetricsTellerOptions): ((budgetMs: number) => Promise<void>) => {
  const { config = {}, metrics, clock } = options;
  const { metrics: how = 'emf' } = config;
  if (how === 'none') return async () => undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = how === 'emf' ? embedded(options) : byOtlp(options);
  return async (budgetMs) => {
    if (clock() - toldAt < everyMs) return;
    toldAt = clock();
    await tell(metrics.collect(), Math.max(1, budgetMs));
  };
};

type Tell = (collected: ReturnType<Metrics['collect']>, budgetMs: number) => Promise<void>;

const embedded = ({ name, log }: MetricsTellerOptions): Tell => {
  return async (collected) => {
    const { emfFields } = await import('#tidemark.metrics-emf');
    for (const line of emfFields(collected, { dimensions: { function: name } })) log('info', 'metrics', line);
  };
};

/** What could not be sent is lost: the next time tells what came since. */
const byOtlp = (options: MetricsTellerOptions): Tell => {
  const { env, settings, log } = options;
  const { otlp, warnings } = readMetricsSettings(env);
  for (const warning of warnings) if (!settings.warnings.includes(warning)) log('warn', warning);
  let body = Buffer.alloc(0);
  const backEnd = otlpBackEnd<unknown>({
    ...otlpOptions('metrics', otlp, options),
    what: 'metrics',
    encode: () => body,
  });
  return async (collected, budgetMs) => {
    const { metricsJson } = await import('#tidemark.metrics-otlp');
    const text = metricsJson(collected, settings.resource);
    if (text === undefined) return;
    body = Buffer.from(text);
    await backEnd.export([collected], budgetMs);
  };
};
