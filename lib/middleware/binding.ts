import { type Context, createContextKey, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';

/**
 * A context that adds one value to another. OpenTelemetry's own copies a Map for every value (560 bytes); ten records a batch would
 * cost more in contexts than in spans. It implements the public interface, so every tracer reads it.
 */
export class Binding implements Context {
  readonly base: Context;
  readonly key: symbol;
  readonly value: unknown;

  constructor(base: Context, key: symbol, value: unknown) {
    this.base = base;
    this.key = key;
    this.value = value;
  }

  getValue(key: symbol): unknown {
    return key === this.key ? this.value : this.base.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new Binding(this, key, value);
  }

  deleteValue(key: symbol): Context {
    return new Binding(this, key, undefined);
  }
}

/** The key under which the API keeps the span: asked of the API itself, as it is not exported. */
export const spanKey = ((): symbol => {
  let asked: symbol | undefined;
  const probe: Context = {
    getValue: () => undefined,
    setValue: (key) => {
      asked = key;
      return probe;
    },
    deleteValue: () => probe,
  };
  trace.setSpan(probe, trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 }));
  return asked ?? createContextKey('OpenTelemetry Context Key SPAN');
})();

/** `trace.setSpan` without the copy. */
export const withSpan = (base: Context, span: Span): Context => new Binding(base, spanKey, span);

export const root: Context = ROOT_CONTEXT;
