import type { RemoteWriteConfig, TraceMetricsConfig } from '../model/config/traces.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Http, HttpResponse, Log, Secrets, Table } from '../model/ports.ts';
import { type Family, familiesOf } from './metric-series.ts';
import { addCounts, addWindow, countsOf, type MetricCounts } from './metric-totals.ts';
import { maxSeries as defaultMaxSeries, metricLines } from './metrics.ts';
import { otlpMetricsBody } from './otlp-metrics.ts';
import { knowsOnly1, remoteWriteBody, remoteWriteHeaders, type WriteMessage } from './remote-write.ts';
import type { Score } from './score.ts';
import type { WindowClosed } from './window.ts';

export interface MetricsPorts {
  readonly config: TraceMetricsConfig;
  readonly table: Table;
  readonly clock: Clock;
  readonly http: Http;
  readonly secrets: Secrets;
  readonly log: Log;
  /** Headers that sign a request for Amazon Managed Prometheus in a region. */
  readonly sign: (
    request: { readonly url: string; readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> },
    region: string,
  ) => Promise<Readonly<Record<string, string>>>;
  readonly windowSeconds: number;
  /** @default 1 */
  readonly partitions?: number;
}

/**
 * Tells the metrics of a scored window: as log lines in CloudWatch's embedded format, and to the configured receivers as totals, or by
 * OTLP as what this window adds. A receiver that does not answer costs its own sample: totals make up for it with the next window.
 * Never rejects; a window is scored whether its metrics arrive or not.
 */
export const exportMetrics = async (window: WindowClosed, score: Score, ports: MetricsPorts): Promise<void> => {
  const { config, log, table, clock } = ports;
  const { otlp, remoteWrite, maxSeries = defaultMaxSeries } = config;
  if (config.emf !== false) {
    for (const fields of metricLines(score, Date.parse(window.windowStart), maxSeries))
      log('info', 'trace metrics', fields);
  }
  if (otlp === undefined && remoteWrite === undefined) return;
  const added = countsOf(score);
  const totals = await addWindow(window, added, { table, clock, maxSeries }).catch((thrown: unknown) => {
    log('error', 'metrics were not added up', { reason: Failure.from(thrown).message, window: window.windowStart });
    return undefined;
  });
  if (totals === undefined) return;
  const shared = (ports.partitions ?? 1) > 1 ? { partition: String(window.partition) } : {};
  const tell = (receiver: string, send: () => Promise<void>) =>
    send().catch((thrown: unknown) => {
      const { code, message } = Failure.from(thrown);
      log('error', 'metrics were not taken', { receiver, code, reason: message, window: window.windowStart });
    });
  const all = familiesOf(totals.counts, shared);
  if (remoteWrite !== undefined) {
    await tell('remoteWrite', () => write(remoteWrite, all, totals.at, ports));
  }
  // A window that is told again adds nothing; totals may be told again and again.
  if (otlp !== undefined && (totals.isNew || otlp.temporality !== 'delta')) {
    const { temporality = 'cumulative', histogram = 'exponential' } = otlp;
    const start = Date.parse(window.windowStart);
    const [families, from, to] =
      temporality === 'delta'
        ? [familiesOf(capped(added, maxSeries), shared), start, start + ports.windowSeconds * 1000]
        : [all, totals.since, totals.at];
    const body = Buffer.from(otlpMetricsBody(families, { from, to, temporality, histogram }));
    await tell('otlp', () => post(otlp, body, { 'content-type': 'application/json' }, ports));
  }
};

/** The busiest keep their names. */
const capped = (counts: MetricCounts, maxSeries: number): MetricCounts => {
  const result: MetricCounts = { services: new Map(), calls: new Map() };
  const busiest: MetricCounts = {
    services: new Map([...counts.services].sort(([, a], [, b]) => b.spans - a.spans).slice(0, maxSeries)),
    calls: new Map([...counts.calls].sort(([, a], [, b]) => b.requests - a.requests).slice(0, maxSeries)),
  };
  addCounts(result, busiest, maxSeries);
  const rest = <T>(all: ReadonlyMap<string, T>, named: ReadonlyMap<string, T>) =>
    new Map([...all].filter(([key]) => !named.has(key)));
  addCounts(
    result,
    { services: rest(counts.services, busiest.services), calls: rest(counts.calls, busiest.calls) },
    maxSeries,
  );
  return result;
};

interface Receiver {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tokenSecret?: string;
  readonly sigv4Region?: string;
  readonly timeoutMs?: number;
}

/** A receiver that does not know version 2.0 is told the same by 1.0. */
const write = async (
  receiver: RemoteWriteConfig,
  families: readonly Family[],
  at: number,
  ports: MetricsPorts,
): Promise<void> => {
  const wanted = receiver.protobufMessage ?? 'prometheus.WriteRequest';
  const send = (as: WriteMessage) =>
    request(receiver, remoteWriteBody(families, at, as), remoteWriteHeaders(as), ports);
  const answer = await send(wanted);
  const isKnown = wanted === 'prometheus.WriteRequest' || !knowsOnly1(answer.status, answer.headers);
  check(receiver, isKnown ? answer : await send('prometheus.WriteRequest'));
};

const post = async (
  receiver: Receiver,
  body: Uint8Array,
  own: Readonly<Record<string, string>>,
  ports: MetricsPorts,
): Promise<void> => check(receiver, await request(receiver, body, own, ports));

const request = async (
  { url, headers = {}, tokenSecret, sigv4Region, timeoutMs = 5000 }: Receiver,
  body: Uint8Array,
  own: Readonly<Record<string, string>>,
  { http, secrets, sign }: MetricsPorts,
): Promise<HttpResponse> => {
  const resolved: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    resolved[name.toLowerCase()] = /^(secretsmanager|ssm):/.test(value) ? (await secrets(value)).trim() : value;
  }
  if (tokenSecret !== undefined) resolved['authorization'] = `Bearer ${(await secrets(tokenSecret)).trim()}`;
  const unsigned = { ...resolved, ...own };
  const sent = sigv4Region === undefined ? unsigned : await sign({ url, body, headers: unsigned }, sigv4Region);
  return http({ method: 'POST', url, headers: sent, body, timeoutMs });
};

const check = ({ url }: Receiver, { status, body: answer }: HttpResponse): void => {
  if (status >= 200 && status < 300) return;
  const said = Buffer.from(answer).toString('utf8').replace(/\s+/g, ' ').trim().slice(0, 200);
  const code =
    status === 429
      ? 'throttled'
      : status === 401 || status === 403
        ? 'unauthorised'
        : status >= 500
          ? 'unavailable'
          : 'refused';
  throw new Failure(code, `is answered ${status}${said === '' ? '' : `: ${said}`}`, { where: new URL(url).host });
};
