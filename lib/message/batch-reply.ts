import type { Message } from '../model/message.ts';
import { detailsOf } from './records.ts';

/** What a function with partial failures answers. */
export interface BatchReply {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string | KafkaIdentifier }[];
}

/** Kafka names a failure by its place; `partition` is `<topic>-<number>`. The flat text of the other triggers fails the whole batch. */
export interface KafkaIdentifier {
  readonly partition: string;
  readonly offset: number;
}

/**
 * The partial-batch answer for the messages that failed, or undefined where the trigger has none or a failed message has no id: then
 * the only truthful answer is to throw, since AWS takes an empty list for success.
 *
 * - SQS standard: each failed message. FIFO: of each message group the first failed one and all that came after it, failed or
 *   not, since a later success must not overtake.
 * - Kinesis, DynamoDB: the first failure of each shard; AWS goes on from the lowest sequence number.
 * - Kafka: the first failure of each topic partition.
 */
export const batchReply = (messages: readonly Message[], failed: ReadonlySet<Message>): BatchReply | undefined => {
  const failures: { itemIdentifier: string | KafkaIdentifier }[] = [];
  const stopped = new Set<string>();
  for (const message of messages) {
    const mode = message.source.partialFailures;
    const isFailed = failed.has(message);
    if (mode === 'none') {
      if (isFailed) return undefined;
      continue;
    }
    if (!isFailed && stopped.size === 0) continue;
    const { failureId, groupId, arn, partition } = detailsOf(message);
    const isOrdered = mode === 'by-group' || (mode === 'by-message' && arn?.endsWith('.fifo') === true);
    const group = `${arn ?? ''} ${mode === 'by-first' ? (groupId ?? partition ?? '') : (groupId ?? '')}`;
    const isStopped = stopped.has(group);
    if (mode === 'by-first' ? !isFailed || isStopped : !isFailed && !(isOrdered && isStopped)) continue;
    const identifier = message.source.name === 'kafka' ? kafkaIdentifier(message) : failureId;
    if (identifier === undefined || identifier === '') return undefined;
    if (isOrdered || mode === 'by-first') stopped.add(group);
    failures.push({ itemIdentifier: identifier });
  }
  return { batchItemFailures: failures };
};

/** The messages that must not be handled any more once `failed` failed: those after it in its FIFO group or on its shard. */
export const isBlocked = (message: Message, failed: Message): boolean => {
  if (message.index <= failed.index || message.source !== failed.source) return false;
  const later = detailsOf(message);
  const earlier = detailsOf(failed);
  if (later.arn !== earlier.arn) return false;
  if (message.source.partialFailures === 'by-first') return later.groupId === earlier.groupId;
  return later.arn?.endsWith('.fifo') === true && later.groupId !== undefined && later.groupId === earlier.groupId;
};

const kafkaIdentifier = ({ entry }: Message): KafkaIdentifier | undefined => {
  const { topic, partition, offset } = entry as { topic?: unknown; partition?: unknown; offset?: unknown };
  return typeof topic === 'string' && typeof partition === 'number' && typeof offset === 'number'
    ? { partition: `${topic}-${partition}`, offset }
    : undefined;
};
