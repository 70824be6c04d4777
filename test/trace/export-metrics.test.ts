import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { plainHttp } from '../../lib/adapters/http.ts';
import type { TraceMetricsConfig } from '../../lib/model/config/traces.ts';
import { exportMetrics } from '../../lib/trace/export-metrics.ts';
import { classicCounts, classicEdges, familiesOf } from '../../lib/trace/metric-series.ts';
import { addCounts, addWindow, countsOf, type MetricCounts } from '../../lib/trace/metric-totals.ts';
import { overflow } from '../../lib/trace/metrics.ts';
import { remoteWriteBody } from '../../lib/trace/remote-write.ts';
import { type Score, score } from '../../lib/trace/score.ts';
import { snappy } from '../../lib/trace/snappy.ts';
import { aSpan } from '../support/a-span.ts';
import { memoryTable } from '../support/memory.ts';

const windowStart = '2026-01-01T00:00:00Z';
const traceId = (n: number) => n.toString(16).padStart(32, '0');

/** Ten spans of `web`, each with one of `pay` below it; every fifth of `pay` failed; durations are powers of two. */
const scored = (start = windowStart, services = ['web', 'pay']): Score => {
  const [web = '', pay = ''] = services;
  return score(
    start,
    Array.from({ length: 10 }, (_, at) => [
      aSpan({ traceId: traceId(at + 1), spanId: `a${at}`.padStart(16, '0'), service: web, kind: 3, to: 2000 }),
      aSpan({
        traceId: traceId(at + 1),
        spanId: `b${at}`.padStart(16, '0'),
        parentSpanId: `a${at}`.padStart(16, '0'),
        service: pay,
        kind: 2,
        from: 100,
        to: 100 + (at < 5 ? 500 : 1000),
        status: at % 5 === 0 ? 2 : 0,
      }),
    ]).flat(),
  );
};

const root = protobuf.parse(`
  syntax = "proto3";
  message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
  message MetricMetadata { int32 type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; repeated Histogram histograms = 4; }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message BucketSpan { sint32 offset = 1; uint32 length = 2; }
  message Histogram {
    uint64 count_int = 1; double count_float = 2; double sum = 3; sint32 schema = 4; double zero_threshold = 5;
    uint64 zero_count_int = 6; double zero_count_float = 7; repeated BucketSpan positive_spans = 11;
    repeated double positive_counts = 13; int64 timestamp = 15;
  }`).root;

/** Undoes snappy blocks of literals and of copies with offsets of one or two bytes. */
const unsnap = (bytes: Uint8Array): Buffer => {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const length = varint();
  const out: number[] = [];
  while (at < bytes.length) {
    const tag = bytes[at++] as number;
    assert.equal(tag & 3, 0, 'a literal');
    let size = tag >> 2;
    if (size >= 60) {
      const extra = size - 59;
      size = 0;
      for (let each = 0; each < extra; each += 1) size += (bytes[at++] as number) * 2 ** (8 * each);
    }
    for (let each = 0; each <= size; each += 1) out.push(bytes[at++] as number);
  }
  assert.equal(out.length, length);
  return Buffer.from(out);
};

test('snappy blocks are undone to what went in, around the size of a piece', () => {
  for (const size of [0, 1, 60, 65_535, 65_536, 65_537, 200_000]) {
    const bytes = Buffer.alloc(size, 'größer');
    assert.ok(unsnap(snappy(bytes)).equals(bytes), `${size} bytes`);
  }
});

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A receiver that keeps what it is sent and answers with a status of the test's. */
const withReceiver = async (
  status: number,
  use: (url: string, received: Received[]) => Promise<void>,
): Promise<void> => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(status).end(status === 204 ? undefined : 'out of bounds');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const { port } = server.address() as { readonly port: number };
    await use(`http://127.0.0.1:${port}`, received);
  } finally {
    server.close();
    server.closeAllConnections();
  }
};

const house = (config: TraceMetricsConfig, partitions = 1) => {
  const time = { now: Date.parse('2026-01-01T00:02:00Z') };
  const table = memoryTable(() => time.now);
  const logged: { level: string; message: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  const tell = (start = windowStart, partition = 0, of = scored(start)) =>
    exportMetrics({ windowStart: start, partition }, of, {
      config: { emf: false, ...config },
      table,
      clock: () => time.now,
      http: plainHttp(),
      secrets: async (reference) => `secret of ${reference}\n`,
      log: (level, message, fields) => void logged.push({ level, message, fields }),
      sign: async ({ headers }, region) => ({ ...headers, authorization: `signed for ${region}` }),
      windowSeconds: 60,
      partitions,
    });
  return { tell, table, logged, time };
};

interface Decoded {
  readonly timeseries: readonly {
    readonly labels: readonly { readonly name: string; readonly value: string }[];
    readonly samples?: readonly { readonly value: number; readonly timestamp: string }[];
    readonly histograms?: readonly Record<string, never>[];
  }[];
  readonly metadata: readonly { readonly metricFamilyName: string; readonly type: number }[];
}

const decodedWrite = (body: Buffer): Decoded => {
  const type = root.lookupType('WriteRequest');
  return type.toObject(type.decode(unsnap(body)), { longs: String, defaults: true }) as Decoded;
};

const seriesIn = ({ timeseries }: Decoded): Map<string, Decoded['timeseries'][number]> =>
  new Map(
    timeseries.map((each) => {
      const { __name__: name, ...labels } = Object.fromEntries(
        each.labels.map(({ name: label, value }) => [label, value]),
      );
      assert.deepEqual(
        each.labels.map(({ name: label }) => label),
        each.labels.map(({ name: label }) => label).sort(),
      );
      return [`${name}${JSON.stringify(labels)}`, each];
    }),
  );
const sampleOf = (series: ReturnType<typeof seriesIn>, name: string, labels: object): number | undefined =>
  series.get(`${name}${JSON.stringify(labels)}`)?.samples?.[0]?.value;

test('remote write: totals that only grow, classic and native histograms, as the protocol wants them', () =>
  withReceiver(204, async (url, received) => {
    const { tell, time, logged } = house({
      remoteWrite: { url: `${url}/api/v1/write`, tokenSecret: 'ssm:token', headers: { 'X-Scope-OrgID': 'team' } },
    });
    await tell();
    time.now += 60_000;
    await tell('2026-01-01T00:01:00Z');
    assert.deepEqual(logged, []);
    const [first, second] = received as [Received, Received];
    assert.equal(first.path, '/api/v1/write');
    assert.equal(first.headers['content-encoding'], 'snappy');
    assert.equal(first.headers['content-type'], 'application/x-protobuf');
    assert.equal(first.headers['x-prometheus-remote-write-version'], '0.1.0');
    assert.equal(first.headers['authorization'], 'Bearer secret of ssm:token');
    assert.equal(first.headers['x-scope-orgid'], 'team');
    const [one, two] = [seriesIn(decodedWrite(first.body)), seriesIn(decodedWrite(second.body))];
    for (const [series, times] of [
      [one, 1],
      [two, 2],
    ] as const) {
      assert.equal(sampleOf(series, 'traces_span_count_total', { service: 'pay' }), 10 * times);
      assert.equal(sampleOf(series, 'traces_span_error_total', { service: 'pay' }), 2 * times);
      assert.equal(sampleOf(series, 'traces_span_error_total', { service: 'web' }), 0);
      assert.equal(sampleOf(series, 'traces_span_duration_seconds_bucket', { le: '0.5', service: 'pay' }), 5 * times);
      assert.equal(sampleOf(series, 'traces_span_duration_seconds_bucket', { le: '1', service: 'pay' }), 10 * times);
      assert.equal(sampleOf(series, 'traces_span_duration_seconds_bucket', { le: '1', service: 'web' }), 0);
      assert.equal(sampleOf(series, 'traces_span_duration_seconds_bucket', { le: '2', service: 'web' }), 10 * times);
      assert.equal(sampleOf(series, 'traces_span_duration_seconds_bucket', { le: '+Inf', service: 'web' }), 10 * times);
      assert.equal(sampleOf(series, 'traces_span_duration_seconds_count', { service: 'web' }), 10 * times);
      assert.equal(sampleOf(series, 'traces_hop_calls_total', { callee: 'pay', service: 'web' }), 10 * times);
      assert.equal(
        sampleOf(series, 'traces_service_graph_request_total', { client: 'web', server: 'pay' }),
        10 * times,
      );
      const edge = { client: 'web', server: 'pay' };
      assert.equal(sampleOf(series, 'traces_service_graph_request_failed_total', edge), 2 * times);
      const sides = { server: ['0.5', 5], client: ['2', 10] } as const;
      for (const [side, [le, count]] of Object.entries(sides)) {
        const name = `traces_service_graph_request_${side}_seconds`;
        assert.equal(sampleOf(series, `${name}_bucket`, { client: 'web', le, server: 'pay' }), count * times);
        assert.equal(sampleOf(series, `${name}_bucket`, { client: 'web', le: '0.25', server: 'pay' }), 0);
        assert.equal(sampleOf(series, `${name}_count`, edge), 10 * times);
        assert.equal(
          (series.get(`${name}${JSON.stringify(edge)}`)?.histograms?.[0] as Record<string, unknown> | undefined)?.[
            'schema'
          ],
          1,
        );
      }
      const native = series.get('traces_span_duration_seconds{"service":"pay"}')?.histograms?.[0] as
        | Record<string, unknown>
        | undefined;
      // 0.5 s and 1 s, each the upper edge of its bucket: 2^(-8/8) and 2^(0/8) at schema 3.
      assert.deepEqual(native?.['positiveSpans'], [
        { offset: -8, length: 1 },
        { offset: 7, length: 1 },
      ]);
      assert.deepEqual(native?.['positiveCounts'], [5 * times, 5 * times]);
      assert.equal(native?.['schema'], 3);
      assert.equal(native?.['countFloat'], 10 * times);
      const sum = Number(native?.['sum']);
      assert.ok(Math.abs(sum / (7.5 * times) - 1) < 0.011, `sum ${sum}`);
    }
    assert.ok(
      decodedWrite(first.body).metadata.some(
        ({ metricFamilyName, type }) => metricFamilyName === 'traces_span_duration_seconds' && type === 3,
      ),
    );
    const at = (series: typeof one) =>
      Number(series.get('traces_span_count_total{"service":"pay"}')?.samples?.[0]?.timestamp);
    assert.ok(at(two) > at(one));
  }));

const write2 = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated string symbols = 4; repeated TimeSeries timeseries = 5; }
  message TimeSeries {
    repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated Histogram histograms = 3; Metadata metadata = 5;
  }
  message Metadata { int32 type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message BucketSpan { sint32 offset = 1; uint32 length = 2; }
  message Histogram {
    uint64 count_int = 1; double count_float = 2; double sum = 3; sint32 schema = 4; double zero_threshold = 5;
    uint64 zero_count_int = 6; double zero_count_float = 7; repeated BucketSpan positive_spans = 11;
    repeated double positive_counts = 13; int64 timestamp = 15;
  }`).root;

interface Decoded2 {
  readonly symbols: readonly string[];
  readonly timeseries: readonly (Omit<Decoded['timeseries'][number], 'labels'> & {
    readonly labelsRefs: readonly number[];
    readonly metadata: { readonly type: number; readonly helpRef: number; readonly unitRef: number };
  })[];
}

/** A receiver that answers by the version it is sent. */
const withVersions = async (
  answers: (version: string) => { readonly status: number; readonly headers?: Record<string, string> },
  use: (url: string, received: Received[]) => Promise<void>,
): Promise<void> => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      const { status, headers = {} } = answers(String(request.headers['x-prometheus-remote-write-version']));
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    await use(`http://127.0.0.1:${(server.address() as { readonly port: number }).port}`, received);
  } finally {
    server.close();
    server.closeAllConnections();
  }
};

const versions = (received: readonly Received[]) =>
  received.map(({ headers }) => headers['x-prometheus-remote-write-version']);
const as2 = { protobufMessage: 'io.prometheus.write.v2.Request' } as const;

test('remote write 2.0 holds what 1.0 holds, every text once', () =>
  withVersions(
    () => ({ status: 204, headers: { 'X-Prometheus-Remote-Write-Samples-Written': '1' } }),
    async (url, received) => {
      const { tell, logged, table, time } = house({ remoteWrite: { url, ...as2 } });
      await tell();
      assert.deepEqual(logged, []);
      assert.deepEqual(versions(received), ['2.0.0']);
      assert.equal(received[0]?.headers['content-type'], 'application/x-protobuf;proto=io.prometheus.write.v2.Request');
      const type = write2.lookupType('Request');
      const { symbols, timeseries } = type.toObject(type.decode(unsnap(received[0]?.body as Buffer)), {
        longs: String,
        defaults: true,
      }) as Decoded2;
      assert.equal(symbols[0], '');
      assert.equal(new Set(symbols).size, symbols.length);
      const totals = await addWindow({ windowStart, partition: 0 }, countsOf(scored()), {
        table,
        clock: () => time.now,
        maxSeries: 100,
      });
      assert.ok(totals !== undefined);
      const one = decodedWrite(remoteWriteBody(familiesOf(totals.counts), totals.at));
      const two = timeseries.map(({ labelsRefs, metadata: _, ...rest }) => ({
        labels: Array.from({ length: labelsRefs.length / 2 }, (_, at) => ({
          name: symbols[labelsRefs[2 * at] ?? -1],
          value: symbols[labelsRefs[2 * at + 1] ?? -1],
        })),
        ...rest,
      }));
      assert.deepEqual(two, one.timeseries);
      for (const { samples, histograms, metadata } of timeseries) {
        assert.equal((samples?.length ?? 0) + (histograms?.length ?? 0), 1);
        assert.notEqual(symbols[metadata.helpRef], '');
        assert.equal(symbols[metadata.unitRef], metadata.type === 3 ? 'seconds' : '');
      }
    },
  ));

test('a receiver that does not know 2.0, or does not say what it wrote, is told by 1.0', async () => {
  const written = { 'x-prometheus-remote-write-samples-written': '9' };
  for (const [answer, expected] of [
    [{ status: 415 }, ['2.0.0', '0.1.0']],
    [{ status: 204 }, ['2.0.0', '0.1.0']],
    [{ status: 200, headers: written }, ['2.0.0']],
    [{ status: 400 }, ['2.0.0']],
    [{ status: 503 }, ['2.0.0']],
  ] as const) {
    await withVersions(
      (version) => (version === '2.0.0' ? answer : { status: 204 }),
      async (url, received) => {
        const { tell, logged } = house({ remoteWrite: { url, ...as2 } });
        await tell();
        assert.deepEqual(versions(received), expected, JSON.stringify(answer));
        assert.equal(logged.length, answer.status >= 400 && answer.status !== 415 ? 1 : 0);
      },
    );
  }
});

test('a window that is told twice adds once, and tells the very same samples again', () =>
  withReceiver(204, async (url, received) => {
    const { tell, time } = house({ remoteWrite: { url } });
    await tell();
    time.now += 5000;
    await tell();
    assert.ok(received[0]?.body.equals(received[1]?.body as Buffer));
  }));

test('windows that are added at the same time are both in the totals', async () => {
  const { table, time } = house({});
  const options = { table, clock: () => time.now, maxSeries: 100 };
  const starts = Array.from({ length: 6 }, (_, at) => `2026-01-01T00:0${at}:00Z`);
  await Promise.all(
    starts.map((start) => addWindow({ windowStart: start, partition: 0 }, countsOf(scored()), options)),
  );
  const totals = await addWindow({ windowStart: starts[0] as string, partition: 0 }, countsOf(scored()), options);
  assert.equal(totals?.isNew, false);
  assert.equal(totals?.counts.services.get('pay')?.spans, 60);
});

test('totals that an earlier version wrote are read on', async () => {
  const { table, time } = house({});
  const service = ['web', { spans: 7, errors: 1, seconds: 2, zero: 0, buckets: [[0, 7]] }];
  const call = ['web\npay', { calls: 5, missing: 1, requests: 5, isMessage: false }];
  const counts = JSON.stringify({ services: [service], calls: [call] });
  await table.put({ pk: 'trace-metrics', sk: '0', since: 1, at: 2, version: 1, windows: {}, counts });
  const options = { table, clock: () => time.now, maxSeries: 100 };
  const totals = await addWindow({ windowStart, partition: 0 }, countsOf(scored()), options);
  assert.equal(totals?.counts.services.get('web')?.spans, 17);
  const edge = totals?.counts.calls.get('web\npay');
  assert.deepEqual([edge?.requests, edge?.failed, edge?.server.buckets.size], [15, 2, 2]);
});

test('partitions have series of their own', () =>
  withReceiver(204, async (url, received) => {
    const { tell } = house({ remoteWrite: { url } }, 2);
    await tell(windowStart, 0);
    await tell(windowStart, 1);
    for (const [index, { body }] of received.entries()) {
      assert.equal(
        sampleOf(seriesIn(decodedWrite(body)), 'traces_span_count_total', { partition: String(index), service: 'pay' }),
        10,
      );
    }
  }));

test('names beyond the cap share one visible series, now and later, and no span is lost', () => {
  const counts: MetricCounts = { services: new Map(), calls: new Map() };
  for (const names of [
    ['a', 'b'],
    ['c', 'd'],
    ['a', 'd'],
  ])
    addCounts(counts, countsOf(scored(windowStart, names)), 2);
  assert.deepEqual(
    [...counts.services].map(([name, { spans }]) => [name, spans]),
    [
      ['a', 20],
      ['b', 10],
      [overflow, 30],
    ],
  );
  const [spans] = familiesOf(counts);
  assert.deepEqual(
    spans?.series.map(({ labels }) => labels['service']),
    [overflow, 'a', 'b'],
  );
  const calls = [...counts.calls.values()].reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(calls, 30);
});

test('OTLP: cumulative exponential totals, or what a window adds in explicit buckets', () =>
  withReceiver(204, async (url, received) => {
    const cumulative = house({ otlp: { url } });
    await cumulative.tell();
    await cumulative.tell('2026-01-01T00:01:00Z');
    const delta = house({ otlp: { url, temporality: 'delta', histogram: 'explicit' } });
    for (const start of [windowStart, windowStart, '2026-01-01T00:01:00Z']) await delta.tell(start);
    assert.equal(received.length, 4, 'a window that is told twice adds nothing');
    const bodies = received.map(({ body }) => JSON.parse(body.toString()) as unknown);
    const metric = (at: number, name: string): Record<string, unknown> =>
      (
        bodies[at] as { resourceMetrics: [{ scopeMetrics: [{ metrics: Record<string, never>[] }] }] }
      ).resourceMetrics[0].scopeMetrics[0].metrics.find((each) => each['name'] === name) as Record<string, never>;
    const pay = (points: readonly Record<string, unknown>[]) =>
      points.find(({ attributes }) => JSON.stringify(attributes).includes('"pay"')) as Record<string, unknown>;
    const total = metric(1, 'traces_span_count_total')['sum'] as {
      aggregationTemporality: number;
      isMonotonic: boolean;
      dataPoints: [];
    };
    assert.deepEqual(
      [total.aggregationTemporality, total.isMonotonic, pay(total.dataPoints)['asDouble']],
      [2, true, 20],
    );
    const wide = metric(1, 'traces_span_duration_seconds')['exponentialHistogram'] as { dataPoints: [] };
    assert.deepEqual(
      [pay(wide.dataPoints)['scale'], pay(wide.dataPoints)['count'], pay(wide.dataPoints)['positive']],
      [3, '20', { offset: -9, bucketCounts: ['10', ...Array<string>(7).fill('0'), '10'] }],
    );
    const added = metric(3, 'traces_span_count_total')['sum'] as { aggregationTemporality: number; dataPoints: [] };
    assert.deepEqual([added.aggregationTemporality, pay(added.dataPoints)['asDouble']], [1, 10]);
    assert.equal(
      pay(added.dataPoints)['timeUnixNano'],
      String(BigInt(Date.parse('2026-01-01T00:02:00Z')) * 1_000_000n),
    );
    const classic = metric(3, 'traces_span_duration_seconds')['histogram'] as { dataPoints: [] };
    const point = pay(classic.dataPoints) as { explicitBounds: number[]; bucketCounts: string[]; count: string };
    assert.deepEqual(point.explicitBounds, classicEdges);
    assert.equal(point.bucketCounts.length, classicEdges.length + 1);
    assert.equal(
      point.bucketCounts.reduce((sum, count) => sum + Number(count), 0),
      Number(point.count),
    );
  }));

test('what is signed carries its signature; what is refused is told without a secret, and scoring goes on', () =>
  withReceiver(400, async (url, received) => {
    const { tell, logged } = house({
      remoteWrite: { url, sigv4Region: 'eu-west-1' },
      otlp: { url, headers: { 'api-key': 'secretsmanager:key' } },
    });
    await tell();
    assert.equal(received[0]?.headers['authorization'], 'signed for eu-west-1');
    assert.equal(received[1]?.headers['api-key'], 'secret of secretsmanager:key');
    assert.deepEqual(
      logged.map(({ message, fields }) => [message, fields?.['receiver'], fields?.['code']]),
      [
        ['metrics were not taken', 'remoteWrite', 'refused'],
        ['metrics were not taken', 'otlp', 'refused'],
      ],
    );
    assert.match(String(logged[0]?.fields?.['reason']), /400: out of bounds/);
    assert.ok(!JSON.stringify(logged).includes('secret of'));
  }));

test('classic counts at every edge are the sums of buckets below it', () => {
  const buckets = classicEdges.map((_, at) => [(at - 10) * 8 - 1, 1] as const);
  assert.deepEqual(
    classicCounts({ count: 17, sum: 0, zero: 1, scale: 3, buckets }),
    classicEdges.map((_, at) => at + 2),
  );
});
