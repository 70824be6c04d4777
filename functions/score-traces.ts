import config from '#tidemark.config';
import { systemClock, systemNanos, systemRandom } from '../lib/adapters/clock.ts';
import { decompress, deflate, sniffEncoding } from '../lib/adapters/compression.ts';
import { nodeCrypto } from '../lib/adapters/crypto.ts';
import { dynamodbTable } from '../lib/adapters/dynamodb.ts';
import { eventBridgeBus } from '../lib/adapters/eventbridge.ts';
import { plainHttp } from '../lib/adapters/http.ts';
import { jsonLog } from '../lib/adapters/log.ts';
import { s3Bucket } from '../lib/adapters/s3.ts';
import { awsSecrets } from '../lib/adapters/secrets.ts';
import { signFor } from '../lib/adapters/sign-request.ts';
import { eachRecord } from '../lib/middleware/each-record.ts';
import { traceEventBridge } from '../lib/middleware/inject-clients.ts';
import { traced } from '../lib/middleware/traced.ts';
import { environmentKeys, required } from '../lib/model/environment.ts';
import { Failure } from '../lib/model/failure.ts';
import { createTelemetry } from '../lib/provider/telemetry.ts';
import { logLevel } from '../lib/telemetry/function-settings.ts';
import { closeWindow } from '../lib/trace/close-window.ts';
import { exportMetrics, type MetricsPorts } from '../lib/trace/export-metrics.ts';
import type { Score } from '../lib/trace/score.ts';
import { parseWindowClosed, type WindowClosed } from '../lib/trace/window.ts';

const { env } = process;
const log = jsonLog({ clock: systemClock, level: logLevel(env), context: () => ({ function: 'score-traces' }) });
const table = dynamodbTable({ tableName: required(env, environmentKeys.table), clock: systemClock });
const secrets = awsSecrets({ clock: systemClock });
const tracing = createTelemetry({
  name: 'score-traces',
  config: config.telemetry,
  propagation: config.propagation,
  env,
  nanos: systemNanos,
  clock: systemClock,
  random: systemRandom,
  log,
  table,
  secrets,
  hmacSha256: nodeCrypto.hmacSha256,
  // Made so that alerts carry a context, and not exported: scoring them would never end.
  exports: false,
});
const windowSeconds = Number(env[environmentKeys.windowSeconds] ?? 60);
const metrics: MetricsPorts = {
  config: config.traces?.metrics ?? {},
  table,
  clock: systemClock,
  http: plainHttp(),
  secrets,
  log,
  sign: signFor({ env, clock: systemClock, service: 'aps' }),
  windowSeconds,
  partitions: config.traces?.partitions ?? 1,
};
const closing = {
  bucket: s3Bucket({ bucketName: required(env, environmentKeys.bucket) }),
  table,
  bus: eventBridgeBus({
    busName: required(env, environmentKeys.bus),
    plugIn: (client) => traceEventBridge(client, tracing),
  }),
  clock: systemClock,
  log,
  decompress,
  deflate,
  sniffEncoding,
  ...(config.alerts?.traceUrl === undefined ? {} : { traceUrl: config.alerts.traceUrl }),
  thresholds: {
    ...config.traces?.thresholds,
    ...(config.traces?.detectors === undefined ? {} : { detectors: config.traces.detectors }),
  },
  baselineWindows: config.traces?.baselineWindows ?? 0,
  windowSeconds,
  tellMetrics: (window: WindowClosed, score: Score) => exportMetrics(window, score, metrics),
};

/** Scores the windows that WindowClosed messages name. */
export const handler = traced(
  (event: unknown) =>
    eachRecord(
      event,
      async ({ body }) => {
        const window = parseWindowClosed(String(body));
        if ('error' in window) throw new Failure('bad-input', window.error, { where: 'body' });
        await closeWindow(window, closing);
      },
      { ...tracing, log },
    ),
  { ...tracing, trigger: 'pubsub' },
);
