import { type InvocationOptions, type LambdaContext, runInvocation } from './invocation.ts';

/**
 * Wraps a handler without Middy: an invocation span (and the CONSUMER span of its batch) around it, flushed before it answers.
 * `export const handler = traced(async (event) => eachRecord(event, handle, tracing), tracing)`.
 */
export const traced =
  <Event, Answer, Lambda = LambdaContext>(
    handler: (event: Event, context: Lambda) => Answer | Promise<Answer>,
    options: InvocationOptions = {},
  ): ((event: Event, context?: Lambda) => Promise<Awaited<Answer>>) =>
  (event, lambda) =>
    runInvocation(options, event, lambda as LambdaContext | undefined, () =>
      handler(event, lambda as Lambda),
    ) as Promise<Awaited<Answer>>;
