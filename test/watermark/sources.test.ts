import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { watermarkSources } from '../../lib/adapters/watermark-sources.ts';
import type { WatermarksConfig } from '../../lib/model/config/watermarks.ts';

interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server that answers by what it was asked. */
const aServer = async (answer: (asked: Asked) => { status?: number; body: unknown }) => {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const each = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
    asked.push(each);
    const { status = 200, body } = answer(each);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
};

const env = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' };
const now = Date.parse('2026-11-23T12:00:00Z');
const aSource = (config: WatermarksConfig, more: Record<string, string> = {}) =>
  watermarkSources({ config, clock: () => now, env: { ...env, ...more } });

test('a Prometheus instant query is asked at the present time and its vector read', async () => {
  const result = [
    { metric: { __name__: 'x', host: 'a' }, value: [1763899200.5, '0.95'] },
    { metric: { host: 'b' }, value: [1763899200.5, '+Inf'] },
  ];
  const server = await aServer(() => ({ body: { status: 'success', data: { resultType: 'vector', result } } }));
  const values = await aSource({ prometheus: { main: { url: `${server.url}/` } } }).prometheus(
    'main',
    'used / size > 0',
  );
  assert.deepEqual(values, [
    { labels: { __name__: 'x', host: 'a' }, value: 0.95, at: 1763899200500 },
    { labels: { host: 'b' }, value: Number.POSITIVE_INFINITY, at: 1763899200500 },
  ]);
  assert.equal(server.asked[0]?.path, '/api/v1/query');
  assert.equal(server.asked[0]?.body, `query=used%20%2F%20size%20%3E%200&time=${(now / 1000).toFixed(3)}`);
});

test('Amazon Managed Prometheus is asked with a signature', async () => {
  const server = await aServer(() => ({ body: { status: 'success', data: { resultType: 'vector', result: [] } } }));
  const config = { prometheus: { amp: { url: `${server.url}/workspaces/ws-1`, sigv4Region: 'eu-west-1' } } };
  assert.deepEqual(await aSource(config).prometheus('amp', 'up'), []);
  assert.equal(server.asked[0]?.path, '/workspaces/ws-1/api/v1/query');
  assert.match(
    server.asked[0]?.headers.authorization ?? '',
    /Credential=AKID\/20261123\/eu-west-1\/aps\/aws4_request, SignedHeaders=content-type;host;x-amz-date/,
  );
});

test('what Prometheus refuses, and what is no vector, is told in its words', async () => {
  const refusing = await aServer(() => ({
    status: 400,
    body: { status: 'error', errorType: 'bad_data', error: '1:3: parse error' },
  }));
  await assert.rejects(
    aSource({ prometheus: { main: { url: refusing.url } } }).prometheus('main', 'x'),
    /bad-input: prometheus\/main: refused \(HTTP 400: 1:3: parse error\)/,
  );
  const matrix = await aServer(() => ({ body: { status: 'success', data: { resultType: 'matrix', result: [] } } }));
  await assert.rejects(
    aSource({ prometheus: { main: { url: matrix.url } } }).prometheus('main', 'x[5m]'),
    /answers a matrix, an instant vector is needed/,
  );
});

test('the newest value of a CloudWatch metric is read, and no value is no series', async () => {
  let values: number[] = [42, 41];
  const server = await aServer(() => ({
    body: {
      MetricDataResults: [{ Id: 'value', Values: values, Timestamps: values.map((_, n) => now / 1000 - 60 * n) }],
    },
  }));
  const source = aSource({}, { AWS_ENDPOINT_URL_CLOUDWATCH: server.url });
  const rule = {
    gauge: 'cloudwatch' as const,
    metric: { namespace: 'AWS/RDS', name: 'CPUUtilization', dimensions: { DBInstanceIdentifier: 'shop' } },
  };
  assert.deepEqual(await source.cloudwatch(rule), [
    { labels: { metric: 'CPUUtilization', DBInstanceIdentifier: 'shop' }, value: 42, at: now },
  ]);
  assert.equal(server.asked[0]?.headers['x-amz-target'], 'GraniteServiceVersion20100801.GetMetricData');
  const { StartTime, EndTime } = JSON.parse(server.asked[0]?.body ?? '') as { StartTime: number; EndTime: number };
  assert.deepEqual([StartTime, EndTime], [now / 1000 - 180, now / 1000], 'whole periods that are over');
  values = [];
  assert.deepEqual(await source.cloudwatch(rule), []);
});
