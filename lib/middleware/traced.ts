import middy from '@middy/core';
import { executionModeStandard } from '@middy/core/Standard';
import { context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';

export interface Traced {
  readonly tracer: Tracer;
  /** Sends finished spans, within so many milliseconds; awaited before the function answers. */
  readonly flush: (timeoutMs: number) => Promise<void>;
  /** What set the function off; `faas.trigger` of the semantic conventions. */
  readonly trigger?: 'datasource' | 'http' | 'pubsub' | 'timer' | 'other';
}

interface LambdaContext {
  readonly functionName?: string;
  readonly awsRequestId?: string;
  readonly invokedFunctionArn?: string;
  readonly getRemainingTimeInMillis?: () => number;
}

/** Kept back from the deadline, so that the answer itself still gets out. */
const reserveMs = 200;
const maxFlushMs = 10_000;

/**
 * Wraps a handler in Middy with an invocation span that is active for the whole chain, and flushes before the function
 * answers, however it ends: success, an early answer of another middleware, a throw. The context is set around the chain by
 * the execution mode and never in a `before` hook, where it would leak into the next invocation or not arrive at all.
 */
export const traced = <Event, Answer>(
  handler: (event: Event, context: LambdaContext) => Promise<Answer>,
  options: Traced,
) => {
  let cold = true;
  const mode = (core: Core, ...rest: unknown[]) =>
    (executionModeStandard as unknown as (core: Core, ...rest: unknown[]) => unknown)(
      {
        ...core,
        runRequest: async (request, ...others) => {
          const span = startInvocation(request.context, options, cold);
          cold = false;
          try {
            return await context.with(trace.setSpan(ROOT_CONTEXT, span), () => core.runRequest(request, ...others));
          } catch (thrown) {
            fail(span, thrown);
            throw thrown;
          } finally {
            span.end();
            const remaining = request.context.getRemainingTimeInMillis?.() ?? maxFlushMs;
            await options.flush(Math.max(0, Math.min(maxFlushMs, remaining - reserveMs)));
          }
        },
      },
      ...rest,
    );
  // Middy's types know the handler's event and answer, not that a mode may wrap the run of the chain.
  return middy(handler as never, {
    executionMode: mode as never,
    timeoutEarlyInMillis: 0,
  }) as unknown as middy.MiddyfiedHandler<Event, Answer>;
};

interface Core {
  readonly middyRequest: unknown;
  readonly runRequest: (request: { readonly context: LambdaContext }, ...rest: unknown[]) => Promise<unknown>;
}

const startInvocation = (lambda: LambdaContext, { tracer, trigger }: Traced, cold: boolean): Span =>
  tracer.startSpan(
    lambda.functionName ?? 'invocation',
    {
      kind: SpanKind.SERVER,
      root: true,
      attributes: {
        'faas.coldstart': cold,
        ...(trigger === undefined ? {} : { 'faas.trigger': trigger }),
        ...(lambda.awsRequestId === undefined ? {} : { 'faas.invocation.id': lambda.awsRequestId }),
        ...(lambda.invokedFunctionArn === undefined ? {} : { 'aws.lambda.invoked_arn': lambda.invokedFunctionArn }),
      },
    },
    ROOT_CONTEXT,
  );

/** Marks a span as failed by what was thrown. */
export const fail = (span: Span, thrown: unknown): void => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  span.recordException(error);
  span.setAttribute('error.type', (thrown as { code?: unknown } | null)?.code?.toString() ?? error.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
};
