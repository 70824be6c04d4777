import { otlpBackEnd } from '../adapters/otlp.ts';
import { readMetricsSettings } from '../telemetry/settings.ts';
import { otlpOptions } from './back-end.ts';
import type { MetricsTellerOptions, Tell } from './tell-metrics.ts';

/** What could not be sent is lost: the next time tells what came since. */
export const byOtlp = (options: MetricsTellerOptions): Tell => {
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
    const { metricsJson } = await import('../telemetry/metrics-otlp.ts');
    const text = metricsJson(collected, settings.resource);
    if (text === undefined) return;
    body = Buffer.from(text);
    await backEnd.export([collected], budgetMs);
  };
};
