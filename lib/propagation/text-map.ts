import type {
  Context,
  createTraceState,
  TextMapGetter,
  TextMapPropagator,
  TextMapSetter,
  trace,
} from '@opentelemetry/api';
import type { TraceContext } from '../model/trace-context.ts';
import { type Format, isContext } from './format.ts';
import { fieldText } from './lookup.ts';

/**
 * The part of the OpenTelemetry API that a propagator needs at run time, handed in so that this room imports types only:
 * `asTextMapPropagator(formats.w3c, { trace, createTraceState, isTracingSuppressed })`.
 */
export interface Api {
  readonly trace: Pick<typeof trace, 'getSpanContext' | 'setSpanContext'>;
  readonly createTraceState: typeof createTraceState;
  /** `isTracingSuppressed` of @opentelemetry/core. @default nothing is ever suppressed */
  readonly isTracingSuppressed?: (context: Context) => boolean;
}

/**
 * A format as a standard OpenTelemetry propagator. What is no whole context (a decision alone) leaves the context as it was, since
 * a span context cannot say it; a deferred decision becomes "not sampled", as every OpenTelemetry propagator does.
 */
export const asTextMapPropagator = (format: Format, api: Api): TextMapPropagator => ({
  inject: <Carrier>(context: Context, carrier: Carrier, setter: TextMapSetter<Carrier>): void => {
    if (api.isTracingSuppressed?.(context) === true) return;
    const span = api.trace.getSpanContext(context);
    if (span === undefined || !isHexId(span.traceId, 32) || !isHexId(span.spanId, 16)) return;
    const traceState = span.traceState?.serialize();
    const ours: TraceContext = { traceId: span.traceId, spanId: span.spanId, flags: span.traceFlags, traceState };
    const isDebug = context.getValue(debugKey) !== undefined;
    format.write(isDebug ? { ...ours, flags: ours.flags | 1, debug: true } : ours, (name, value) =>
      setter.set(carrier, name, value),
    );
  },
  extract: <Carrier>(context: Context, carrier: Carrier, getter: TextMapGetter<Carrier>): Context => {
    const read = format.read(carrier ?? nothing, fieldText, (values, _text, name) => {
      return fieldText(getter.get(values as Carrier, name) ?? spelledOtherwise(values as Carrier, name, getter));
    });
    if (typeof read === 'string' || !isContext(read)) return context;
    return api.trace.setSpanContext(read.debug === true ? context.setValue(debugKey, '1') : context, {
      traceId: read.traceId,
      spanId: read.spanId,
      traceFlags: read.flags,
      isRemote: true,
      ...(read.traceState === undefined ? {} : { traceState: api.createTraceState(read.traceState) }),
    });
  },
  fields: () => [...format.fields],
});

/** Where OpenTelemetry's own B3 propagator keeps the debug mark: it has to be carried on, and a span context cannot say it. */
const debugKey = Symbol.for('OpenTelemetry Context Key B3 Debug Flag');

const nothing = {};

/** Getters compare names exactly; the formats do not. */
const spelledOtherwise = <Carrier>(
  carrier: Carrier,
  name: string,
  getter: TextMapGetter<Carrier>,
): string | string[] | undefined => {
  const lower = name.toLowerCase();
  for (const key of getter.keys(carrier)) if (key.toLowerCase() === lower) return getter.get(carrier, key);
  return undefined;
};

const isHexId = (id: string, length: number): boolean =>
  id.length === length && /^[0-9a-f]+$/.test(id) && /[^0]/.test(id);
