import config from '#tidemark.config';
import { systemClock } from '../lib/adapters/clock.ts';
import { compress, decompress, sniffEncoding } from '../lib/adapters/compression.ts';
import { dynamodbTable } from '../lib/adapters/dynamodb.ts';
import { jsonLog } from '../lib/adapters/log.ts';
import { s3Bucket, s3Objects } from '../lib/adapters/s3.ts';
import { sqsQueue } from '../lib/adapters/sqs.ts';
import { batchReply } from '../lib/message/batch-reply.ts';
import { bodyOf, recordsOf } from '../lib/message/records.ts';
import { environmentKeys, required } from '../lib/model/environment.ts';
import { Failure } from '../lib/model/failure.ts';
import { encodeJson } from '../lib/telemetry/encode.ts';
import { collector } from '../lib/trace/collect.ts';

const { env } = process;
const log = jsonLog({ clock: systemClock, context: () => ({ function: 'collect-spans' }) });

const collect = collector({
  bucket: s3Bucket({ bucketName: required(env, environmentKeys.bucket) }),
  table: dynamodbTable({ tableName: required(env, environmentKeys.table), clock: systemClock }),
  windows: sqsQueue({ queueUrl: required(env, environmentKeys.windowsQueue) }),
  windowSeconds: Number(env[environmentKeys.windowSeconds] ?? 60),
  slackSeconds: Number(env[environmentKeys.windowSlackSeconds] ?? 30),
  partitions: config.traces?.partitions ?? 1,
  clock: systemClock,
  log,
  encode: encodeJson,
  compress,
  objects: s3Objects(),
  decompress,
  sniffEncoding,
});

/**
 * Takes OTLP by HTTP from the Function URL, spans from CloudWatch log subscriptions, and whatever queues, streams, topics and buckets
 * hand over. Answers which records failed where the trigger knows partial failures, else rejects.
 */
export const handler = async (event: unknown) => {
  if (typeof event === 'object' && event !== null && 'requestContext' in event) return collect.http(event);
  if (typeof event === 'object' && event !== null && 'awslogs' in event) return collect.logs(event);
  const messages = recordsOf(event);
  const failed = await collect.records(messages.map(bodyOf));
  const reply = batchReply(messages, new Set(messages.filter((_, index) => failed.has(index))));
  if (reply === undefined) throw new Failure('bad-input', `${failed.size} of ${messages.length} records failed`);
  return reply;
};
