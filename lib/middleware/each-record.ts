import { type Context, context, type Span, type SpanContext, SpanKind, trace } from '@opentelemetry/api';
import { Failure } from '../model/failure.ts';
import { type AttributeMap, spelled } from '../telemetry/semconv.ts';
import { type AttemptOptions, attemptSpanId, linkEarlier, markAttempt } from './attempts.ts';
import { type BatchReply, batchReply, type FailedRecord } from './batch-reply.ts';
import { withSpan } from './binding.ts';
import { type Invocation, invocationOf, relate } from './invocation.ts';
import { messageAttributes, processName } from './process-span.ts';
import { type ReceivedMessage, received } from './received.ts';
import {
  conventionsIn,
  errorTypeOf,
  fail,
  type Lane,
  type MessageTracer,
  now,
  propagationOf,
  type RecordOutcome,
  type Relation,
  type TracingOptions,
  tracerOf,
  wireLinksOf,
  withCarried,
} from './tracing.ts';

export interface EachRecordOptions extends TracingOptions {
  /**
   * `auto`: a single record continues its sender's trace, several are linked to theirs. `parent`: each record continues its sender's
   * trace. `link`: none does. Whatever is not the parent becomes a link. @default 'auto'
   */
  readonly relation?: Relation | undefined;
  /** How many records are handled at a time. Records of one FIFO group, shard or partition always follow each other. @default 1 */
  readonly concurrency?: number | undefined;
}

/** Handles one record; its span is active meanwhile. A rejection is this record's failure and nobody else's. */
export type RecordHandler = (message: ReceivedMessage, span: Span) => unknown;

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
    name: processName(messages, 1),
    parent: trace.getSpanContext(ambient),
    failures: [],
    stopped: undefined,
    states: new Array(messages.length),
    expired: false,
  };
  if (invocation === undefined) return run(batch);
  invocation.taken = true;
  return runWithDeadline(batch, invocation);
};

interface Batch {
  readonly options: EachRecordOptions;
  readonly handle: RecordHandler;
  readonly messages: readonly ReceivedMessage[];
  readonly ambient: Context;
  readonly invocation: Invocation | undefined;
  readonly tracer: MessageTracer;
  readonly asParent: boolean;
  /** Span name of the first record; records of other destinations get their own. */
  readonly name: string;
  /** The span that is active around the batch. */
  readonly parent: SpanContext | undefined;
  readonly failures: FailedRecord[];
  /** Groups in which a record has failed. */
  stopped: Set<string> | undefined;
  /** By index: records that are being handled, for the deadline to close them, and those that have come to their end. */
  readonly states: (Own | 'finished' | undefined)[];
  expired: boolean;
}

const run = async (batch: Batch): Promise<BatchReply | undefined> => {
  const { messages, options, asParent, ambient } = batch;
  const { concurrency = 1, inLane } = options;
  if (concurrency > 1 && messages.length > 1) await runLanes(batch, concurrency);
  else if (asParent || inLane === undefined) await runInOrder(batch, undefined);
  else await inLane(ambient, (lane) => runInOrder(batch, lane));
  return batchReply(messages, batch.failures);
};

/**
 * As `handleOne` for each, without an async call and its promise for every record. In a lane they share an asynchronous context too,
 * which is half of what a record would cost (adr 0018).
 */
const runInOrder = async (batch: Batch, lane: Lane | undefined): Promise<void> => {
  for (const message of batch.messages) {
    const own = begin(batch, message);
    if (own === undefined) continue;
    try {
      const pending =
        lane !== undefined && enters(lane, own) ? batch.handle(message, own.span) : call(batch, message, own);
      if (isThenable(pending)) await pending;
      finish(batch, message, own);
    } catch (thrown) {
      finish(batch, message, own, thrown, true);
    }
  }
  if (lane !== undefined) lane.current = batch.ambient;
};

/** Makes the record's context the active one of the lane; false where that is not all it takes, or not what is active then. */
const enters = (lane: Lane, own: Own): boolean => {
  if (!own.onlySpan) return false;
  lane.current = own.scope;
  return context.active() === own.scope;
};

/** Resolves early when the deadline nears: what is done is done, the rest is reported and comes again. */
const runWithDeadline = (batch: Batch, invocation: Invocation): Promise<BatchReply | undefined> =>
  new Promise((resolve, reject) => {
    invocation.expire = () => {
      try {
        resolve(expire(batch));
      } catch (thrown) {
        reject(thrown);
      }
    };
    run(batch).then(resolve, reject);
  });

const expire = (batch: Batch): BatchReply | undefined => {
  batch.expired = true;
  const failure = new Failure('timeout', 'the deadline of the function came before the record was done');
  for (const message of batch.messages) {
    const own = batch.states[message.index];
    if (own === 'finished') continue;
    if (own === undefined) {
      batch.failures.push({ message, thrown: failure });
      tell(batch, message, 'deferred');
    } else {
      note(batch, message, own, failure);
      tell(batch, message, 'failed', own);
      if (own.ends) own.span.end();
    }
  }
  return batchReply(batch.messages, batch.failures);
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

/** The group within which order counts: of FIFO queues (on standard queues a group is for fairness only), shards and partitions. */
const groupOf = ({ source, details }: ReceivedMessage): string | undefined => {
  if (source.partialFailures === 'by-first') return details.groupId ?? '';
  if (source.partialFailures === 'by-group') return details.groupId;
  return details.arn?.endsWith('.fifo') === true ? (details.groupId ?? '') : undefined;
};

const handleOne = async (batch: Batch, message: ReceivedMessage): Promise<void> => {
  const own = begin(batch, message);
  if (own === undefined) return;
  try {
    const pending = call(batch, message, own);
    if (isThenable(pending)) await pending;
    finish(batch, message, own);
  } catch (thrown) {
    finish(batch, message, own, thrown, true);
  }
};

/** Opens the record's span; undefined when the record is not to be handled any more. */
const begin = (batch: Batch, message: ReceivedMessage): Own | undefined => {
  if (batch.expired) return undefined;
  const group = batch.failures.length === 0 ? undefined : groupOf(message);
  if (group !== undefined && batch.stopped?.has(group) === true) {
    batch.failures.push({ message, thrown: undefined });
    batch.states[message.index] = 'finished';
    tell(batch, message, 'deferred');
    return undefined;
  }
  const own = spanOf(batch, message);
  batch.states[message.index] = own;
  return own;
};

/** Arguments instead of a closure: one allocation less for every record. */
const call = (batch: Batch, message: ReceivedMessage, own: Own): unknown =>
  context.with(own.scope, batch.handle, undefined, message, own.span);

const finish = (batch: Batch, message: ReceivedMessage, own: Own, thrown?: unknown, failed = false): void => {
  // What ends after the deadline has been reported as failed already.
  if (batch.expired) return;
  if (failed) note(batch, message, own, thrown);
  tell(batch, message, failed ? 'failed' : 'ok', own);
  batch.states[message.index] = 'finished';
  if (own.ends) own.span.end();
};

/** In the scope of the record, so that what is measured can name its span. */
const tell = ({ options }: Batch, message: ReceivedMessage, outcome: RecordOutcome['outcome'], own?: Own): void => {
  const { onRecord } = options;
  if (onRecord === undefined) return;
  const record = {
    source: message.source.name,
    outcome,
    format: message.extracted(propagationOf(options)).format ?? 'none',
  };
  if (own === undefined) onRecord(record);
  else context.with(own.scope, onRecord, undefined, record);
};

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';

interface Own {
  readonly span: Span;
  /** The span continues its sender's trace. */
  readonly asParent: boolean;
  readonly scope: Context;
  /** `scope` is that of the batch with the span, and nothing else. */
  readonly onlySpan: boolean;
  /** False where the span is the invocation's own for its only message. */
  readonly ends: boolean;
}

const spanOf = (batch: Batch, message: ReceivedMessage): Own => {
  const { options, ambient, invocation, tracer, parent } = batch;
  const single = invocation?.single;
  if (single !== undefined) return { ...single, scope: ambient, onlySpan: false, ends: false };
  const found = message.extracted(propagationOf(options));
  const asParent = batch.asParent && found.context !== undefined;
  const { destination } = message.details;
  const name = destination === batch.messages[0]?.details.destination ? batch.name : `process ${destination}`;
  const spanId = attemptSpanId(message);
  if (tracer.startMessageSpan !== undefined && parent !== undefined && !batch.asParent) {
    const attributes = attributesOf(options, message);
    const kind = SpanKind.CONSUMER;
    const links = wireLinksOf(found, false);
    const span = tracer.startMessageSpan(name, kind, ambient, parent, spanId, attributes, links);
    linkEarlier(span, message, spanId, options, false);
    const onlySpan = found.baggage === undefined && found.start === undefined;
    return { span, asParent, scope: withSpan(withCarried(ambient, found), span), onlySpan, ends: true };
  }
  const { base, links } = relate(ambient, asParent, message, options);
  // A record that only says how its trace is to start starts one, where records are in traces of their own.
  const startsOwn = batch.asParent && found.start !== undefined;
  if (startsOwn && parent !== undefined) links.push({ context: parent });
  const startIn = withCarried(startsOwn ? trace.deleteSpan(base) : base, found);
  const attributes = attributesOf(options, message);
  const how: AttemptOptions = { kind: SpanKind.CONSUMER, attributes, links, spanId, handsOver: true };
  const span = tracer.startSpan(name, how, startIn);
  linkEarlier(span, message, spanId, options, asParent);
  return { span, asParent, scope: withSpan(startIn, span), onlySpan: false, ends: true };
};

const attributesOf = (options: EachRecordOptions, message: ReceivedMessage): AttributeMap =>
  spelled(messageAttributes(options, message, now(options)), conventionsIn(options));

/** Everything that is said of a failure: on the span, in one line, in the reply. */
const note = (batch: Batch, message: ReceivedMessage, { span, asParent }: Own, thrown: unknown): void => {
  fail(span, thrown);
  batch.failures.push({ message, thrown });
  const group = groupOf(message);
  if (group !== undefined) {
    batch.stopped ??= new Set();
    batch.stopped.add(group);
  }
  if (!asParent) markAttempt(batch, message, span);
  const { traceId, spanId } = span.spanContext();
  batch.options.log?.('error', 'record failed', {
    source: message.source.name,
    destination: message.details.destination,
    messageId: message.details.messageId,
    receiveCount: message.details.receiveCount,
    index: message.index,
    errorType: errorTypeOf(thrown),
    error: thrown instanceof Error ? thrown.message : String(thrown),
    traceId,
    spanId,
  });
};
