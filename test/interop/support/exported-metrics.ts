import { encodeJson } from '../../../lib/telemetry/encode.ts';
import { familiesOf } from '../../../lib/trace/metric-series.ts';
import { otlpMetricsBody } from '../../../lib/trace/otlp-metrics.ts';
import { type WindowClosed, windowStartOf } from '../../../lib/trace/window.ts';
import { aSpan } from '../../support/a-span.ts';
import { type Peer, present, same } from '../part.ts';
import { type Deployment, deployedWindowSeconds } from './deployment.ts';
import { pause, until } from './process.ts';

/** Two servers of Prometheus, each told the same by tidemark in its own way. */
export interface Receivers {
  /** Is told by remote write. */
  readonly writtenUrl: string;
  /** Is told by OTLP. */
  readonly otlpUrl: string;
}

/**
 * Spans go in at collect-spans, and what the deployed score-traces sends by itself is asked of both servers: first a window in which all
 * is well, then one in which every other span fails and every fifth takes longer than two seconds.
 */
export const exportsItsMetrics = async (
  peer: Peer,
  deployment: Deployment,
  { writtenUrl, otlpUrl }: Receivers,
  service: string,
): Promise<void> => {
  const both = [writtenUrl, otlpUrl];
  const series = (name: string) => `${name}{service="${service}"}`;
  let burst: WindowClosed = { windowStart: '', partition: 0 };
  const areThere = async (spans: number, errors: number): Promise<void> => {
    let counts: (number | undefined)[] = [];
    await until(`both have ${spans} spans`, 30, async () => {
      counts = await Promise.all(both.map((url) => queryOne(url, series('traces_span_count_total'))));
      return counts.every((count) => count === spans);
    }).catch((thrown: unknown) => {
      const told = [`they have ${counts.join(' and ')}`, ...refusals(deployment)];
      throw new Error(`${(thrown as Error).message}; ${told.join('\n')}`);
    });
    for (const url of both) same(await queryOne(url, series('traces_span_error_total')), errors, `errors at ${url}`);
  };

  await peer.holds(
    'is told counters by score-traces itself, by remote write and by OTLP: zero errors first',
    async () => {
      await send(deployment, service, { millis: quick, fails: () => false });
      await areThere(20, 0);
    },
  );
  await peer.holds('is told the next window as totals, exactly, in either way', async () => {
    // Spans are of the window that they start in: those of three seconds too have to start after the first.
    await pause(5000);
    burst = await send(deployment, service, { millis: mixed, fails: (index) => index % 2 === 0 });
    await areThere(40, 10);
  });
  await peer.holds('gives the series the names that the rules ask for, and no others, in either way', async () => {
    const native = ['traces_span_count_total', 'traces_span_duration_seconds', 'traces_span_error_total'];
    const classic = ['bucket', 'count', 'sum'].map((suffix) => `traces_span_duration_seconds_${suffix}`);
    same(await namesOf(otlpUrl, service), native, 'names by OTLP');
    same(await namesOf(writtenUrl, service), [...native, ...classic].sort(), 'names by remote write');
  });
  await peer.holds('counts durations in classic buckets exactly, and draws P95 from them', async () => {
    const below = { '0.00390625': 0, '0.0078125': 30, '0.0625': 30, '0.125': 36, '2': 36, '4': 40, '+Inf': 40 };
    for (const [le, count] of Object.entries(below)) {
      const bucket = `traces_span_duration_seconds_bucket{service="${service}",le="${le}"}`;
      same(await queryOne(writtenUrl, bucket), count, `spans up to ${le} s`);
    }
    same(await queryOne(writtenUrl, series('traces_span_duration_seconds_count')), 40, 'count');
    // Rank 38 of 40 is half way between the 36 up to 2 s and the 40 up to 4 s.
    same(await queryOne(writtenUrl, `histogram_quantile(0.95, ${series('traces_span_duration_seconds_bucket')})`), 3);
  });
  await peer.holds('keeps native histograms of either way, with the same count, sum and quantiles', async () => {
    const histogram = series('traces_span_duration_seconds');
    const sums = await Promise.all(both.map((url) => queryOne(url, `histogram_sum(${histogram})`)));
    same(sums[1], sums[0], 'sum by OTLP and by remote write');
    same(sums[0], await queryOne(writtenUrl, series('traces_span_duration_seconds_sum')), 'sum of the classic one');
    // Sums are told by the middles of buckets.
    isNear(sums[0], seconds([...quick, ...mixed]), 0.01, 'sum');
    for (const url of both) {
      same(await queryOne(url, `histogram_count(${histogram})`), 40, `count at ${url}`);
      same(await queryOne(url, `histogram_fraction(0, 2, ${histogram})`), 0.9, `share up to 2 s at ${url}`);
      // Two thirds into the bucket of 5 ms, which is (2^(-62/8), 2^(-61/8)], and half way into that of 3 s, (2^(12/8), 2^(13/8)].
      isNear(await queryOne(url, `histogram_quantile(0.5, ${histogram})`), 2 ** ((-62 + 2 / 3) / 8), 1e-9, 'median');
      isNear(await queryOne(url, `histogram_quantile(0.95, ${histogram})`), 2 ** ((12 + 1 / 2) / 8), 1e-9, 'P95');
    }
  });
  await peer.holds('fires TraceErrorBurst by ops/prometheus/trace-rules.yml as it is, in either way', () =>
    until('both fire', 45, async () => {
      const alert = `ALERTS{alertname="TraceErrorBurst",service="${service}",alertstate="firing"}`;
      return (await Promise.all(both.map((url) => queryOne(url, alert)))).every((firing) => firing === 1);
    }),
  );
  await peer.holds(
    'records by them the share of spans above 2 s, from classic buckets and from native ones',
    async () => {
      const share = series('service:traces_span_slow_share:ratio5m');
      for (const url of both) {
        await until('it is recorded', 20, async () => (await queryOne(url, share)) !== undefined);
        isNear(await queryOne(url, share), 0.2, 1e-9, `share at ${url}`);
      }
    },
  );
  await peer.holds('counts a window once that is told twice', async () => {
    const before = told(deployment, service);
    await closeAgain(deployment, burst);
    await until('it is told again', 20, () => told(deployment, service) > before);
    await areThere(40, 10);
  });
  await peer.holds('finds the edges of explicit buckets, as OTLP can send them too, where the rules look', async () => {
    await sendExplicit(otlpUrl);
    const of = `service="${explicitService}"`;
    const below = `traces_span_duration_seconds_bucket{${of},le=~"2([.]0)?"}`;
    await until('it is there', 10, async () => (await queryOne(otlpUrl, below)) === 36);
    same(await queryOne(otlpUrl, `histogram_quantile(0.95, traces_span_duration_seconds_bucket{${of}})`), 3, 'P95');
  });
  await peer.holds('refuses nothing that score-traces sends', () => same(refusals(deployment), [], 'refused'));
};

/** Milliseconds that the spans of a window take. */
const quick: readonly number[] = new Array<number>(20).fill(5);
const mixed: readonly number[] = [
  ...quick.slice(0, 10),
  ...new Array<number>(6).fill(100),
  ...new Array<number>(4).fill(3000),
];

const seconds = (millis: readonly number[]): number => millis.reduce((sum, each) => sum + each / 1000, 0);

const send = async (
  { otlpUrl, otlpHeaders }: Deployment,
  service: string,
  { millis, fails }: { readonly millis: readonly number[]; readonly fails: (index: number) => boolean },
): Promise<WindowClosed> => {
  const at = Date.now() - Math.max(...millis);
  const ids = at.toString(16);
  const spans = millis.map((each, index) =>
    aSpan({
      traceId: `${ids}${index.toString(16).padStart(2, '0')}`.padStart(32, 'd'),
      spanId: `${ids}${index.toString(16).padStart(2, '0')}`.padStart(16, 'e'),
      service,
      name: 'charge',
      startNanos: BigInt(at) * 1_000_000n,
      endNanos: BigInt(at + each) * 1_000_000n,
      status: fails(index) ? 2 : 0,
    }),
  );
  const headers = { ...otlpHeaders, 'content-type': 'application/json' };
  const answer = await fetch(otlpUrl, { method: 'POST', headers, body: encodeJson(spans) });
  same(answer.status, 200, 'status of the answer of collect-spans');
  return { windowStart: windowStartOf(BigInt(at) * 1_000_000n, deployedWindowSeconds), partition: 0 };
};

/** What SQS does to a message whose deletion was lost. */
const closeAgain = async ({ cloud }: Deployment, window: WindowClosed): Promise<void> => {
  const name = present(
    cloud.functions.find((each) => /score-?traces/i.test(each)),
    `score-traces among ${cloud.functions.join(', ')}`,
  );
  const record = { messageId: 'again', eventSource: 'aws:sqs', body: JSON.stringify(window), attributes: {} };
  const outcome = await cloud.invoke(name, JSON.stringify({ Records: [{ ...record, messageAttributes: {} }] }));
  same(outcome.ok, true, 'success of score-traces');
};

/** How often score-traces has told the metrics of a service; its log lines are of the same call that sends them. */
const told = ({ lines }: Deployment, service: string): number =>
  lines.filter((line) => line.includes('"trace metrics"') && line.includes(service)).length;

const explicitService = 'interop-explicit';

/** The encoder by itself: the deployment sends exponential histograms, as is the default. */
const sendExplicit = async (url: string): Promise<void> => {
  const buckets = new Map([
    [-62, 30],
    [-27, 6],
    [12, 4],
  ]);
  const counts = { spans: 40, errors: 0, seconds: 12.75, zero: 0, buckets };
  const families = familiesOf({ services: new Map([[explicitService, counts]]), calls: new Map() });
  const now = Date.now();
  const answer = await fetch(`${url}/api/v1/otlp/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: otlpMetricsBody(families, { from: now - 1000, to: now, temporality: 'cumulative', histogram: 'explicit' }),
  });
  same(answer.status, 200, 'status of the answer to explicit buckets');
};

/** What score-traces says of receivers that did not take its metrics. */
const refusals = ({ lines }: Deployment): string[] =>
  lines.filter((line) => line.includes('metrics were not taken') || line.includes('metrics were not added up'));

const queryOne = async (url: string, query: string): Promise<number | undefined> => {
  const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
  const { data } = (await answer.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
  const value = data.result[0]?.value;
  return value === undefined ? undefined : Number(value[1]);
};

/** Names that tidemark sent, not those that rules record. */
const namesOf = async (url: string, service: string): Promise<string[]> => {
  const match = `{service="${service}",__name__=~"traces_.*"}`;
  const answer = await fetch(`${url}/api/v1/label/__name__/values?${new URLSearchParams({ 'match[]': match })}`);
  return ((await answer.json()) as { data: string[] }).data.sort();
};

const isNear = (actual: number | undefined, expected: number, share: number, what: string): void => {
  if (actual === undefined || !(Math.abs(actual - expected) <= share * expected))
    throw new Error(`${what} is ${actual}, not ${expected} to within ${share} of it`);
};
