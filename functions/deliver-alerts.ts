import config from '#tidemark.config';
import { s3Bucket } from '#tidemark.pictures';
import { systemClock, systemRandom } from '../lib/adapters/clock.ts';
import { nodeCrypto } from '../lib/adapters/crypto.ts';
import { guardedHttp } from '../lib/adapters/http.ts';
import { sqsQueue } from '../lib/adapters/sqs.ts';
import { deliver } from '../lib/alert/deliver.ts';
import { type Delivering, routing } from '../lib/alert/delivering.ts';
import { receiver } from '../lib/alert/receive.ts';
import { type SendingPorts, sendChunk } from '../lib/alert/send.ts';
import { activeFields } from '../lib/middleware/active-fields.ts';
import { eachRecord } from '../lib/middleware/each-record.ts';
import { traced } from '../lib/middleware/traced.ts';
import { environmentKeys, required } from '../lib/model/environment.ts';
import { functionBase } from '../lib/provider/function-base.ts';

const { env } = process;
const { log, table, secrets, tracing } = functionBase('deliver-alerts', config, env);
const alerts = config.alerts ?? { receivers: {}, default: [] };
/** Set where a receiver shows pictures. */
const bucketName = env[environmentKeys.bucket];
const sending: SendingPorts = {
  http: guardedHttp({
    allowLoopback: env[environmentKeys.allowLoopback] === 'true',
    ...(alerts.allowTargets === undefined ? {} : { allowTargets: alerts.allowTargets }),
  }),
  secrets,
  clock: systemClock,
  crypto: nodeCrypto,
  ...(bucketName === undefined ? {} : { pictures: s3Bucket({ bucketName }) }),
};
const delivering: Delivering = {
  config: alerts,
  routing: routing(alerts),
  table,
  again: sqsQueue({ queueUrl: required(env, environmentKeys.alertsQueue) }),
  deadLetters: sqsQueue({ queueUrl: required(env, environmentKeys.alertsDeadLetters) }),
  send: (chunk, configured, saying) => sendChunk(chunk, configured, saying, sending),
  clock: systemClock,
  random: systemRandom,
  log,
  onVisible: (seconds, of, trace) => tracing.metrics.measure('tidemark.alert.time_to_visible', seconds, of, trace),
};

const { again } = delivering;
const receive = receiver({
  ...sending,
  inbound: alerts.inbound,
  queue: { send: (messages) => again.send(messages.map((message) => ({ ...message, attributes: carried() }))) },
  log,
});

/** The context of the request, for the one who handles its alerts: as many attributes as a message can have. */
const carried = () => Object.fromEntries(Object.entries(activeFields(tracing)).slice(0, 10));

/** Takes alerts in, by message and by HTTP, and goes on with groups and receivers whose turn it is. */
export const handler = traced(
  (event: unknown): Promise<unknown> =>
    isHttp(event)
      ? receive(event)
      : eachRecord(event, ({ body, details }) => deliver(String(body), delivering, details.sentAt), {
          ...tracing,
          log,
          relation: 'parent',
          concurrency: 10,
        }),
  tracing,
);

const isHttp = (event: unknown): boolean => typeof event === 'object' && event !== null && 'requestContext' in event;
