import { otlpBackEnd } from '../adapters/otlp.ts';
import { readMetricsSettings } from '../telemetry/settings.ts';
import { otlpOptions } from './back-end.ts';
import type { MetricsTellerOptions, Tell } from './tell-metrics.ts';

/** What could not be sent is lost: the next time tells what came since. */
export const byOtlp = (options: MetricsTellerOptions): Tell => {
  const { env, settings, log } = options;
  const { otlp, warnings } = readMetricsSettings(env);
  for (const warning of warnings) if (!settings.warnings.includes(warning)) log('warn', warning);
  let body: Buffer = Buffer.alloc(0);
  const backEnd = otlpBackEnd<unknown>({
    ...otlpOptions('metrics', otlp, options),
    what: 'metrics',
    encode: () => body,
  });
  return async (collected, budgetMs) => {
    const { metricsRequest } = await import('../telemetry/metrics-otlp.ts');
    const request = metricsRequest(collected, settings.resource);
    if (request === undefined) return;
    const { metricsProtobuf } = await import('../telemetry/metrics-protobuf.ts');
    body = otlp.encoding === 'json' ? Buffer.from(JSON.stringify(request)) : metricsProtobuf(request);
    await backEnd.export([collected], budgetMs);
  };
};
