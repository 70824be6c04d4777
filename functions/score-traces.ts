import config from '#tidemark.config';
import { systemClock } from '../lib/adapters/clock.ts';
import { decompress, deflate, sniffEncoding } from '../lib/adapters/compression.ts';
import { eventBridgeBus } from '../lib/adapters/eventbridge.ts';
import { plainHttp } from '../lib/adapters/http.ts';
import { s3Bucket } from '../lib/adapters/s3.ts';
import { signFor } from '../lib/adapters/sign-request.ts';
import { sqsQueue } from '../lib/adapters/sqs.ts';
import { eachRecord } from '../lib/middleware/each-record.ts';
import { traceEventBridge } from '../lib/middleware/inject-clients.ts';
import { traced } from '../lib/middleware/traced.ts';
import { environmentKeys, required } from '../lib/model/environment.ts';
import { Failure } from '../lib/model/failure.ts';
import { functionBase } from '../lib/provider/function-base.ts';
import { closeWindow } from '../lib/trace/close-window.ts';
import { exportMetrics, type MetricsPorts } from '../lib/trace/export-metrics.ts';
import type { Score } from '../lib/trace/score.ts';
import { parseWindowClosed, type WindowClosed } from '../lib/trace/window.ts';

const { env } = process;
// Spans are made so that alerts carry a context, and not exported: scoring them would never end.
const { log, table, secrets, tracing } = functionBase('score-traces', config, env, { exports: false });
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
  windows: sqsQueue({ queueUrl: required(env, environmentKeys.windowsQueue) }),
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
