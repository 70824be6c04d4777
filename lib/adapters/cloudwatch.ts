import type { CloudWatchMetric } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import type { Clock } from '../model/ports.ts';
import { requestJson } from './json-request.ts';

/**
 * The newest complete value of a CloudWatch metric, or undefined when it has none of late. By one signed GetMetricData over the
 * service's JSON protocol: the client library would add 100 ms of cold start for it.
 */
export const cloudwatchMetric = (options: {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}) => {
  const { clock, env } = options;
  return async (metric: CloudWatchMetric): Promise<{ value: number; at: number } | undefined> => {
    const where = `cloudwatch/${metric.namespace}/${metric.name}`;
    const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
    const { signedHeaders, credentialsOf } = await import('./sigv4.ts');
    const credentials = credentialsOf(env);
    if (region === undefined || credentials === undefined) {
      throw new Failure('misconfigured', 'there are no AWS Region and credentials in the environment', { where });
    }
    const at = clock();
    const period = metric.periodSeconds ?? 60;
    // Whole periods only: the sum of one that is under way is a part of it. Three of them, since the newest is often not there yet.
    const end = Math.floor(at / 1000 / period) * period;
    const body = JSON.stringify({
      StartTime: end - 3 * period,
      EndTime: end,
      ScanBy: 'TimestampDescending',
      MetricDataQueries: [
        {
          Id: 'value',
          MetricStat: {
            Metric: {
              Namespace: metric.namespace,
              MetricName: metric.name,
              Dimensions: Object.entries(metric.dimensions ?? {}).map(([Name, Value]) => ({ Name, Value })),
            },
            Period: period,
            Stat: metric.statistic ?? 'Average',
          },
        },
      ],
    });
    const url = `${env['AWS_ENDPOINT_URL_CLOUDWATCH'] ?? env['AWS_ENDPOINT_URL'] ?? `https://monitoring.${region}.amazonaws.com`}/`;
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'GraniteServiceVersion20100801.GetMetricData',
    };
    const signed = signedHeaders({
      method: 'POST',
      url,
      region,
      service: 'monitoring',
      credentials,
      at,
      headers,
      body,
    });
    const answer = await requestJson({
      url,
      method: 'POST',
      headers: { ...headers, ...signed },
      body,
      timeoutMs: 5000,
      where,
    });
    return newestOf(answer, where);
  };
};

/** The first value of GetMetricData's answer with its time in milliseconds. */
export const newestOf = (answer: unknown, where: string): { value: number; at: number } | undefined => {
  const { MetricDataResults: results } = (answer ?? {}) as { MetricDataResults?: unknown };
  if (!Array.isArray(results)) throw new Failure('unavailable', 'the answer has no MetricDataResults', { where });
  const { Values, Timestamps } = (results[0] ?? {}) as { Values?: unknown; Timestamps?: unknown };
  const [value] = Array.isArray(Values) ? (Values as unknown[]) : [];
  const [stamp] = Array.isArray(Timestamps) ? (Timestamps as unknown[]) : [];
  const at = typeof stamp === 'number' ? stamp * 1000 : typeof stamp === 'string' ? Date.parse(stamp) : Number.NaN;
  return typeof value === 'number' && Math.abs(at) <= maxMillis ? { value, at } : undefined;
};

/** The last time that a Date can be. */
const maxMillis = 8.64e15;
