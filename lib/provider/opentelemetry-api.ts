import type {
  Baggage,
  BaggageEntry,
  Context,
  ContextManager,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
  TracerProvider,
  TraceState,
} from '@opentelemetry/api';

/**
 * Stands for `@opentelemetry/api` in bundles (cdk/bundle.ts): the part of it that tidemark uses, on the same registry, so that a layer's
 * context manager and provider are found there as ever. A bundle in which anything else imports the API gets the real one.
 */
const version = '1.9.1';
const registry = globalThis as { [slot]?: Registered };
const slot: unique symbol = Symbol.for('opentelemetry.js.api.1') as never;

interface Registered {
  readonly version: string;
  trace?: TracerProvider;
  context?: ContextManager;
}

/** As the API has it: all that is registered must be of one version, and what is read of the same or a later one. */
const register = <Name extends 'trace' | 'context'>(name: Name, value: Registered[Name]): boolean => {
  registry[slot] ??= { version };
  const known = registry[slot];
  if (known[name] !== undefined || known.version !== version) return false;
  known[name] = value;
  return true;
};

const registered = (): Registered | undefined => {
  // Nearly always; a regular expression takes V8 a while the first time.
  if (registry[slot] === undefined || registry[slot].version === version) return registry[slot];
  const [, minor = 0, patch = 0] = /^1\.(\d+)\.(\d+)$/.exec(registry[slot]?.version ?? '') ?? [];
  return Number(minor) > 9 || (Number(minor) === 9 && Number(patch) >= 0) ? registry[slot] : undefined;
};

export const createContextKey = (description: string): symbol => Symbol.for(description);

class MapContext implements Context {
  readonly #values: ReadonlyMap<symbol, unknown>;
  constructor(values: ReadonlyMap<symbol, unknown>) {
    this.#values = values;
  }
  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }
  setValue(key: symbol, value: unknown): Context {
    return new MapContext(new Map(this.#values).set(key, value));
  }
  deleteValue(key: symbol): Context {
    const values = new Map(this.#values);
    values.delete(key);
    return new MapContext(values);
  }
}

export const ROOT_CONTEXT: Context = new MapContext(new Map());

const nowhere = {
  active: () => ROOT_CONTEXT,
  with: (_: Context, call: (...args: unknown[]) => unknown, self?: unknown, ...args: unknown[]) =>
    call.call(self, ...args),
} as unknown as ContextManager;

const inCharge = (): ContextManager => registered()?.context ?? nowhere;

export const context = {
  active: (): Context => inCharge().active(),
  with: ((...given: Parameters<ContextManager['with']>) => inCharge().with(...given)) as ContextManager['with'],
  setGlobalContextManager: (manager: ContextManager): boolean => register('context', manager),
};

const none: SpanContext = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };

/** A span of somebody else: nothing is recorded of it. */
class OthersSpan implements Span {
  readonly #context: SpanContext;
  constructor(spanContext: SpanContext) {
    this.#context = spanContext;
  }
  spanContext(): SpanContext {
    return this.#context;
  }
  setAttribute(): this {
    return this;
  }
  setAttributes(): this {
    return this;
  }
  addEvent(): this {
    return this;
  }
  addLink(): this {
    return this;
  }
  addLinks(): this {
    return this;
  }
  setStatus(): this {
    return this;
  }
  updateName(): this {
    return this;
  }
  end(): void {}
  isRecording(): boolean {
    return false;
  }
  recordException(): void {}
}

const wrapSpanContext = (spanContext: SpanContext): Span => new OthersSpan(spanContext);

export const isSpanContextValid = ({ traceId, spanId }: SpanContext): boolean => isId(traceId, 32) && isId(spanId, 16);

const isId = (id: string, length: number): boolean =>
  typeof id === 'string' && id.length === length && /^[\da-f]+$/i.test(id) && !/^0+$/.test(id);

const spanKey = createContextKey('OpenTelemetry Context Key SPAN');
const getSpan = (from: Context): Span | undefined => (from.getValue(spanKey) as Span | undefined) || undefined;
const getSpanContext = (from: Context): SpanContext | undefined => getSpan(from)?.spanContext();

/** Continues whatever trace there is, and records nothing. The functions start no span by its other method. */
const idle = {
  startSpan: (_: string, { root }: SpanOptions = {}, from: Context = context.active()) => {
    const parent = root === true ? undefined : getSpanContext(from);
    return wrapSpanContext(parent !== undefined && isSpanContextValid(parent) ? parent : none);
  },
} as Tracer;

/** Stands where no provider is registered. */
export class ProxyTracerProvider implements TracerProvider {
  getTracer(): Tracer {
    return idle;
  }
  getDelegateTracer(): Tracer | undefined {
    return undefined;
  }
  getDelegate(): TracerProvider {
    return this;
  }
}

const proxy = new ProxyTracerProvider();
const getTracerProvider = (): TracerProvider => registered()?.trace ?? proxy;

export const trace = {
  getTracerProvider,
  getTracer: (...asked: Parameters<TracerProvider['getTracer']>): Tracer => getTracerProvider().getTracer(...asked),
  setGlobalTracerProvider: (provider: TracerProvider): boolean => register('trace', provider),
  getSpan,
  getSpanContext,
  getActiveSpan: (): Span | undefined => getSpan(context.active()),
  setSpan: (to: Context, span: Span): Context => to.setValue(spanKey, span),
  deleteSpan: (from: Context): Context => from.deleteValue(spanKey),
  wrapSpanContext,
};

const baggageKey = createContextKey('OpenTelemetry Baggage Key');

const baggageOf = (entries: ReadonlyMap<string, BaggageEntry>): Baggage => {
  const without = (...keys: string[]) => baggageOf(new Map([...entries].filter(([key]) => !keys.includes(key))));
  return {
    getEntry: (key) => {
      const entry = entries.get(key);
      return entry && { ...entry };
    },
    getAllEntries: () => [...entries],
    setEntry: (key, entry) => baggageOf(new Map(entries).set(key, entry)),
    removeEntry: without,
    removeEntries: without,
    clear: () => baggageOf(new Map()),
  };
};

export const propagation = {
  createBaggage: (entries: Record<string, BaggageEntry> = {}): Baggage => baggageOf(new Map(Object.entries(entries))),
  getBaggage: (from: Context): Baggage | undefined => (from.getValue(baggageKey) as Baggage | undefined) || undefined,
  setBaggage: (to: Context, baggage: Baggage): Context => to.setValue(baggageKey, baggage),
};

/** W3C `tracestate`: what is no member is left out, as is a text of more than 512 characters and what follows the 32nd member. */
export const createTraceState = (text = ''): TraceState => {
  const members = new Map<string, string>();
  for (const part of text.length > 512 ? [] : text.split(',').reverse()) {
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(part.trim()) ?? [];
    if (key === undefined || value === undefined || !isKey.test(key) || !isValue.test(value)) continue;
    members.set(key, value);
  }
  return stateOf([...members].reverse().slice(0, 32));
};

const isKey = /^([a-z][_0-9a-z\-*/]{0,255}|[a-z0-9][_0-9a-z\-*/]{0,240}@[a-z][_0-9a-z\-*/]{0,13})$/;
const isValue = /^(?!.*[,=])[ -~]{0,255}[!-~]$/;

const stateOf = (members: readonly (readonly [string, string])[]): TraceState => {
  const without = (key: string) => members.filter(([own]) => own !== key);
  return {
    get: (key) => members.find(([own]) => own === key)?.[1],
    set: (key, value) => stateOf([[key, value], ...without(key)]),
    unset: (key) => stateOf(without(key)),
    serialize: () => members.map((member) => member.join('=')).join(','),
  };
};

export const SpanKind = { INTERNAL: 0, SERVER: 1, CLIENT: 2, PRODUCER: 3, CONSUMER: 4 } as const;
export const SpanStatusCode = { UNSET: 0, OK: 1, ERROR: 2 } as const;
