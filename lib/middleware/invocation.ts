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
import { flush } from './flush.ts';
import { processAttributes, processName } from './process-span.ts';
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
  readonly single: { readonly span: Span; readonly asParent: boolean } | undefined;
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
  const timer = watchDeadline(options, running, lambda);
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
    clearTimeout(timer);
    end(options, running);
    const left = lambda?.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
    const pending = flush(options, Math.min(options.flushTimeoutMs ?? 2000, Math.max(0, left - 50)));
    if (pending !== undefined) await pending;
  }
};

interface Running {
  readonly invocation: Invocation;
  readonly scope: Context;
  /** Innermost last. */
  readonly spans: readonly Span[];
  readonly trigger: string;
  ended: boolean;
}

let cold = true;

const begin = (options: InvocationOptions, event: unknown, lambda: LambdaContext | undefined): Running => {
  const tracer = tracerOf(options);
  const using = propagationOf(options);
  const messages = received(event, lambda);
  const first = messages[0];
  const isMessaging = first !== undefined && first.source.system !== undefined;
  const trigger = options.trigger ?? first?.source.trigger ?? 'other';
  const outer = context.active();
  let spans: readonly Span[] = [];

  // Under a layer that has already opened the invocation span, that one is the invocation span.
  let scope = outer;
  if (!hasSpan(outer)) {
    const attributes = invocationAttributes(lambda, trigger);
    if (isMessaging || first === undefined) {
      // What a single message says of a trace to start is said of this one; of several it would be anybody's word.
      const only = messages.length === 1 ? first?.extracted(using) : undefined;
      scope = started(withStart(root, only), { attributes, kind: SpanKind.SERVER, handsOver: true });
    } else {
      // A call: its context is the parent.
      const found = first.extracted(using);
      const base = withCarried(root, found);
      const parent =
        found.context === undefined ? base : withSpan(base, trace.wrapSpanContext(spanContextOf(found.context)));
      scope = started(parent, { attributes, kind: SpanKind.SERVER, links: found.links.map(linkOf), handsOver: true });
    }
  }
  let single: Invocation['single'];
  if (isMessaging) {
    const attributes: AttributeMap = processAttributes(options, messages, now(options));
    if (messages.length === 1) {
      const found = first.extracted(using);
      const asParent = found.context !== undefined && options.relation !== 'link';
      const { base, links } = relate(scope, asParent, first, options);
      const spanId = attemptSpanId(first);
      const how = { attributes, kind: SpanKind.CONSUMER, links, spanId, handsOver: true as const };
      scope = started(withCarried(base, found), how, processName(messages));
      single = { span: spans[spans.length - 1] as Span, asParent };
      linkEarlier(single.span, first, spanId, options, asParent);
    } else {
      scope = started(scope, { attributes, kind: SpanKind.CONSUMER, handsOver: true }, processName(messages));
    }
  }
  const invocation: Invocation = { event, messages, single, taken: false, expire: undefined };
  cold = false;
  return { invocation, scope: new Binding(scope, invocationKey, invocation), spans, trigger, ended: false };

  function started(
    base: Context,
    how: AttemptOptions & { readonly attributes: AttributeMap },
    name = lambda?.functionName ?? 'invoke',
  ): Context {
    spelled(how.attributes, conventionsIn(options));
    const span = tracer.startSpan(name, how, base);
    spans = spans.length === 0 ? [span] : [...spans, span];
    return withSpan(base, span);
  }
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
): ReturnType<typeof setTimeout> | undefined => {
  const left = lambda?.getRemainingTimeInMillis?.();
  if (left === undefined || !Number.isFinite(left)) return undefined;
  const margin = Math.min(options.deadlineMarginMs ?? 1000, left / 4);
  return setTimeout(() => {
    const { expire } = running.invocation;
    expire?.();
    if (expire === undefined) close(options, running, margin);
    else setTimeout(() => close(options, running, margin / 2), margin / 2);
  }, left - margin);
};

const close = (options: InvocationOptions, running: Running, budgetMs: number): void => {
  if (running.ended) return;
  const failure = new Failure('timeout', 'the deadline of the function came before its end');
  for (const span of running.spans) fail(span, failure);
  end(options, running);
  void flush(options, budgetMs * 0.8);
};
