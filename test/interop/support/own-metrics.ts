import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { nodeCrypto } from '../../../lib/adapters/crypto.ts';
import { createTelemetry } from '../../../lib/provider/telemetry.ts';

const trace = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

/** Sends tidemark's own metrics as a function does: a counter, a gauge and a histogram, each by its public way. */
export const sendOwnMetrics = async (endpoint: string, protocol: string): Promise<readonly string[]> => {
  const complaints: string[] = [];
  const { metrics, flush, stop } = createTelemetry({
    name: 'interop',
    config: { metrics: 'otlp' },
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: protocol,
      OTEL_SERVICE_NAME: `shop ${protocol}`,
    },
    nanos: () => BigInt(Date.now()) * 1_000_000n,
    clock: Date.now,
    random: Math.random,
    log: (level, message) => void (level === 'warn' && complaints.push(message)),
    table: { get: async () => undefined },
    secrets: async () => '',
    hmacSha256: nodeCrypto.hmacSha256,
    exports: false,
  });
  metrics.measure('tidemark.records', 3, { source: 'sqs', outcome: 'ok', format: 'w3c' }, trace);
  metrics.measure('tidemark.sampling.rate', 0.25);
  metrics.measure('tidemark.export.duration', 0.02, { back_end: 'búho', outcome: 'ok' }, trace);
  metrics.measure('tidemark.export.duration', 12, { back_end: 'búho', outcome: 'ok' });
  await flush(5000);
  stop();
  return complaints;
};

/** What a Collector makes of them, in the order of names, without its times. */
export const expectedMetrics = {
  'tidemark.export.duration': {
    unit: 's',
    temporality: 1,
    attributes: { back_end: 'búho', outcome: 'ok' },
    value: { count: '2', sum: 12.02 },
    exemplar: trace,
  },
  'tidemark.records': {
    unit: '{record}',
    temporality: 1,
    attributes: { source: 'sqs', outcome: 'ok', format: 'w3c' },
    value: { asInt: '3' },
    exemplar: trace,
  },
  'tidemark.sampling.rate': { unit: '1', attributes: {}, value: { asDouble: 0.25 } },
};

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}
interface DataPoint {
  readonly attributes?: readonly KeyValue[];
  readonly exemplars?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly asInt?: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}
interface Data {
  readonly aggregationTemporality?: number;
  readonly dataPoints: readonly DataPoint[];
}
interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: Data;
  readonly gauge?: Data;
  readonly histogram?: Data;
}
export interface ReceivedMetrics {
  readonly service: string | undefined;
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** A back end that takes metrics as OTLP/JSON and keeps what they say. */
export const startMetricsServer = async () => {
  const received: ReceivedMetrics[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      received.push(...read(JSON.parse(text.toString())));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`,
    received,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};

const read = (body: {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[];
  }[];
}): ReceivedMetrics[] =>
  body.resourceMetrics.map(({ resource, scopeMetrics }) => ({
    service: members(resource.attributes)['service.name'],
    metrics: Object.fromEntries(
      scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .filter(({ name }) => name in expectedMetrics)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, unit, sum, gauge, histogram }) => [name, described(unit, sum ?? gauge ?? histogram)]),
    ),
  }));

const described = (unit: string, data: Data | undefined) => {
  const [point = {}] = data?.dataPoints ?? [];
  const { attributes = [], exemplars = [], asInt, asDouble, count, sum, bucketCounts, explicitBounds } = point;
  const temporality = data?.aggregationTemporality;
  const [exemplar] = exemplars.map(({ traceId, spanId }) => ({ traceId, spanId }));
  const fits = bucketCounts === undefined || bucketCounts.length === (explicitBounds?.length ?? 0) + 1;
  return {
    unit,
    ...(temporality === undefined ? {} : { temporality }),
    attributes: members(attributes),
    value: fits ? defined({ asInt, asDouble, count, sum }) : 'buckets that do not fit their bounds',
    ...(exemplar === undefined ? {} : { exemplar }),
  };
};

const members = (all: readonly KeyValue[]): Record<string, string | undefined> =>
  Object.fromEntries(all.map(({ key, value }) => [key, value.stringValue]));

const defined = (given: object): object =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
