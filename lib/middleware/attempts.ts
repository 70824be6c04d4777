import { type Context, type Span, SpanKind, type SpanOptions, type Tracer, trace } from '@opentelemetry/api';
import type { SpanLink } from '../model/span.ts';
import { ownNames } from '../telemetry/semconv.ts';
import { attemptId } from './attempt-id.ts';
import { withSpan } from './binding.ts';
import type { ReceivedMessage } from './received.ts';
import { propagationOf, spanContextOf, type TracingOptions, wireLinkOf } from './tracing.ts';

/** A tracer that can is asked for a certain span id; others ignore the field, and no link is made to what does not exist. */
export interface AttemptOptions extends SpanOptions {
  readonly spanId?: string | undefined;
  /** The attributes were made for this span alone: our tracer keeps them without a copy. */
  readonly handsOver?: true;
}

/** The span id of this delivery of a message; undefined where the trigger gives messages no id. */
export const attemptSpanId = (message: ReceivedMessage): string | undefined => {
  const { messageId } = message;
  return messageId === undefined ? undefined : attemptId(messageId, message.receiveCount ?? 1);
};

/**
 * Links a redelivered message to its earlier attempt. That one is in the sender's trace: as the span of the attempt where records
 * continue it, else as the mark that `markAttempt` left there.
 */
export const linkEarlier = (
  span: Span,
  message: ReceivedMessage,
  spanId: string | undefined,
  options: TracingOptions,
  asParent: boolean,
): void => {
  const { messageId = '', receiveCount = 1 } = message;
  if (receiveCount < 2 || spanId === undefined || span.spanContext().spanId !== spanId) return;
  const found = message.extracted(propagationOf(options)).context;
  if (found === undefined) return;
  const earlier = attemptId(asParent ? messageId : markOf(messageId), receiveCount - 1);
  span.addLink({ context: { ...spanContextOf(found), spanId: earlier }, attributes: earlierAttempt });
};

/** The same for a span of our own in `link` relation, among the links that it is told. */
export const withEarlier = (
  links: readonly SpanLink[],
  message: ReceivedMessage,
  options: TracingOptions,
): readonly SpanLink[] => {
  const { messageId, receiveCount = 1 } = message;
  const found = receiveCount < 2 ? undefined : message.extracted(propagationOf(options)).context;
  if (found === undefined || messageId === undefined) return links;
  const spanId = attemptId(markOf(messageId), receiveCount - 1);
  return [...links, { ...wireLinkOf(found), spanId, attributes: earlierAttempt }];
};

const earlierAttempt = Object.freeze({ [ownNames.linkReason]: 'earlier-attempt' });

/**
 * Leaves a mark of a failed attempt in the sender's trace, for the next attempt to link to: in `link` relation the attempt itself
 * is in a trace whose id the next one cannot know. The sender's trace then also shows that its message was not processed.
 */
export const markAttempt = (
  {
    tracer,
    ambient,
    options,
  }: { readonly tracer: Tracer; readonly ambient: Context; readonly options: TracingOptions },
  message: ReceivedMessage,
  span: Span,
): void => {
  const found = message.extracted(propagationOf(options)).context;
  const { messageId, receiveCount = 1, destination = '' } = message.details;
  if (found === undefined || messageId === undefined) return;
  if (span.spanContext().spanId !== attemptId(messageId, receiveCount)) return;
  const how: AttemptOptions = {
    kind: SpanKind.INTERNAL,
    attributes: { [ownNames.receiveCount]: receiveCount },
    links: [{ context: span.spanContext() }],
    spanId: attemptId(markOf(messageId), receiveCount),
  };
  const sender = withSpan(ambient, trace.wrapSpanContext(spanContextOf(found)));
  tracer.startSpan(`failed attempt ${destination}`, how, sender).end();
};

const markOf = (messageId: string): string => `${messageId}/mark`;
