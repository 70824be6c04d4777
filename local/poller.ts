import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { LambdaPool } from './lambda-pool.ts';
import { matches } from './pattern.ts';
import { region } from './template.ts';

export interface Mapping {
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly pool: LambdaPool;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maxConcurrency: number;
  readonly reportsFailures: boolean;
  /** Patterns of FilterCriteria; a message that satisfies none is deleted unseen. */
  readonly filters: readonly unknown[];
}

export interface Poller {
  readonly stop: () => Promise<void>;
}

/** Polls one queue for one function, as an event source mapping does. */
export const startPoller = (
  mapping: Mapping,
  options: { readonly endpoint: string; readonly clock: () => number; readonly log: (line: string) => void },
): Poller => {
  const { endpoint, clock, log } = options;
  const client = new SQSClient({
    endpoint,
    region,
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const stopping = new AbortController();
  const receive = async (wanted: number, waitSeconds: number): Promise<Message[]> => {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: mapping.queueUrl,
        MaxNumberOfMessages: Math.min(10, wanted),
        WaitTimeSeconds: waitSeconds,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
      { abortSignal: stopping.signal },
    );
    return Messages;
  };
  /** One batch: the first messages that come, and what else comes within the window. */
  const gather = async (): Promise<Message[]> => {
    const batch = await receive(mapping.batchSize, 5);
    const until = clock() + mapping.windowSeconds * 1000;
    while (batch.length > 0 && batch.length < mapping.batchSize && clock() < until && !stopping.signal.aborted) {
      const more = await receive(mapping.batchSize - batch.length, 0);
      batch.push(...more);
      if (more.length === 0) await new Promise((resume) => setTimeout(resume, 50));
    }
    return batch;
  };
  const remove = async (messages: readonly Message[]): Promise<void> => {
    for (let at = 0; at < messages.length; at += 10) {
      const Entries = messages
        .slice(at, at + 10)
        .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle: ReceiptHandle ?? '' }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl: mapping.queueUrl, Entries }));
    }
  };
  const lane = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const batch = await gather();
        if (batch.length === 0) continue;
        const wanted = batch.filter((message) => passes(message, mapping.filters));
        await remove(batch.filter((message) => !wanted.includes(message)));
        if (wanted.length === 0) continue;
        const event = { Records: wanted.map((message) => recordOf(message, mapping.queueArn)) };
        const outcome = await mapping.pool.invoke(JSON.stringify(event));
        if (!outcome.ok) continue;
        const failed = mapping.reportsFailures ? failedIds(outcome.answer, wanted) : new Set<string>();
        if (failed === 'all')
          log(
            `poller of ${mapping.queueArn}: the answer names no valid failures, the whole batch is retried: ${outcome.answer.slice(0, 200)}`,
          );
        else await remove(wanted.filter(({ MessageId = '' }) => !failed.has(MessageId)));
      } catch (thrown) {
        if (stopping.signal.aborted) return;
        log(`poller of ${mapping.queueArn}: ${String(thrown)}`);
        await new Promise((resume) => setTimeout(resume, 200));
      }
    }
  };
  const lanes = Array.from({ length: mapping.maxConcurrency }, lane);
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(lanes);
      client.destroy();
    },
  };
};

/**
 * Which messages the answer names as failed. Nothing, an empty list or a misspelt key mean that all succeeded; an empty or
 * unknown identifier means that all are retried. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
const failedIds = (answer: string, batch: readonly Message[]): Set<string> | 'all' => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    return 'all';
  }
  const failures = (parsed as { batchItemFailures?: unknown } | null)?.batchItemFailures;
  if (failures === undefined || failures === null) return new Set();
  if (!Array.isArray(failures)) return 'all';
  const known = new Set(batch.map(({ MessageId }) => MessageId));
  const ids = new Set<string>();
  for (const each of failures) {
    const id = (each as { itemIdentifier?: unknown } | null)?.itemIdentifier;
    if (typeof id !== 'string' || !known.has(id)) return 'all';
    ids.add(id);
  }
  return ids;
};

const passes = (message: Message, filters: readonly unknown[]): boolean => {
  if (filters.length === 0) return true;
  let body: unknown = message.Body;
  try {
    body = JSON.parse(message.Body ?? '');
  } catch {
    // A filter on plain text sees the text.
  }
  return filters.some((pattern) => matches(pattern, { ...recordOf(message, ''), body }));
};

/** A record as the event source hands it over: camelCase, where ReceiveMessage answers PascalCase. */
const recordOf = (message: Message, eventSourceARN: string) => ({
  messageId: message.MessageId,
  receiptHandle: message.ReceiptHandle,
  body: message.Body,
  attributes: message.Attributes ?? {},
  messageAttributes: Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        ...(StringValue === undefined ? {} : { stringValue: StringValue }),
        ...(BinaryValue === undefined ? {} : { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
        stringListValues: [],
        binaryListValues: [],
        dataType: DataType,
      },
    ]),
  ),
  md5OfBody: message.MD5OfBody,
  eventSource: 'aws:sqs',
  eventSourceARN,
  awsRegion: region,
});
