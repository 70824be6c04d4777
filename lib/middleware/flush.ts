import { trace } from '@opentelemetry/api';
import { errorTypeOf, type TracingOptions } from './tracing.ts';

/**
 * Hands over what was recorded, and waits for it no longer than told. Never rejects: telemetry is no reason to fail the work.
 * Undefined when there was nothing to wait for.
 */
export const flush = (options: TracingOptions, timeoutMs: number): Promise<void> | undefined => {
  try {
    const pending = (options.flush ?? globalFlush)(timeoutMs);
    if (!isPending(pending)) return undefined;
    return options.flushKeepsTime === true ? (pending as Promise<void>) : within(pending, timeoutMs, options);
  } catch (thrown) {
    warn(options, thrown);
    return undefined;
  }
};

const within = async (pending: PromiseLike<unknown>, timeoutMs: number, options: TracingOptions): Promise<void> => {
  // A hand-over in memory is done within a few turns of the microtask queue: no timer is started for it.
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  pending.then(done, done);
  for (let turn = 0; turn < 8 && !settled; turn++) await undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = (): Promise<string> =>
      new Promise((resolve) => {
        timer = setTimeout(() => resolve('late'), Math.max(0, timeoutMs));
      });
    const first = await (settled ? pending : Promise.race([pending, late()]));
    if (first === 'late') options.log?.('warn', 'spans were not flushed in time', { timeoutMs });
  } catch (thrown) {
    warn(options, thrown);
  } finally {
    clearTimeout(timer);
  }
};

const warn = (options: TracingOptions, thrown: unknown): void =>
  options.log?.('warn', 'spans could not be flushed', { error: thrown, errorType: errorTypeOf(thrown) });

const isPending = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';

interface Flushing {
  readonly forceFlush?: () => Promise<unknown>;
  readonly getDelegate?: () => Flushing;
}

/** The API hands out a proxy; the provider that knows how to flush stands behind it. */
const globalFlush = (): unknown => {
  const provider = trace.getTracerProvider() as Flushing;
  const behind = provider.getDelegate?.() ?? provider;
  return behind.forceFlush?.();
};
