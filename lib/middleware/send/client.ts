import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import type { BaggageEntry, TraceContext } from '../../model/trace-context.ts';
import type { Propagation } from '../../propagation/propagation.ts';
import { type AttributeMap, names, ownNames } from '../../telemetry/semconv.ts';
import { spelled } from '../../telemetry/spelled.ts';
import { withSpan } from '../binding.ts';
import {
  activeBaggage,
  conventionsIn,
  errorTypeOf,
  fail,
  propagationOf,
  spanContextOf,
  type TracingOptions,
  traceContextOf,
  tracerOf,
} from '../tracing.ts';

export interface SendOptions extends TracingOptions {
  /** A PRODUCER span for every message of a batch call, besides the span of the call. @default false */
  readonly spanPerMessage?: boolean | undefined;
  /** Wraps the message in tidemark's envelope where nothing else can carry the context; its readers must know it. @default false */
  readonly envelope?: boolean | undefined;
}

/** As much of an AWS SDK v3 client as a plug-in needs; no SDK is imported. */
export interface SdkClient {
  readonly middlewareStack: {
    readonly add: (middleware: never, options: { step: 'initialize'; name: string; override: boolean }) => void;
  };
}

export type Input = Readonly<Record<string, unknown>>;

/** What is to be written into one message. */
export interface Carry {
  readonly context: TraceContext;
  readonly baggage: readonly BaggageEntry[] | undefined;
  readonly using: Propagation;
  readonly options: SendOptions;
}

/** A message with the context in it, what that took of the room, and the names that found none. */
export interface Injected {
  readonly entry: Input;
  readonly bytes: number;
  readonly dropped: readonly string[];
}

/** How one command of one service holds its messages. */
export interface Operation {
  readonly destination: (input: Input) => string | undefined;
  /** Further attributes of the send span. */
  readonly attributes?: (input: Input) => AttributeMap;
  readonly entries: (input: Input) => readonly Input[];
  /** A copy of the input with these messages; members that are not known stay as they are. */
  readonly rebuilt: (input: Input, entries: readonly Input[]) => Input;
  /** The creation context that a message has already, if any: it is linked to and never changed. */
  readonly carried: (entry: Input, using: Propagation) => TraceContext | 'unreadable' | undefined;
  /** Bytes that a message takes of the limits. */
  readonly size: (entry: Input) => number;
  readonly limits: { readonly message: number; readonly call: number };
  /** Writes the context within so many bytes; undefined where this message cannot hold one. */
  readonly inject: (entry: Input, carry: Carry, bytes: number) => Injected | undefined;
  /** How many messages the service refused, by its answer. */
  readonly failed?: (output: Input) => number;
}

interface Call {
  readonly input: Input;
}

type Next = (call: Call) => Promise<{ readonly output?: Input }>;

/**
 * Makes a span of every send of a client and puts its context into every message, at the `initialize` step, before the SDK
 * serialises and checksums. Works on copies; whatever goes wrong here, the message goes out as the caller made it.
 */
export const plugIn = (
  client: SdkClient,
  system: string | undefined,
  operations: Readonly<Record<string, Operation>>,
  options: SendOptions,
  others: Readonly<Record<string, (input: Input) => Input>> = {},
): void => {
  const middleware = (next: Next, { commandName = '' }: { readonly commandName?: string }) => {
    const operation = Object.hasOwn(operations, commandName) ? operations[commandName] : undefined;
    if (operation !== undefined) return (call: Call) => send(operation, system, options, next, call);
    const other = Object.hasOwn(others, commandName) ? others[commandName] : undefined;
    return other === undefined ? next : (call: Call) => next({ ...call, input: untouchedOnFailure(call.input, other) });
  };
  client.middlewareStack.add(middleware as never, { step: 'initialize', name: 'tidemark', override: true });
};

const untouchedOnFailure = (input: Input, change: (input: Input) => Input): Input => {
  try {
    return change(input);
  } catch {
    return input;
  }
};

const send = async (
  operation: Operation,
  system: string | undefined,
  options: SendOptions,
  next: Next,
  call: Call,
): Promise<{ readonly output?: Input }> => {
  const prepared = prepare(operation, system, options, call.input);
  if (prepared === undefined) return next(call);
  const { span, scope, input } = prepared;
  try {
    const answer = await context.with(scope, next, undefined, { ...call, input });
    noteAnswer(operation, span, answer?.output);
    return answer;
  } catch (thrown) {
    fail(span, thrown);
    throw thrown;
  } finally {
    span.end();
  }
};

const prepare = (operation: Operation, system: string | undefined, options: SendOptions, input: Input) => {
  try {
    const tracer = tracerOf(options);
    const using = propagationOf(options);
    const entries = operation.entries(input);
    const known = entries.map((entry) => operation.carried(entry, using));
    const links = known.flatMap((each): Link[] =>
      each === undefined || each === 'unreadable' ? [] : [{ context: spanContextOf(each) }],
    );
    const destination = operation.destination(input);
    const base: AttributeMap = { ...operation.attributes?.(input) };
    if (system !== undefined) base[names.system] = system;
    if (destination !== undefined) base[names.destination] = destination;
    const outer = context.active();
    const spanPerMessage = options.spanPerMessage === true && entries.length > 1;
    const created = entries.map((_, index) =>
      spanPerMessage && known[index] === undefined
        ? create(tracer, outer, spelled({ ...base, ...kindOf('create') }, conventionsIn(options)), destination)
        : undefined,
    );
    for (const each of created) if (each !== undefined) links.push({ context: each });
    const ownContext = known.some((each, index) => each === undefined && created[index] === undefined);
    const attributes = spelled({ ...base, ...kindOf('send') }, conventionsIn(options));
    if (entries.length > 1) attributes[names.batchCount] = entries.length;
    const kind = ownContext ? SpanKind.PRODUCER : SpanKind.CLIENT;
    const span = tracer.startSpan(named('send', destination), { kind, attributes, links }, outer);
    const baggage = activeBaggage(outer, options);
    const contexts = entries.map((_, index) => {
      // Without a provider the span has no ids: nothing is better than zeros.
      const own = created[index] ?? span.spanContext();
      return known[index] === undefined && isSpanContextValid(own) ? traceContextOf(own) : undefined;
    });
    const { injected, dropped } = injectAll(operation, entries, contexts, { baggage, using, options });
    if (dropped.length > 0) span.setAttribute(ownNames.dropped, dropped);
    const changed = injected.some((entry, index) => entry !== entries[index]);
    return { span, scope: withSpan(outer, span), input: changed ? operation.rebuilt(input, injected) : input };
  } catch (thrown) {
    options.log?.('warn', 'a message goes out without a trace context', { errorType: errorTypeOf(thrown) });
    return undefined;
  }
};

/** A creation context for one message: its span says nothing but that the message was made. */
const create = (tracer: Tracer, outer: Context, attributes: AttributeMap, destination: string | undefined) => {
  const span = tracer.startSpan(named('create', destination), { kind: SpanKind.PRODUCER, attributes }, outer);
  span.end();
  return span.spanContext();
};

const named = (operation: string, destination: string | undefined): string =>
  destination === undefined ? operation : `${operation} ${destination}`;

const kindOf = (type: 'send' | 'create'): AttributeMap => ({
  [names.operationName]: type,
  [names.operationType]: type,
});

/** Every message in turn, within what the limits of the message and of the whole call leave. */
const injectAll = (
  operation: Operation,
  entries: readonly Input[],
  contexts: readonly (TraceContext | undefined)[],
  carry: Omit<Carry, 'context'>,
): { injected: readonly Input[]; dropped: string[] } => {
  const sizes = entries.map((entry) => operation.size(entry));
  let left = operation.limits.call - sizes.reduce((sum, size) => sum + size, 0);
  const dropped = new Set<string>();
  const injected = entries.map((entry, index) => {
    const own = contexts[index];
    if (own === undefined) return entry;
    const bytes = Math.min(left, operation.limits.message - (sizes[index] ?? 0));
    try {
      const result = operation.inject(entry, { ...carry, context: own }, Math.max(0, bytes));
      for (const name of result?.dropped ?? []) dropped.add(name);
      left -= result?.bytes ?? 0;
      return result?.entry ?? entry;
    } catch {
      return entry;
    }
  });
  return { injected, dropped: [...dropped] };
};

const noteAnswer = (operation: Operation, span: ReturnType<Tracer['startSpan']>, output: Input | undefined): void => {
  if (output === undefined || output === null) return;
  const id = output['MessageId'] ?? output['messageId'];
  if (typeof id === 'string') span.setAttribute(names.messageId, id);
  const request = (output['$metadata'] as { readonly requestId?: unknown } | undefined)?.requestId;
  if (typeof request === 'string') span.setAttribute(names.requestId, request);
  const failed = operation.failed?.(output) ?? 0;
  if (failed === 0) return;
  span.setAttributes({ [ownNames.failedCount]: failed, [names.errorType]: 'partial-failure' });
  span.setStatus({ code: SpanStatusCode.ERROR, message: `${failed} messages were refused` });
};

export const bytesOf = (value: unknown): number => {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.byteLength : 0;
};

export const listOf = (value: unknown): readonly Input[] => (Array.isArray(value) ? value : []);

/** The last word of a URL or ARN. */
export const lastWord = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.split(/[/:]/).at(-1) : undefined;
