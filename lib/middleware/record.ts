import { type Context, context, type Span, type SpanContext, SpanKind, trace } from '@opentelemetry/api';
import type { AttributeMap } from '../telemetry/semconv.ts';
import { spelled } from '../telemetry/spelled.ts';
import { type AttemptOptions, attemptSpanId, linkEarlier, markAttempt } from './attempts.ts';
import type { FailedRecord } from './batch-reply.ts';
import { withSpan } from './binding.ts';
import { type Invocation, relate } from './invocation.ts';
import { messageAttributes } from './process-span.ts';
import type { ReceivedMessage } from './received.ts';
import {
  conventionsIn,
  errorTypeOf,
  fail,
  type MessageSpans,
  type MessageTracer,
  now,
  propagationOf,
  type RecordOutcome,
  type TracingOptions,
  withCarried,
} from './tracing.ts';

/** Handles one record; its span is active meanwhile. A rejection is this record's failure and nobody else's. */
export type RecordHandler = (message: ReceivedMessage, span: Span) => unknown;

/** The records of one call of `eachRecord`, and what has become of them. */
export interface Batch {
  readonly options: TracingOptions;
  readonly handle: RecordHandler;
  readonly messages: readonly ReceivedMessage[];
  readonly ambient: Context;
  readonly invocation: Invocation | undefined;
  readonly tracer: MessageTracer;
  readonly asParent: boolean;
  /** Of the first record. */
  readonly destination: string | undefined;
  /** Span name of the first record; records of other destinations get their own. */
  readonly name: string;
  /** The span that is active around the batch. */
  readonly parent: SpanContext | undefined;
  /** Records spans that share what they can; undefined where each needs a start of its own. */
  spans: MessageSpans | undefined;
  readonly failures: FailedRecord[];
  /** Groups in which a record has failed. */
  stopped: Set<string> | undefined;
  /** By index: records that are being handled, for the deadline to close them, and those that have come to their end. */
  readonly states: (Opened | 'finished' | undefined)[];
  expired: boolean;
}

/** A record under way: as a rule its span, which is the context that is active meanwhile. */
export type Opened = Own | (Span & Context);

/** Where there is more to it than a span in the context of the batch. */
export class Own {
  readonly span: Span;
  /** The span continues its sender's trace. */
  readonly asParent: boolean;
  readonly scope: Context;
  /** False where the span is the invocation's own for its only message. */
  readonly ends: boolean;
  constructor(span: Span, asParent: boolean, scope: Context, ends: boolean) {
    this.span = span;
    this.asParent = asParent;
    this.scope = scope;
    this.ends = ends;
  }
}

export const spanIn = (opened: Opened): Span => (opened instanceof Own ? opened.span : opened);

/** Opens the record's span; undefined when the record is not to be handled any more. `follows`: nothing was waited for since the last one. */
export const begin = (batch: Batch, message: ReceivedMessage, follows: boolean): Opened | undefined => {
  if (batch.expired) return undefined;
  const group = batch.failures.length === 0 ? undefined : groupOf(message);
  if (group !== undefined && batch.stopped?.has(group) === true) {
    batch.failures.push({ message, thrown: undefined });
    batch.states[message.index] = 'finished';
    tell(batch, message, 'deferred');
    return undefined;
  }
  const opened = open(batch, message, follows);
  batch.states[message.index] = opened;
  return opened;
};

/** Arguments instead of a closure: one allocation less for every record. */
export const call = (batch: Batch, message: ReceivedMessage, opened: Opened): unknown =>
  opened instanceof Own
    ? context.with(opened.scope, batch.handle, undefined, message, opened.span)
    : context.with(opened, batch.handle, undefined, message, opened);

/** True where the record's span has just ended: the next one can start at that time. */
export const finish = (
  batch: Batch,
  message: ReceivedMessage,
  opened: Opened,
  thrown?: unknown,
  failed = false,
): boolean => {
  // What ends after the deadline has been reported as failed already.
  if (batch.expired) return false;
  if (failed) note(batch, message, opened, thrown);
  if (batch.options.onRecord !== undefined) tell(batch, message, failed ? 'failed' : 'ok', opened);
  batch.states[message.index] = 'finished';
  const span = spanIn(opened);
  // A handler may have ended it before it was done.
  const endsNow = span.isRecording();
  if (!(opened instanceof Own) || opened.ends) span.end();
  return endsNow;
};

/** In the scope of the record, so that what is measured can name its span. */
export const tell = (
  { options }: Batch,
  message: ReceivedMessage,
  outcome: RecordOutcome['outcome'],
  opened?: Opened,
): void => {
  const { onRecord } = options;
  if (onRecord === undefined) return;
  const record = {
    source: message.source.name,
    outcome,
    format: message.extracted(propagationOf(options)).format ?? 'none',
  };
  if (opened === undefined) onRecord(record);
  else context.with(opened instanceof Own ? opened.scope : opened, onRecord, undefined, record);
};

/** The group within which order counts: of FIFO queues (on standard queues a group is for fairness only), shards and partitions. */
export const groupOf = ({ source, details }: ReceivedMessage): string | undefined => {
  if (source.partialFailures === 'by-first') return details.groupId ?? '';
  if (source.partialFailures === 'by-group') return details.groupId;
  return details.arn?.endsWith('.fifo') === true ? (details.groupId ?? '') : undefined;
};

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';

const open = (batch: Batch, message: ReceivedMessage, follows: boolean): Opened => {
  const { options, ambient, invocation, tracer, parent, spans } = batch;
  const single = invocation?.single;
  if (single !== undefined) return new Own(single.span, single.asParent, ambient, false);
  const found = message.extracted(propagationOf(options));
  const { destination } = message;
  const name = destination === batch.destination ? batch.name : `process ${destination}`;
  if (spans !== undefined) {
    const span = spans.start(message, name, follows);
    const onlySpan = found.baggage === undefined && found.start === undefined;
    return onlySpan ? span : new Own(span, false, withSpan(withCarried(ambient, found), span), true);
  }
  const asParent = batch.asParent && found.context !== undefined;
  const { base, links } = relate(ambient, asParent, message, options);
  // A record that only says how its trace is to start starts one, where records are in traces of their own.
  const startsOwn = batch.asParent && found.start !== undefined;
  if (startsOwn && parent !== undefined) links.push({ context: parent });
  const startIn = withCarried(startsOwn ? trace.deleteSpan(base) : base, found);
  const attributes = attributesOf(options, message, now(options));
  const spanId = attemptSpanId(message);
  const how: AttemptOptions = { kind: SpanKind.CONSUMER, attributes, links, spanId, handsOver: true };
  const span = tracer.startSpan(name, how, startIn);
  linkEarlier(span, message, spanId, options, asParent);
  return new Own(span, asParent, withSpan(startIn, span), true);
};

export const attributesOf = (options: TracingOptions, message: ReceivedMessage, at: number): AttributeMap =>
  spelled(messageAttributes(options, message, at), conventionsIn(options));

/** Everything that is said of a failure: on the span, in one line, in the reply. */
export const note = (batch: Batch, message: ReceivedMessage, opened: Opened, thrown: unknown): void => {
  const span = spanIn(opened);
  fail(span, thrown);
  batch.failures.push({ message, thrown });
  const group = groupOf(message);
  if (group !== undefined) {
    batch.stopped ??= new Set();
    batch.stopped.add(group);
  }
  if (!(opened instanceof Own && opened.asParent)) markAttempt(batch, message, span);
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
