import { Failure } from '../model/failure.ts';
import type { ReceivedMessage } from './received.ts';

/** How Lambda is told which records to deliver again. Kafka wants the offset of a partition, everything else an id. */
export interface BatchReply {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string | { partition: string; offset: number } }[];
}

/** One record that did not succeed; `thrown` is undefined where it was not begun because an earlier one of its group failed. */
export interface FailedRecord {
  readonly message: ReceivedMessage;
  readonly thrown: unknown;
}

/**
 * The answer for a batch. Throws what the records threw where the trigger knows no partial failures, and where a failed record has
 * no id to be named by: an empty or missing id would be read as "all failed" at best and, misspelt, as "all done" at worst.
 */
export const batchReply = (
  messages: readonly ReceivedMessage[],
  failures: readonly FailedRecord[],
): BatchReply | undefined => {
  const reports = messages.length > 0 && messages.some(({ source }) => source.partialFailures !== 'none');
  if (failures.length === 0) return reports ? { batchItemFailures: [] } : undefined;
  const batchItemFailures: { itemIdentifier: string | { partition: string; offset: number } }[] = [];
  const groups = new Set<string>();
  for (const { message } of [...failures].sort((a, b) => a.message.index - b.message.index)) {
    const identifier = identifierOf(message);
    if (message.source.partialFailures === 'none' || identifier === undefined) throw thrownBy(failures);
    // The first one of a shard or partition is its checkpoint: everything after it comes again anyway.
    if (message.source.partialFailures === 'by-first') {
      const group = message.details.groupId ?? '';
      if (groups.has(group)) continue;
      groups.add(group);
    }
    batchItemFailures.push({ itemIdentifier: identifier });
  }
  return { batchItemFailures };
};

const identifierOf = (message: ReceivedMessage): string | { partition: string; offset: number } | undefined => {
  const { failureId, groupId, offset } = message.details;
  if (message.source.name !== 'kafka') return failureId === '' ? undefined : failureId;
  if (groupId === undefined || offset === undefined) return undefined;
  return { partition: groupId, offset: Number(offset) };
};

/** One error as it was thrown; several together. */
const thrownBy = (failures: readonly FailedRecord[]): unknown => {
  const thrown = failures.map((failure) => failure.thrown).filter((each) => each !== undefined);
  if (thrown.length === 1) return thrown[0];
  const errors = thrown.map((each) => (each instanceof Error ? each : new Error(String(each))));
  return new AggregateError(errors, Failure.from(errors[0] ?? 'records failed').message);
};
