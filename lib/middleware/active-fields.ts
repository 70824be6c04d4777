import { context, isSpanContextValid, trace } from '@opentelemetry/api';
import { inject } from '../propagation/inject.ts';
import { activeBaggage, propagationOf, type TracingOptions, traceContextOf } from './tracing.ts';

/** The fields of the active span's context, most important first; none where no span is active. */
export const activeFields = (options: TracingOptions): Record<string, string> => {
  const active = context.active();
  const span = trace.getSpanContext(active);
  const fields: Record<string, string> = {};
  if (span === undefined || !isSpanContextValid(span)) return fields;
  const set = (name: string, value: string): void => {
    fields[name] = value;
  };
  inject(traceContextOf(span), set, propagationOf(options), activeBaggage(active, options));
  return fields;
};
