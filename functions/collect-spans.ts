import config from '#tidemark.config';
import { systemClock } from '../lib/adapters/clock.ts';
import { compress, decompress, sniffEncoding } from '../lib/adapters/compression.ts';
import { contentName } from '../lib/adapters/crypto.ts';
import { s3Bucket, s3Objects } from '../lib/adapters/s3.ts';
import { sqsQueue } from '../lib/adapters/sqs.ts';
import { batchReply } from '../lib/message/batch-reply.ts';
import { bodyOf, recordsOf } from '../lib/message/records.ts';
import { traced } from '../lib/middleware/traced.ts';
import { environmentKeys, required } from '../lib/model/environment.ts';
import { Failure } from '../lib/model/failure.ts';
import { extract } from '../lib/propagation/extract.ts';
import { functionBase } from '../lib/provider/function-base.ts';
import { protobufEncoder } from '../lib/telemetry/encode.ts';
import { collector } from '../lib/trace/collect.ts';

const { env } = process;
// Spans are made so that log lines carry ids, and not exported: where these end here as well, each would make another one.
const { log, table, tracing } = functionBase('collect-spans', config, env, { exports: false });
const encode = protobufEncoder();
const { forward } = tracing;

const collect = collector({
  bucket: s3Bucket({ bucketName: required(env, environmentKeys.bucket) }),
  table,
  windows: sqsQueue({ queueUrl: required(env, environmentKeys.windowsQueue) }),
  windowSeconds: Number(env[environmentKeys.windowSeconds] ?? 60),
  slackSeconds: Number(env[environmentKeys.windowSlackSeconds] ?? 30),
  partitions: config.traces?.partitions ?? 1,
  clock: systemClock,
  log,
  encode: (spans) => ({ format: 'protobuf', bytes: encode(spans) }),
  compress,
  contentName,
  objects: s3Objects(),
  decompress,
  sniffEncoding,
  onStored: forward === undefined ? undefined : (spans) => forward(spans, forwardMs),
});

/** How long a back end that takes its time may hold up whoever sent the spans; what is left then waits for the next ones. */
const forwardMs = 2000;

/**
 * Takes OTLP by HTTP from the Function URL, spans from CloudWatch log subscriptions, and whatever queues, streams, topics and buckets
 * hand over; passes on what it has stored to the configured back ends. Answers which records failed where the trigger knows partial
 * failures, else rejects.
 */
export const handler = traced(async (event: unknown): Promise<unknown> => {
  if (typeof event === 'object' && event !== null && 'requestContext' in event) return collect.http(event);
  if (typeof event === 'object' && event !== null && 'awslogs' in event) return collect.logs(event);
  const messages = recordsOf(event);
  const failed = await collect.records(messages.map(bodyOf));
  for (const [index, message] of messages.entries()) {
    const outcome = failed.has(index) ? 'failed' : 'ok';
    tracing.onRecord({ source: message.source.name, outcome, format: extract(message).format ?? 'none' });
  }
  const reply = batchReply(messages, new Set(messages.filter((_, index) => failed.has(index))));
  if (reply === undefined) throw new Failure('bad-input', `${failed.size} of ${messages.length} records failed`);
  return reply;
}, tracing);
