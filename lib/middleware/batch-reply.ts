import { type BatchReply, batchReply as replyFor } from '../message/batch-reply.ts';
import { Failure } from '../model/failure.ts';
import type { ReceivedMessage } from './received.ts';

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
  if (failures.length === 0) {
    const reports = messages.some(({ source }) => source.partialFailures !== 'none');
    return reports ? { batchItemFailures: [] } : undefined;
  }
  const reply = replyFor(messages, new Set(failures.map(({ message }) => message)));
  if (reply === undefined) throw thrownBy(failures);
  return reply;
};

/** One error as it was thrown; several together. */
const thrownBy = (failures: readonly FailedRecord[]): unknown => {
  const thrown = failures.map((failure) => failure.thrown).filter((each) => each !== undefined);
  if (thrown.length === 1) return thrown[0];
  const errors = thrown.map((each) => (each instanceof Error ? each : new Error(String(each))));
  return new AggregateError(errors, Failure.from(errors[0] ?? 'records failed').message);
};

export type { BatchReply };
