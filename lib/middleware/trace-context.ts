import { executionModeStandard } from '@middy/core/Standard';
import { type InvocationOptions, type LambdaContext, runInvocation } from './invocation.ts';

type Mode = (core: Core, ...rest: unknown[]) => unknown;

interface Core {
  readonly middyRequest: unknown;
  readonly runRequest: (request: Request, ...rest: unknown[]) => Promise<unknown>;
}

interface Request {
  readonly event: unknown;
  readonly context: LambdaContext;
}

export interface TraceContextOptions extends InvocationOptions {
  /** Another execution mode of Middy (`/StreamifyResponse`, `/DurableContext`). @default Middy's standard mode */
  readonly executionMode?: () => void;
}

/**
 * Middy plug-in: `middy(traceContext(options)).use(…).handler(handle)`. It wraps the whole run of a request, since a context that is
 * activated in a `before` hook leaks past the invocation or is not seen by the handler; and since an early answer skips every `after`
 * hook, while spans must be ended and flushed all the same. Other plug-in options go beside it: `{ ...traceContext(), … }`.
 */
export const traceContext = (options: TraceContextOptions = {}): { executionMode: () => void } => {
  // Middy's types call every mode `() => void`; what it is called with is fixed by its source.
  const inner = (options.executionMode ?? executionModeStandard) as unknown as Mode;
  const mode: Mode = ({ middyRequest, runRequest }, ...rest) =>
    inner(
      {
        middyRequest,
        runRequest: (request, ...parts) =>
          runInvocation(options, request.event, request.context, () => runRequest(request, ...parts)),
      },
      ...rest,
    );
  return { executionMode: mode as () => void };
};
