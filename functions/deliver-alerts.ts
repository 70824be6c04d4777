import config from '#tidemark.config';
import { systemClock, systemNanos, systemRandom } from '../lib/adapters/clock.ts';
import { nodeCrypto } from '../lib/adapters/crypto.ts';
import { dynamodbTable } from '../lib/adapters/dynamodb.ts';
import { guardedHttp } from '../lib/adapters/http.ts';
import { jsonLog } from '../lib/adapters/log.ts';
import { awsSecrets } from '../lib/adapters/secrets.ts';
import { sqsQueue } from '../lib/adapters/sqs.ts';
import { createTracing } from '../lib/adapters/tracer.ts';
import { attempt, type Delivering, deliver, readDelivery } from '../lib/alert/deliver.ts';
import { readAlerts } from '../lib/alert/inbound.ts';
import { eachRecord } from '../lib/middleware/each-record.ts';
import { traced } from '../lib/middleware/traced.ts';
import { environmentKeys, required } from '../lib/model/environment.ts';
import { Failure } from '../lib/model/failure.ts';

const { env } = process;
const log = jsonLog({ clock: systemClock, context: () => ({ function: 'deliver-alerts' }) });
const tracing = createTracing({ env, nanos: systemNanos, random: systemRandom, log });
const delivering: Delivering = {
  config: config.alerts ?? { receivers: {}, default: [] },
  table: dynamodbTable({ tableName: required(env, environmentKeys.table), clock: systemClock }),
  again: sqsQueue({ queueUrl: required(env, environmentKeys.alertsQueue) }),
  deadLetters: sqsQueue({ queueUrl: required(env, environmentKeys.alertsDeadLetters) }),
  http: guardedHttp({ allowLoopback: env[environmentKeys.allowLoopback] === 'true' }),
  secrets: awsSecrets({ clock: systemClock }),
  clock: systemClock,
  random: systemRandom,
  log,
  crypto: nodeCrypto,
};

/** Delivers the alerts of the alerts queue, and goes on with those that had to wait. */
export const handler = traced(
  (event: unknown) =>
    eachRecord(
      event,
      async ({ body }) => {
        const text = String(body);
        const waiting = readDelivery(text);
        if (waiting !== undefined) return attempt(waiting, delivering);
        const read = readAlerts(text);
        if ('error' in read) throw new Failure('bad-input', read.error, { where: 'body' });
        for (const alert of read.alerts) await deliver(alert, delivering);
      },
      { ...tracing, log, relation: 'parent', concurrency: 5 },
    ),
  { ...tracing, trigger: 'pubsub' },
);
