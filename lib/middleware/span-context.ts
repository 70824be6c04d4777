import { createTraceState, type SpanContext } from '@opentelemetry/api';
import type { TraceContext } from '../model/trace-context.ts';

/** Our context in the words of the OpenTelemetry API. */
export const toSpanContext = ({ traceId, spanId, flags, traceState }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: flags,
  isRemote: true,
  ...(traceState === undefined ? {} : { traceState: createTraceState(traceState) }),
});

/** The other way round. */
export const fromSpanContext = ({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext => {
  const text = traceState?.serialize();
  return text === undefined || text === ''
    ? { traceId, spanId, flags: traceFlags }
    : { traceId, spanId, flags: traceFlags, traceState: text };
};
