import {
  type Context,
  createContextKey,
  createTraceState,
  type Link,
  propagation as otelBaggage,
  type Span,
  type SpanContext,
  type SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Clock, Log } from '../model/ports.ts';
import type { SpanLink } from '../model/span.ts';
import type { BaggageEntry, ContextLink, Extracted, TraceContext } from '../model/trace-context.ts';
import { type Propagation, standard } from '../propagation/propagation.ts';
import { type AttributeMap, type Conventions, conventionsOf, names, ownNames } from '../telemetry/semconv.ts';
import { Binding } from './binding.ts';
import type { ReceivedMessage } from './received.ts';

/** What every traced thing may be given; all of it is optional. */
export interface TracingOptions {
  /** @default the tracer of the global provider, so that a layer's SDK is used where there is one */
  readonly tracer?: Tracer | undefined;
  /** Formats and policies, made ready by `propagation(config)`. @default every format is read, W3C is written */
  readonly propagation?: Propagation | undefined;
  /** Sends what was recorded, within so many milliseconds. @default `forceFlush` of the global provider, where it has one */
  readonly flush?: ((timeoutMs: number) => unknown) | undefined;
  /** `flush` keeps to its time and never rejects, so that nobody need watch it. @default false */
  readonly flushKeepsTime?: boolean | undefined;
  /** Lets records that are handled one after the other share one asynchronous context. @default each gets its own */
  readonly inLane?: InLane | undefined;
  /** Structured lines for what failed. @default nothing is logged */
  readonly log?: Log | undefined;
  /** Milliseconds since the epoch, for dwell times. @default the system's */
  readonly clock?: Clock | undefined;
  /** @default as `OTEL_SEMCONV_STABILITY_OPT_IN` says */
  readonly conventions?: Conventions | undefined;
  /** Takes out of baggage what may not leave with a message; a Redactor has it. @default all of it leaves */
  readonly redactBaggage?: ((entries: readonly BaggageEntry[]) => readonly BaggageEntry[]) | undefined;
  /** Told of each record of `eachRecord` once it is done, inside of its span: for metrics. @default nobody is */
  readonly onRecord?: ((record: RecordOutcome) => void) | undefined;
}

export interface RecordOutcome {
  /** Name of the source that the record was recognised by. */
  readonly source: string;
  /** `deferred`: not begun, since its group had failed or the deadline came; it comes again. */
  readonly outcome: 'ok' | 'failed' | 'deferred';
  /** Format of the trace context that the record carried; `none` when it carried none. */
  readonly format: string;
}

/** A context that can be changed under work that is running. */
export interface Lane {
  current: Context;
}

/** Runs work whose active context is whatever its lane says at the time. */
export type InLane = <Answer>(context: Context, work: (lane: Lane) => Answer) => Answer;

/** What our tracer can besides: spans of a batch that share all they can. Other tracers lack it. */
export interface MessageTracer extends Tracer {
  readonly messageSpans?: (
    kind: SpanKind,
    around: Context,
    parent: SpanContext,
    telling: Telling,
  ) => MessageSpans | undefined;
}

export interface MessageSpans {
  /** A span that is also the context in which it is active. `follows`: nothing was waited for since the last one ended. */
  readonly start: (message: ReceivedMessage, name: string, follows: boolean) => Span & Context;
}

/** Asked for what is said of a message's span when somebody reads it, and how values are bound to a context. */
export interface Telling {
  readonly attributes: (message: ReceivedMessage, elapsedMs: number) => AttributeMap;
  readonly links: (message: ReceivedMessage) => readonly SpanLink[];
  readonly spanId: (message: ReceivedMessage) => string | undefined;
  readonly spanKey: symbol;
  readonly bind: (base: Context, key: symbol, value: unknown) => Context;
}

/** How a record's span relates to the context that the message carried. */
export type Relation = 'auto' | 'parent' | 'link';

export const tracerOf = (options: TracingOptions): MessageTracer => options.tracer ?? trace.getTracer('tidemark');
export const propagationOf = (options: TracingOptions): Propagation => options.propagation ?? standard;
export const conventionsIn = (options: TracingOptions): Conventions => options.conventions ?? environmentConventions;
export const now = (options: TracingOptions): number => (options.clock ?? Date.now)();

const environmentConventions = conventionsOf(process.env['OTEL_SEMCONV_STABILITY_OPT_IN']);

/** A sender's context as OpenTelemetry has it. A decision that was left open counts as sampled: losing the trace would be worse. */
export const spanContextOf = (found: TraceContext): SpanContext => {
  const traceFlags = found.deferred === true ? found.flags | 1 : found.flags;
  if (found.traceState === undefined) {
    return { traceId: found.traceId, spanId: found.spanId, traceFlags, isRemote: true };
  }
  const traceState = createTraceState(found.traceState);
  return { traceId: found.traceId, spanId: found.spanId, traceFlags, traceState, isRemote: true };
};

/** And back, for injection. */
export const traceContextOf = ({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext => {
  const text = traceState?.serialize();
  return text === undefined || text === ''
    ? { traceId, spanId, flags: traceFlags }
    : { traceId, spanId, flags: traceFlags, traceState: text };
};

/** A context that lost, as a link that tells why. */
export const linkOf = ({ context, reason, format, path }: ContextLink): Link => ({
  context: spanContextOf(context),
  attributes: { [ownNames.linkReason]: reason, [ownNames.linkFormat]: format, [ownNames.linkPath]: path },
});

/** The same as the wire has them: the sender first where the record does not continue its trace. */
export const wireLinksOf = ({ context, links }: Extracted, asParent: boolean): readonly SpanLink[] => {
  if (links.length === 0) return context === undefined || asParent ? noLinks : [wireLinkOf(context)];
  const losers = links.map(({ context: loser, reason, format, path }) => ({
    ...wireLinkOf(loser),
    attributes: { [ownNames.linkReason]: reason, [ownNames.linkFormat]: format, [ownNames.linkPath]: path },
  }));
  return context === undefined || asParent ? losers : [wireLinkOf(context), ...losers];
};

const noLinks: readonly SpanLink[] = [];

/** A context has everything that a link has, under the same names. */
export const wireLinkOf = (context: TraceContext): SpanLink => context as SpanLink;

/** Where our tracer, or a sampler, finds what a message said about a trace that is yet to start (a `Start`). */
export const startKey = createContextKey('tidemark.start');

/** What was said about the trace to start, where there is nothing to continue. */
export const withStart = (base: Context, found: Extracted | undefined): Context =>
  found?.start === undefined ? base : new Binding(base, startKey, found.start);

/** Baggage, and what was said about the trace to start, added to a context. */
export const withCarried = (base: Context, found: Extracted): Context => {
  const context = withStart(base, found);
  return found.baggage === undefined ? context : withBaggage(context, found.baggage);
};

const withBaggage = (base: Context, entries: readonly BaggageEntry[]): Context =>
  otelBaggage.setBaggage(
    base,
    otelBaggage.createBaggage(Object.fromEntries(entries.map((entry) => [entry.key, entry]))),
  );

/** The active baggage as entries, for injection; without what may not leave. */
export const activeBaggage = (
  context: Context,
  { redactBaggage }: TracingOptions,
): readonly BaggageEntry[] | undefined => {
  const entries = otelBaggage
    .getBaggage(context)
    ?.getAllEntries()
    .map(([key, { value }]) => ({ key, value }));
  return entries === undefined || redactBaggage === undefined ? entries : redactBaggage(entries);
};

/** Writes an error on a span: status, exception event and `error.type`. */
export const fail = (span: Span, thrown: unknown): void => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  span.recordException(error);
  span.setAttribute(names.errorType, errorTypeOf(thrown));
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
};

/** A code where the error has one, else its class: few values, so that it can be grouped by. */
export const errorTypeOf = (thrown: unknown): string => {
  const { code, name } = Object(thrown) as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  return typeof name === 'string' && name !== '' ? name : '_OTHER';
};
