import {
  type Context,
  context,
  createContextKey,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { Failure } from '../model/failure.ts';
import { type AttributeMap, names, ownNames } from '../telemetry/semconv.ts';
import { spelled } from '../telemetry/spelled.ts';
import { type AttemptOptions, attemptSpanId, linkEarlier } from './attempts.ts';
import { Binding, root, withSpan } from './binding.ts';
import { unwatch, type Watch, watch } from './deadlines.ts';
import { flush } from './flush.ts';
import { batchAttributes, messageAttributes, processName } from './process-span.ts';
import { type ReceivedMessage, received } from './received.ts';
import {
  conventionsIn,
  fail,
  linkOf,
  now,
  propagationOf,
  type Relation,
  spanContextOf,
  type TracingOptions,
  tracerOf,
  withCarried,
  withStart,
} from './tracing.ts';

/** What is traced of an invocation besides what every traced thing may be told. */
export interface InvocationOptions extends TracingOptions {
  /** semconv `faas.trigger`. @default as the event says */
  readonly trigger?: 'datasource' | 'http' | 'pubsub' | 'timer' | 'other' | undefined;
  /** How the span of a single message relates to its context; `eachRecord` then uses that span. @default 'auto': it continues the sender's trace */
  readonly relation?: Relation | undefined;
  /** Longest wait for the flush. @default 2000 */
  readonly flushTimeoutMs?: number | undefined;
  /** How long before the deadline unfinished spans are closed and flushed. @default 1000, a quarter of the time at most */
  readonly deadlineMarginMs?: number | undefined;
}

/** The part of a Lambda context that is used. */
export interface LambdaContext {
  readonly functionName?: string;
  readonly functionVersion?: string;
  readonly awsRequestId?: string;
  readonly invokedFunctionArn?: string;
  readonly clientContext?: unknown;
  readonly getRemainingTimeInMillis?: () => number;
}

/** One invocation under way; `eachRecord` finds it in the active context. */
export interface Invocation {
  readonly event: unknown;
  readonly messages: readonly ReceivedMessage[];
  /** The span that processes the only message of the event, when it continues that message's trace or links to it. */
  single: { readonly span: Span; readonly asParent: boolean } | undefined;
  /** Set by `eachRecord`: its records link to their contexts themselves, and its failures are told by record. */
  taken: boolean;
  /** Called when the deadline is near; a batch then answers with what is done. */
  expire: (() => void) | undefined;
}

export const invocationKey = createContextKey('tidemark.invocation');

/** The invocation that is under way here, if it is one of this event. */
export const invocationOf = (active: Context, event: unknown): Invocation | undefined => {
  const invocation = active.getValue(invocationKey) as Invocation | undefined;
  return invocation !== undefined && invocation.event === event ? invocation : undefined;
};

/** Runs the work of one invocation inside its spans, and flushes before it answers, however the work ends. */
export const runInvocation = async <Answer>(
  options: InvocationOptions,
  event: unknown,
  lambda: LambdaContext | undefined,
  work: () => Answer | Promise<Answer>,
): Promise<Answer> => {
  const running = begin(options, event, lambda);
  const deadline = watchDeadline(options, running, lambda);
  try {
    const answer = await context.with(running.scope, work);
    if (running.spans.length > 0) noteAnswer(running, answer);
    return answer;
  } catch (thrown) {
    // A single record's span already tells of its failure.
    const { single, taken } = running.invocation;
    for (const span of running.spans) if (!taken || span !== single?.span) fail(span, thrown);
    throw thrown;
  } finally {
    if (deadline !== undefined) unwatch(deadline);
    end(options, running);
    const left = lambda?.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
    const pending = flush(options, Math.min(options.flushTimeoutMs ?? 2000, Math.max(0, left - 50)));
    if (pending !== undefined) await pending;
  }
};

interface Running {
  invocation: Invocation;
  scope: Context;
  /** Innermost last. */
  spans: readonly Span[];
  readonly trigger: string;
  ended: boolean;
}

let cold = true;

const begin = (options: InvocationOptions, event: unknown, lambda: LambdaContext | undefined): Running => {
  const messages = received(event, lambda);
  const first = messages[0];
  const trigger = options.trigger ?? first?.source.trigger ?? 'other';
  const invocation: Invocation = { event, messages, single: undefined, taken: false, expire: undefined };
  const running: Running = { invocation, scope: context.active(), spans: none, trigger, ended: false };
  // Under a layer that has already opened the invocation span, that one is the invocation span.
  if (!hasSpan(running.scope)) startInvocation(options, running, lambda);
  if (first !== undefined && isMessaging(first)) {
    if (messages.length === 1) startSingle(options, running, first);
    else startBatch(options, running);
  }
  cold = false;
  running.scope = new Binding(running.scope, invocationKey, invocation);
  return running;
};

const none: readonly Span[] = [];

const isMessaging = ({ source }: ReceivedMessage): boolean => source.system !== undefined;

const startInvocation = (options: InvocationOptions, running: Running, lambda: LambdaContext | undefined): void => {
  const { messages } = running.invocation;
  const first = messages[0];
  const using = propagationOf(options);
  const name = lambda?.functionName ?? 'invoke';
  const attributes = invocationAttributes(lambda, running.trigger);
  if (first === undefined || isMessaging(first)) {
    // What a single message says of a trace to start is said of this one; of several it would be anybody's word.
    const only = messages.length === 1 ? first?.extracted(using) : undefined;
    start(options, running, withStart(root, only), name, { attributes, kind: SpanKind.SERVER, handsOver: true });
    return;
  }
  // A call: its context is the parent.
  const found = first.extracted(using);
  const base = withCarried(root, found);
  const parent =
    found.context === undefined ? base : withSpan(base, trace.wrapSpanContext(spanContextOf(found.context)));
  const links = found.links.map(linkOf);
  start(options, running, parent, name, { attributes, kind: SpanKind.SERVER, links, handsOver: true });
};

const startSingle = (options: InvocationOptions, running: Running, message: ReceivedMessage): void => {
  const { invocation } = running;
  const attributes = messageAttributes(options, message, now(options));
  const found = message.extracted(propagationOf(options));
  const asParent = found.context !== undefined && options.relation !== 'link';
  const { base, links } = relate(running.scope, asParent, message, options);
  const spanId = attemptSpanId(message);
  const how: AttemptOptions = { attributes, kind: SpanKind.CONSUMER, links, spanId, handsOver: true };
  const span = start(options, running, withCarried(base, found), processName(invocation.messages), how);
  invocation.single = { span, asParent };
  linkEarlier(span, message, spanId, options, asParent);
};

const startBatch = (options: InvocationOptions, running: Running): void => {
  const { messages } = running.invocation;
  const attributes = batchAttributes(messages);
  const how: AttemptOptions = { attributes, kind: SpanKind.CONSUMER, handsOver: true };
  start(options, running, running.scope, processName(messages), how);
};

/** Starts a span inside of what is running, and makes it the active one. */
const start = (
  options: InvocationOptions,
  running: Running,
  base: Context,
  name: string,
  how: AttemptOptions,
): Span => {
  if (how.attributes !== undefined) spelled(how.attributes as AttributeMap, conventionsIn(options));
  const span = tracerOf(options).startSpan(name, how, base);
  running.spans = running.spans.length === 0 ? [span] : [...running.spans, span];
  running.scope = withSpan(base, span);
  return span;
};

/** The context that a record's span starts in, and what it links to. */
export const relate = (
  ambient: Context,
  asParent: boolean,
  message: ReceivedMessage,
  options: TracingOptions,
): { base: Context; links: Link[] } => {
  const found = message.extracted(propagationOf(options));
  const losers = found.links.map(linkOf);
  if (found.context === undefined) return { base: ambient, links: losers };
  const theirs = spanContextOf(found.context);
  if (!asParent) {
    const link = { context: theirs };
    return { base: ambient, links: losers.length === 0 ? [link] : [link, ...losers] };
  }
  const base = withSpan(ambient, trace.wrapSpanContext(theirs));
  const around = trace.getSpanContext(ambient);
  return { base, links: around === undefined || !isValid(around.traceId) ? losers : [{ context: around }, ...losers] };
};

const isValid = (traceId: string): boolean => traceId !== '00000000000000000000000000000000';

const hasSpan = (active: Context): boolean => {
  const span = trace.getSpanContext(active);
  return span !== undefined && isValid(span.traceId);
};

const invocationAttributes = (lambda: LambdaContext | undefined, trigger: string): AttributeMap => {
  const { awsRequestId, invokedFunctionArn, functionName, functionVersion } = lambda ?? noLambda;
  if (
    awsRequestId !== undefined &&
    invokedFunctionArn !== undefined &&
    functionName !== undefined &&
    functionVersion !== undefined
  ) {
    // As Lambda always has it. Names as text: keys that are worked out cost an object of twice the size.
    return {
      'faas.trigger': trigger,
      'faas.coldstart': cold,
      'faas.invocation.id': awsRequestId,
      'aws.lambda.invoked_arn': invokedFunctionArn,
      'faas.name': functionName,
      'faas.version': functionVersion,
    } satisfies Usual & AttributeMap;
  }
  const attributes: AttributeMap = { [names.trigger]: trigger, [names.coldStart]: cold };
  if (awsRequestId !== undefined) attributes[names.invocationId] = awsRequestId;
  if (invokedFunctionArn !== undefined) attributes[names.invokedArn] = invokedFunctionArn;
  if (functionName !== undefined) attributes[names.faasName] = functionName;
  if (functionVersion !== undefined) attributes[names.faasVersion] = functionVersion;
  return attributes;
};

const noLambda: LambdaContext = {};

/** Fails to compile where a name above is not the one of the conventions. */
type Usual = Record<
  (typeof names)['trigger' | 'coldStart' | 'invocationId' | 'invokedArn' | 'faasName' | 'faasVersion'],
  string | boolean
>;

/** An HTTP answer of 500 or more is an error of ours; failed records are counted. */
const noteAnswer = ({ spans, trigger }: Running, answer: unknown): void => {
  const { statusCode, batchItemFailures } = Object(answer) as Record<string, unknown>;
  const outer = spans[0] as Span;
  if (trigger === 'http' && typeof statusCode === 'number') {
    outer.setAttribute(names.httpStatus, statusCode);
    if (statusCode >= 500) {
      outer.setAttribute(names.errorType, String(statusCode));
      outer.setStatus({ code: SpanStatusCode.ERROR });
    }
  }
  if (Array.isArray(batchItemFailures) && batchItemFailures.length > 0) {
    (spans[spans.length - 1] as Span).setAttribute(ownNames.failedCount, batchItemFailures.length);
  }
};

/** Ends the spans from the inside out. A batch that nobody took record by record is linked to every context it held. */
const end = (options: InvocationOptions, running: Running): void => {
  if (running.ended) return;
  running.ended = true;
  const { invocation, spans } = running;
  const { messages } = invocation;
  if (!invocation.taken && messages.length > 1 && messages[0]?.source.system !== undefined) {
    spans[spans.length - 1]?.addLinks(linksOf(messages, options));
  }
  for (let at = spans.length - 1; at >= 0; at--) spans[at]?.end();
};

/** More would be refused by most backends; OpenTelemetry's own default is 128, but links are all that a batch has. */
const maxLinks = 1000;

const linksOf = (messages: readonly ReceivedMessage[], options: TracingOptions): Link[] =>
  messages.slice(0, maxLinks).flatMap((message) => {
    const found = message.extracted(propagationOf(options));
    const losers = found.links.map(linkOf);
    return found.context === undefined ? losers : [{ context: spanContextOf(found.context) }, ...losers];
  });

/**
 * When the deadline nears, a batch answers with what is done, and what is then still open is closed and flushed: a sandbox that is
 * killed would otherwise take the spans with it, and these are the ones that are looked for.
 */
const watchDeadline = (
  options: InvocationOptions,
  running: Running,
  lambda: LambdaContext | undefined,
): Watch | undefined => {
  const left = lambda?.getRemainingTimeInMillis?.();
  if (left === undefined || !Number.isFinite(left)) return undefined;
  const margin = Math.min(options.deadlineMarginMs ?? 1000, left / 4);
  return watch(left - margin, () => {
    const { expire } = running.invocation;
    expire?.();
    if (expire === undefined) close(options, running, margin);
    else setTimeout(() => close(options, running, margin / 2), margin / 2);
  });
};

const close = (options: InvocationOptions, running: Running, budgetMs: number): void => {
  if (running.ended) return;
  const failure = new Failure('timeout', 'the deadline of the function came before its end');
  for (const span of running.spans) fail(span, failure);
  end(options, running);
  void flush(options, budgetMs * 0.8);
};
