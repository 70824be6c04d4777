import type { Queue, QueueMessage } from '../../../lib/model/ports.ts';
import type { Time } from './time.ts';

export interface QueueFaults {
  /** Share of messages that are delivered a second time, deleted or not. */
  readonly duplicates?: number;
  /** Messages overtake each other by up to so many milliseconds. */
  readonly reorderMs?: number;
}

interface Entry {
  readonly id: number;
  readonly body: string;
  /** SQS's SentTimestamp: it stays, however often the message is received. */
  readonly sentAt: number;
  receives: number;
  deleted: boolean;
}

/**
 * A standard SQS queue and its event source mapping: at-least-once, out of order, a visibility timeout, a delay of up to 900 s, a
 * redrive policy, batches of up to ten, so many invocations at a time.
 */
export const simulatedQueue = (options: {
  readonly time: Time;
  readonly random: () => number;
  readonly visibilityMs: number;
  readonly maxReceiveCount: number;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly faults?: QueueFaults;
  /** Answers the indexes that failed; rejects when the whole invocation died. */
  readonly invoke: (
    messages: readonly { readonly body: string; readonly sentAt: number }[],
  ) => Promise<ReadonlySet<number>>;
  readonly dead: (body: string) => void;
}) => {
  const { time, random, faults = {} } = options;
  const visible: Entry[] = [];
  let running = 0;
  let sent = 0;
  let invocations = 0;
  let pollDue = false;
  const arrive = (entry: Entry): void => {
    if (entry.deleted) return;
    visible.push(entry);
    poll();
  };
  const poll = (): void => {
    if (pollDue || running >= options.concurrency || visible.length === 0) return;
    pollDue = true;
    // A poller gathers for a moment.
    time.at(time.now() + 2 + Math.floor(random() * 20), () => {
      pollDue = false;
      while (running < options.concurrency && visible.length > 0) void receive(visible.splice(0, options.batchSize));
    });
  };
  const receive = async (batch: readonly Entry[]): Promise<void> => {
    running += 1;
    const taken: Entry[] = [];
    for (const entry of batch) {
      entry.receives += 1;
      if (entry.receives > options.maxReceiveCount) {
        entry.deleted = true;
        options.dead(entry.body);
        continue;
      }
      taken.push(entry);
      // Another server of the service has not heard of the receipt, nor will it of the deletion.
      if (random() < (faults.duplicates ?? 0)) {
        const ghost: Entry = { ...entry, deleted: false };
        time.at(time.now() + Math.floor(random() * 30_000), () => arrive(ghost));
      }
    }
    const hiddenUntil = time.now() + options.visibilityMs;
    invocations += 1;
    let failed: ReadonlySet<number> | undefined;
    try {
      failed = await options.invoke(taken);
    } catch {
      failed = undefined;
    }
    for (const [at, entry] of taken.entries()) {
      if (failed !== undefined && !failed.has(at)) entry.deleted = true;
      else time.at(hiddenUntil, () => arrive(entry));
    }
    running -= 1;
    poll();
  };
  const send = (message: QueueMessage): void => {
    const { delaySeconds = 0 } = message;
    if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > 900)
      throw new Error(`InvalidParameterValue: DelaySeconds ${delaySeconds}`);
    if (Buffer.byteLength(message.body) > 1_048_576) throw new Error('InvalidMessageContents: longer than 1 MiB');
    const entry: Entry = { id: sent++, body: message.body, sentAt: time.now(), receives: 0, deleted: false };
    const late = Math.floor(random() * (faults.reorderMs ?? 0));
    time.at(time.now() + delaySeconds * 1000 + late, () => arrive(entry));
  };
  const queue: Queue = { send: async (messages) => messages.forEach(send) };
  return { queue, stats: () => ({ sent, invocations }) };
};
