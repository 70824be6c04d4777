import type { PrometheusConfig } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Secrets } from '../model/ports.ts';
import { shownText } from '../model/text.ts';
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

/** The series of an instant query's answer; a scalar is one without labels. */
export const valuesOf = (
  answer: unknown,
  where: string,
): { labels: Record<string, string>; value: number; at: number }[] => {
  const { status, error, data } = recordOf(answer);
  if (status !== 'success') {
    throw new Failure('unavailable', `the query failed: ${shownText(error ?? 'no reason given')}`, { where });
  }
  const { resultType, result } = recordOf(data);
  const entries =
    resultType === 'vector' && Array.isArray(result)
      ? (result as unknown[]).map(recordOf)
      : resultType === 'scalar'
        ? [{ value: result }]
        : undefined;
  if (entries === undefined) {
    throw new Failure('bad-input', `the query answers a ${shownText(resultType)}, an instant vector is needed`, {
      where,
    });
  }
  return entries.map(({ metric, value }) => {
    const [at, text] = Array.isArray(value) ? (value as unknown[]) : [];
    if (typeof text !== 'string') {
      throw new Failure('bad-input', 'native histograms have no single value to compare', { where });
    }
    if (typeof at !== 'number' || !(Math.abs(at) <= maxSeconds))
      throw new Failure('bad-input', 'a value has no time', { where });
    const labels = Object.entries(recordOf(metric)).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    );
    return { labels: Object.fromEntries(labels), value: numberOf(text), at: Math.round(at * 1000) };
  });
};

/** The last time that a Date can be. */
const maxSeconds = 8.64e12;

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const numberOf = (text: string): number =>
  text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
