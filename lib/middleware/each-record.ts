import { context, trace } from '@opentelemetry/api';
import { InOrder } from '#tidemark.in-order';
import { messageSpans } from '#tidemark.message-spans';
import { Failure } from '../model/failure.ts';
import { type BatchReply, batchReply } from './batch-reply.ts';
import { invocationOf } from './invocation.ts';
import { processName } from './process-span.ts';
import { type ReceivedMessage, received } from './received.ts';
import {
  type Batch,
  begin,
  call,
  finish,
  groupOf,
  isThenable,
  note,
  Own,
  type RecordHandler,
  spanIn,
  tell,
} from './record.ts';
import { type Relation, type TracingOptions, tracerOf } from './tracing.ts';

export type { RecordHandler } from './record.ts';

export interface EachRecordOptions extends TracingOptions {
  /**
   * `auto`: a single record continues its sender's trace, several are linked to theirs. `parent`: each record continues its sender's
   * trace. `link`: none does. Whatever is not the parent becomes a link. @default 'auto'
   */
  readonly relation?: Relation | undefined;
  /** How many records are handled at a time. Records of one FIFO group, shard or partition always follow each other. @default 1 */
  readonly concurrency?: number | undefined;
}

/**
 * Handles every record of an event inside a CONSUMER span of its own, and answers with the partial-batch response of the trigger.
 * A failed record is marked on its span, logged once and reported; after it, the rest of its FIFO group, shard or partition is not
 * begun. Where the trigger knows no partial failures, what the records threw is thrown. Near the deadline it answers with what is done.
 */
export const eachRecord = (
  event: unknown,
  handle: RecordHandler,
  options: EachRecordOptions = {},
): Promise<BatchReply | undefined> => {
  const ambient = context.active();
  const invocation = invocationOf(ambient, event);
  const messages = invocation?.messages ?? received(event);
  const batch: Batch = {
    options,
    handle,
    messages,
    ambient,
    invocation,
    tracer: tracerOf(options),
    asParent: options.relation === 'parent' || (options.relation !== 'link' && messages.length === 1),
    destination: messages[0]?.destination,
    name: processName(messages, 1),
    parent: trace.getSpanContext(ambient),
    spans: undefined,
    failures: [],
    stopped: undefined,
    states: new Array(messages.length),
    expired: false,
  };
  batch.spans = messageSpans(batch);
  return new Promise((resolve, reject) => {
    const settled = (): void => {
      try {
        resolve(batchReply(messages, batch.failures));
      } catch (thrown) {
        reject(thrown);
      }
    };
    if (invocation !== undefined) {
      invocation.taken = true;
      // Resolves early when the deadline nears: what is done is done, the rest is reported and comes again.
      invocation.expire = () => {
        expire(batch);
        settled();
      };
    }
    const { concurrency = 1 } = options;
    if (concurrency > 1) runLanes(batch, concurrency).then(settled, reject);
    else runInOrder(batch, settled, reject);
  });
};

const runInOrder = (batch: Batch, settled: () => void, rejected: (thrown: unknown) => void): void => {
  const { inLane } = batch.options;
  if (batch.asParent || inLane === undefined) new InOrder(batch, undefined, settled, rejected).go();
  else inLane(batch.ambient, (lane) => new InOrder(batch, lane, settled, rejected).go());
};

const expire = (batch: Batch): void => {
  batch.expired = true;
  const failure = new Failure('timeout', 'the deadline of the function came before the record was done');
  for (const message of batch.messages) {
    const opened = batch.states[message.index];
    if (opened === 'finished') continue;
    if (opened === undefined) {
      batch.failures.push({ message, thrown: failure });
      tell(batch, message, 'deferred');
    } else {
      note(batch, message, opened, failure);
      tell(batch, message, 'failed', opened);
      if (!(opened instanceof Own) || opened.ends) spanIn(opened).end();
    }
  }
};

/** Lanes of records that must follow each other, worked off by so many at a time. */
const runLanes = async (batch: Batch, concurrency: number): Promise<void> => {
  const lanes = new Map<unknown, ReceivedMessage[]>();
  for (const message of batch.messages) {
    const group = groupOf(message) ?? message;
    const lane = lanes.get(group);
    if (lane === undefined) lanes.set(group, [message]);
    else lane.push(message);
  }
  const waiting = lanes.values();
  const work = async (): Promise<void> => {
    for (const lane of waiting) for (const message of lane) await handleOne(batch, message);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, lanes.size) }, work));
};

const handleOne = async (batch: Batch, message: ReceivedMessage): Promise<void> => {
  const opened = begin(batch, message, false);
  if (opened === undefined) return;
  try {
    const pending = call(batch, message, opened);
    if (isThenable(pending)) await pending;
    finish(batch, message, opened);
  } catch (thrown) {
    finish(batch, message, opened, thrown, true);
  }
};
