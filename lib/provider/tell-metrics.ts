import { embedded } from '#tidemark.tell-emf';
import { byOtlp } from '#tidemark.tell-otlp';
import type { TelemetryConfig } from '../model/config/telemetry.ts';
import type { Clock, Log, Random } from '../model/ports.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Settings } from '../telemetry/settings.ts';
import type { Environment } from '../telemetry/variables.ts';

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

export type Tell = (collected: ReturnType<Metrics['collect']>, budgetMs: number) => Promise<void>;
