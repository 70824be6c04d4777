import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes as ApiAttributes,
  type Span as ApiSpan,
  type AttributeValue as ApiValue,
  type Context,
  type ContextManager,
  context as contextApi,
  type Exception,
  type Link,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  type TimeInput,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { Failure } from '../model/failure.ts';
import type { Log, Random } from '../model/ports.ts';
import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../model/span.ts';
import { systemMicros, systemNanos } from './clock.ts';

/** Spans of one flush on their way out; rejects with a Failure. */
export type SpanExport = (spans: readonly Span[]) => Promise<void>;

export interface TracingOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nanos: () => bigint;
  readonly random: Random;
  readonly log?: Log;
  /** Where finished spans go; without it they are made, so that context flows on, but not kept. */
  readonly exportSpans?: SpanExport;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what has finished. Never throws: a lost export is logged, since telemetry must not fail the work. */
  readonly flush: (timeoutMs: number) => Promise<void>;
}

/** Spans kept between flushes; more are dropped and counted, as OTEL_BSP_MAX_QUEUE_SIZE does for the SDK. */
const maxQueue = 2048;

/**
 * Tracing of one process: a recorder of its own, since the SDK alone would double the cold start of every function. When a
 * layer has registered a global provider, its tracer is used instead and nothing is registered or exported here.
 */
export const createTracing = (options: TracingOptions): Tracing => {
  const { env, log, exportSpans } = options;
  // Answers false, and changes nothing, where a layer or an earlier call has set one.
  contextApi.setGlobalContextManager(new AsyncContextManager());
  if (layerIsPresent()) return { tracer: trace.getTracer('tidemark'), flush: async () => undefined };
  const resource = resourceOf(env);
  const finished: Span[] = [];
  let dropped = 0;
  const sampled = sampler(env, log);
  const keep = (span: Span) => {
    if (exportSpans === undefined) return;
    if (finished.length < maxQueue) finished.push(span);
    else dropped += 1;
  };
  const tracer = new RecordingTracer({ ...options, resource, sampled, keep });
  return {
    tracer,
    flush: async (timeoutMs) => {
      if (exportSpans === undefined || finished.length === 0) return;
      const spans = finished.splice(0);
      try {
        await within(exportSpans(spans), timeoutMs);
      } catch (thrown) {
        log?.('warn', 'spans were not exported', {
          spans: spans.length,
          reason: Failure.from(thrown, 'unavailable').message,
        });
      }
      if (dropped > 0) {
        log?.('warn', 'spans were dropped: more than the queue holds finished between two flushes', {
          dropped,
          maxQueue,
        });
        dropped = 0;
      }
    },
  };
};

const layerIsPresent = (): boolean => {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('tidemark') !== undefined;
};

const resourceOf = (env: TracingOptions['env']): Attributes => {
  const attributes: Record<string, string> = {};
  for (const pair of (env['OTEL_RESOURCE_ATTRIBUTES'] ?? '').split(',')) {
    const at = pair.indexOf('=');
    if (at > 0) attributes[pair.slice(0, at).trim()] = decodePercent(pair.slice(at + 1).trim());
  }
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') attributes[name] = value;
  };
  set('cloud.provider', env['AWS_LAMBDA_FUNCTION_NAME'] === undefined ? undefined : 'aws');
  set('cloud.platform', env['AWS_LAMBDA_FUNCTION_NAME'] === undefined ? undefined : 'aws_lambda');
  set('cloud.region', env['AWS_REGION']);
  set('faas.name', env['AWS_LAMBDA_FUNCTION_NAME']);
  set('faas.version', env['AWS_LAMBDA_FUNCTION_VERSION']);
  set(
    'service.name',
    env['OTEL_SERVICE_NAME'] ?? attributes['service.name'] ?? env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'unknown_service',
  );
  return attributes;
};

const decodePercent = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

type Sampled = (traceId: string, parent: SpanContext | undefined) => boolean;

/** OTEL_TRACES_SAMPLER; the default is the production one of the seed, parent-based at 1 %. */
const sampler = (env: TracingOptions['env'], log: Log | undefined): Sampled => {
  const name = env['OTEL_TRACES_SAMPLER'] ?? 'parentbased_traceidratio';
  const argument = env['OTEL_TRACES_SAMPLER_ARG'];
  let ratio = argument === undefined ? 0.01 : Number(argument);
  if (!(ratio >= 0 && ratio <= 1)) {
    log?.('warn', 'OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1; 0.01 is used', { value: argument });
    ratio = 0.01;
  }
  const byRatio: Sampled = (traceId) => Number.parseInt(traceId.slice(18), 16) >= (1 - ratio) * 2 ** 56;
  const parentBased =
    (root: Sampled): Sampled =>
    (traceId, parent) =>
      parent === undefined ? root(traceId, parent) : (parent.traceFlags & 1) === 1;
  const known: Record<string, Sampled> = {
    always_on: () => true,
    always_off: () => false,
    traceidratio: byRatio,
    parentbased_always_on: parentBased(() => true),
    parentbased_always_off: parentBased(() => false),
    parentbased_traceidratio: parentBased(byRatio),
  };
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found === undefined) {
    log?.(
      'warn',
      `OTEL_TRACES_SAMPLER is not one of ${Object.keys(known).join(', ')}; parentbased_traceidratio is used`,
      { value: name },
    );
  }
  return found ?? parentBased(byRatio);
};

class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ) {
    // The closure only where it is needed: this runs for every record.
    const call = thisArg === undefined ? fn : (...all: A) => fn.call(thisArg as never, ...all);
    return this.#storage.run(context, call as (...all: A) => ReturnType<F>, ...args);
  }
  bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return target;
    return ((...args: unknown[]) => this.with(context, () => (target as (...all: unknown[]) => unknown)(...args))) as T;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    this.#storage.disable();
    return this;
  }
}

interface RecorderOptions extends TracingOptions {
  readonly resource: Attributes;
  readonly sampled: Sampled;
  readonly keep: (span: Span) => void;
}

class RecordingTracer implements Tracer {
  readonly #options: RecorderOptions;
  readonly #recording: Recording;
  constructor(options: RecorderOptions) {
    const { nanos, resource, keep } = options;
    this.#options = options;
    this.#recording = { stamp: nanos === systemNanos ? systemMicros : nanos, resource, keep };
  }

  startSpan(name: string, options: SpanOptions = {}, context: Context = contextApi.active()): ApiSpan {
    const { random, sampled } = this.#options;
    const parent = options.root === true ? undefined : trace.getSpanContext(context);
    const traceId = parent?.traceId ?? randomHex(random, 32);
    // A new trace id is random in all its digits, which the second flag bit vouches for; a continued one keeps its mark.
    const random_ = parent === undefined ? 2 : parent.traceFlags & 2;
    // A redelivered message is linked to its earlier attempt, whose id is derived from the message: `eachRecord` asks for it.
    const spanId = (options as { readonly spanId?: string }).spanId ?? randomHex(random, 16);
    const traceFlags = (sampled(traceId, parent) ? 1 : 0) | random_;
    const spanContext: SpanContext =
      parent?.traceState === undefined
        ? { traceId, spanId, traceFlags }
        : { traceId, spanId, traceFlags, traceState: parent.traceState };
    if ((traceFlags & 1) === 0) return trace.wrapSpanContext(spanContext);
    return new RecordingSpan(spanContext, parent?.spanId, name, options, this.#recording);
  }

  startActiveSpan<F extends (span: ApiSpan) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const fn = rest.at(-1) as F;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const parent = rest.length > 2 ? (rest[1] as Context) : contextApi.active();
    const span = this.startSpan(name, options, parent);
    return contextApi.with(trace.setSpan(parent, span), () => fn(span)) as ReturnType<F>;
  }
}

/** Nanoseconds as a bigint, or microseconds as a number: these cost nothing until they are sent. */
type Stamp = bigint | number;

interface Recording {
  readonly stamp: () => Stamp;
  readonly resource: Attributes;
  readonly keep: (span: Span) => void;
}

/** A span under way, and when it has ended the finished span itself: copying it field by field would cost more than recording it. */
class RecordingSpan implements ApiSpan, Span {
  readonly #context: SpanContext;
  readonly #recording: Recording;
  readonly #start: Stamp;
  #end: Stamp | undefined = undefined;
  readonly traceId: string;
  readonly spanId: string;
  declare readonly parentSpanId?: string;
  declare readonly traceState?: string;
  declare statusMessage?: string;
  readonly kind: number;
  readonly resource: Attributes;
  readonly attributes: Record<string, AttributeValue>;
  name: string;
  status = 0;
  links: SpanLink[] = none;
  events: SpanEvent[] = none;

  constructor(
    context: SpanContext,
    parentSpanId: string | undefined,
    name: string,
    options: SpanOptions,
    recording: Recording,
  ) {
    this.#context = context;
    this.#recording = recording;
    this.traceId = context.traceId;
    this.spanId = context.spanId;
    if (parentSpanId !== undefined) this.parentSpanId = parentSpanId;
    // The API counts kinds from 0 (INTERNAL), OTLP from 1.
    this.kind = (options.kind ?? 0) + 1;
    this.name = name;
    this.resource = recording.resource;
    this.#start = toStamp(options.startTime, recording.stamp);
    this.attributes =
      (options as Handed).handsOver === true ? (options.attributes as Attributes) : copied(options.attributes);
    if (options.links !== undefined) this.addLinks(options.links);
  }

  get startNanos(): bigint {
    return nanosOf(this.#start);
  }
  get endNanos(): bigint {
    const end = nanosOf(this.#end ?? this.#start);
    const start = this.startNanos;
    return end < start ? start : end;
  }
  spanContext(): SpanContext {
    return this.#context;
  }
  setAttribute(key: string, value: ApiValue): this {
    if (this.#end === undefined && value !== undefined && value !== null)
      this.attributes[key] = value as AttributeValue;
    return this;
  }
  setAttributes(attributes: ApiAttributes): this {
    for (const key in attributes) this.setAttribute(key, attributes[key] as ApiValue);
    return this;
  }
  addEvent(name: string, attributesOrTime?: ApiAttributes | TimeInput, time?: TimeInput): this {
    if (this.#end !== undefined) return this;
    const hasAttributes =
      typeof attributesOrTime === 'object' && !Array.isArray(attributesOrTime) && !(attributesOrTime instanceof Date);
    const at = hasAttributes ? time : (attributesOrTime as TimeInput | undefined);
    if (this.events === none) this.events = [];
    this.events.push({
      name,
      timeNanos: nanosOf(toStamp(at, this.#recording.stamp)),
      attributes: hasAttributes ? defined(attributesOrTime as ApiAttributes) : {},
    });
    return this;
  }
  addLink(link: Link): this {
    return this.addLinks([link]);
  }
  addLinks(links: Link[]): this {
    if (this.#end !== undefined || links.length === 0) return this;
    const added = links.map(linkIn);
    this.links = this.links === none ? added : [...this.links, ...added];
    return this;
  }
  setStatus(status: SpanStatus): this {
    // OK is final, and unset never takes a status back: the rule of the specification.
    if (this.#end !== undefined || status.code === 0 || this.status === 1) return this;
    this.status = status.code;
    if (status.message !== undefined) this.statusMessage = status.message;
    else if (this.statusMessage !== undefined) delete this.statusMessage;
    return this;
  }
  updateName(name: string): this {
    if (this.#end === undefined) this.name = name;
    return this;
  }
  end(endTime?: TimeInput): void {
    if (this.#end !== undefined) return;
    this.#end = toStamp(endTime, this.#recording.stamp);
    const { traceState } = this.#context;
    if (traceState !== undefined) {
      const serialised = traceState.serialize();
      if (serialised !== '') (this as { traceState?: string }).traceState = serialised;
    }
    this.#recording.keep(this);
  }
  isRecording(): boolean {
    return this.#end === undefined;
  }
  recordException(exception: Exception, time?: TimeInput): void {
    const error = typeof exception === 'string' ? { message: exception } : exception;
    const attributes: Record<string, string> = {};
    if ('code' in error && error.code !== undefined) attributes['exception.type'] = String(error.code);
    else if ('name' in error && error.name !== undefined) attributes['exception.type'] = error.name;
    if (error.message !== undefined) attributes['exception.message'] = error.message;
    if ('stack' in error && error.stack !== undefined) attributes['exception.stacktrace'] = error.stack;
    this.addEvent('exception', attributes, time);
  }
}

/** A caller that made the attributes for this span alone, all of them with values, says so: they are then not copied. */
interface Handed {
  readonly handsOver?: boolean;
}

/** Shared by all spans that have no links or events; never written to. */
const none: never[] = [];

const linkIn = ({ context: { traceId, spanId }, attributes }: Link): SpanLink =>
  attributes === undefined ? { traceId, spanId } : { traceId, spanId, attributes: defined(attributes) };

/** A clone is far cheaper than a copy member by member, and few callers hand in attributes without a value. */
const copied = (attributes: ApiAttributes | undefined): Record<string, AttributeValue> => {
  if (attributes === undefined) return {};
  for (const key in attributes) {
    if (attributes[key] === undefined || attributes[key] === null) return { ...defined(attributes) };
  }
  return { ...attributes } as Record<string, AttributeValue>;
};

const defined = (attributes: ApiAttributes): Attributes =>
  Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null),
  ) as Attributes;

/** The API's times: absent (now), a Date, milliseconds since the epoch, or [seconds, nanoseconds]. */
const toStamp = (time: TimeInput | undefined, stamp: () => Stamp): Stamp => {
  if (time === undefined) return stamp();
  if (Array.isArray(time)) return BigInt(time[0]) * 1_000_000_000n + BigInt(time[1]);
  return Math.round((typeof time === 'number' ? time : time.getTime()) * 1000);
};

const nanosOf = (stamp: Stamp): bigint => (typeof stamp === 'bigint' ? stamp : BigInt(stamp) * 1000n);

/** Two digits of each byte: printing 32-bit numbers in base 16 takes the slow way of V8, which cost more than the rest of a span. */
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const randomHex = (random: Random, digits: 16 | 32): string => {
  for (;;) {
    let text = '';
    while (text.length < digits) {
      const word = Math.floor(random() * 2 ** 32);
      text += hexOfByte[word >>> 24];
      text += hexOfByte[(word >>> 16) & 255];
      text += hexOfByte[(word >>> 8) & 255];
      text += hexOfByte[word & 255];
    }
    // All zero is no valid id.
    if (text !== '0000000000000000' && text !== '00000000000000000000000000000000') return text;
  }
};

const within = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  // What is handed over in memory is done at once, and needs no timer.
  let settled = false;
  const done = () => {
    settled = true;
  };
  work.then(done, done);
  await undefined;
  if (settled) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Failure('timeout', `no answer within ${timeoutMs} ms`)),
      Math.max(0, timeoutMs),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
