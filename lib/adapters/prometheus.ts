import type { PrometheusConfig } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Secrets } from '../model/ports.ts';
import { requestJson } from './json-request.ts';

/** Asks one Prometheus server (or a workspace of Amazon Managed Prometheus, signed) an instant query. */
export const prometheusServer = (options: {
  readonly name: string;
  readonly config: PrometheusConfig;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}) => {
  const { name, config, secrets, clock, env } = options;
  return async (query: string): Promise<{ labels: Record<string, string>; value: number; at: number }[]> => {
    const where = `prometheus/${name}`;
    const base = config.url.startsWith('env:') ? (env[config.url.slice(4)] ?? '') : config.url;
    const url = `${base.replace(/\/+$/, '')}/api/v1/query`;
    const body = `query=${encodeURIComponent(query)}&time=${(clock() / 1000).toFixed(3)}`;
    let headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    if (config.sigv4Region !== undefined) {
      const { signedHeaders, credentialsOf } = await import('./sigv4.ts');
      const credentials = credentialsOf(env);
      if (credentials === undefined)
        throw new Failure('misconfigured', 'there are no AWS credentials in the environment', { where });
      headers = {
        ...headers,
        ...signedHeaders({
          method: 'POST',
          url,
          region: config.sigv4Region,
          service: 'aps',
          credentials,
          at: clock(),
          headers,
          body,
        }),
      };
    } else if (config.tokenSecret !== undefined) {
      headers['authorization'] = `Bearer ${(await secrets(config.tokenSecret)).trim()}`;
    }
    const answer = await requestJson({
      url,
      method: 'POST',
      headers,
      body,
      timeoutMs: config.timeoutMs ?? 10_000,
      where,
    });
    return valuesOf(answer, where);
  };
};

const valuesOf = (answer: unknown, where: string) => {
  const { status, error, data } = answer as {
    status?: string;
    error?: string;
    data?: { resultType?: string; result?: unknown };
  };
  if (status !== 'success')
    throw new Failure('unavailable', `the query failed: ${error ?? 'no reason given'}`, { where });
  const entries =
    data?.resultType === 'vector' && Array.isArray(data.result)
      ? (data.result as { metric?: Record<string, string>; value?: [number, string] }[])
      : data?.resultType === 'scalar' && Array.isArray(data.result)
        ? [{ metric: {}, value: data.result as [number, string] }]
        : undefined;
  if (entries === undefined) {
    throw new Failure(
      'bad-input',
      `the query answers a ${data?.resultType ?? 'nothing'}, an instant vector is needed`,
      { where },
    );
  }
  return entries.map(({ metric = {}, value }) => {
    if (!Array.isArray(value))
      throw new Failure('bad-input', 'native histograms have no single value to compare', { where });
    return { labels: metric, value: numberOf(value[1]), at: Math.round(value[0] * 1000) };
  });
};

const numberOf = (text: string): number =>
  text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
