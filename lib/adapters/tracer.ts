import {
  type Span as ApiSpan,
  type Context,
  context as contextApi,
  createContextKey,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { MessageSpans } from '#tidemark.message-span';
import type { Promote } from '../model/back-end.ts';
import type { Random } from '../model/ports.ts';
import type { Attributes, AttributeValue, Scope, Span } from '../model/span.ts';
import type { Start } from '../model/trace-context.ts';
import { microsSince, nextMicros, systemMicros, systemNanos } from './clock.ts';
import type { Binds } from './message-span.ts';
import { type RandomId, randomIds } from './random-ids.ts';
import { flagsOf, type Recording, RecordingSpan, type SpanLimits, type Telling, toStamp } from './recording-span.ts';

export type { SpanLimits } from './recording-span.ts';

/** The part of OpenTelemetry's samplers that is asked: decision 0 records nothing, 1 records, 2 records and samples. */
export interface Sampler {
  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    kind: number,
    attributes: object,
    links: [],
  ): { readonly decision: number; readonly traceState?: SpanContext['traceState']; readonly attributes?: object };
  /** Decides by the context and the trace id alone: what it says of one span, it says of its siblings. @default false */
  readonly byTrace?: boolean;
}

export interface RecorderOptions {
  readonly nanos: () => bigint;
  readonly random: Random;
  readonly sampler: Sampler;
  readonly resource: Attributes;
  readonly limits: SpanLimits;
  readonly scope: Scope;
  /** Takes each finished span that is exported. */
  readonly keep: (span: Span) => void;
  /** Asked at the end of every span that is recorded. @default spans that are not sampled are let go */
  readonly promote?: Promote | undefined;
}

/** A tracer of our own: the SDK's recorder alone would double the cold start of every function. */
export const recordingTracer = (options: RecorderOptions): Tracer => new RecordingTracer(options);

class RecordingTracer implements Tracer {
  readonly #randomId: RandomId;
  readonly #sampler: Sampler;
  readonly #recording: Recording;
  constructor({ nanos, random, sampler, ...recording }: RecorderOptions) {
    this.#randomId = randomIds(random);
    this.#sampler = sampler;
    const isSystem = nanos === systemNanos;
    const stamp = isSystem ? systemMicros : nanos;
    this.#recording = {
      ...recording,
      randomId: this.#randomId,
      stamp,
      nextStamp: isSystem ? nextMicros : nanos,
      since: isSystem ? microsSince : undefined,
    };
  }

  startSpan(name: string, options: SpanOptions = {}, context: Context = contextApi.active()): ApiSpan {
    const around = options.root === true ? trace.deleteSpan(context) : context;
    const parent = validOrNone(trace.getSpanContext(around));
    const start = parent === undefined ? (around.getValue(startKey) as Start | undefined) : undefined;
    const traceId = parent?.traceId ?? start?.traceId ?? this.#randomId(32);
    // A new trace id is random in all its digits, which the second flag bit vouches for; a continued one keeps its mark.
    const randomFlag = parent === undefined ? (start?.traceId === undefined ? 2 : 0) : parent.traceFlags & 2;
    // A redelivered message is linked to its earlier attempt, whose id is derived from the message: `eachRecord` asks for it.
    const spanId = (options as { readonly spanId?: string }).spanId ?? this.#randomId(16);
    const { kind = 0, attributes = noAttributes, links = noLinks } = options;
    const sampled =
      start?.sampled === undefined
        ? this.#sampler.shouldSample(around, traceId, name, kind, attributes, links as [])
        : decidedBy(start.sampled);
    const traceFlags = (sampled.decision === 2 ? 1 : 0) | randomFlag;
    const traceState = sampled.traceState ?? parent?.traceState;
    if (sampled.decision === 0) return unrecorded(traceId, spanId, traceFlags, traceState);
    const shared = {
      recording: this.#recording,
      traceId,
      parentSpanId: parent?.spanId,
      traceState,
      flags: flagsOf(traceFlags, parent?.isRemote),
      // The API counts kinds from 0 (INTERNAL), OTLP from 1.
      kind: kind + 1,
      base: undefined,
      telling: undefined,
    };
    const span = new RecordingSpan(shared, spanId, name, toStamp(options.startTime, this.#recording.stamp));
    if (options.attributes !== undefined) {
      if ((options as Handed).handsOver === true) span.describe(options.attributes as Record<string, AttributeValue>);
      else span.copyAttributes(options.attributes);
    }
    if (options.links !== undefined) span.addLinks(options.links);
    if (sampled.attributes !== undefined) span.setAttributes(sampled.attributes as never);
    return span;
  }

  /**
   * A recorder for the messages of one batch, all of them children of one parent; undefined where they are not recorded, or where the
   * sampler has to be asked about each.
   */
  messageSpans<Message>(
    kind: number,
    around: Context,
    parent: SpanContext,
    telling: Telling<Message> & Binds,
  ): MessageSpans<Message> | undefined {
    if (this.#sampler.byTrace !== true || validOrNone(parent) === undefined) return undefined;
    const sampled = this.#sampler.shouldSample(around, parent.traceId, '', kind, noAttributes, []);
    if (sampled.decision === 0) return undefined;
    const traceFlags = (sampled.decision === 2 ? 1 : 0) | (parent.traceFlags & 2);
    const traceState = sampled.traceState ?? parent.traceState;
    return new MessageSpans(this.#recording, kind, traceFlags, traceState, around, parent, telling);
  }

  startActiveSpan<F extends (span: ApiSpan) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const fn = rest.at(-1) as F;
    const [options, parent = contextApi.active()] = rest.slice(0, -1) as [SpanOptions?, Context?];
    const span = this.startSpan(name, options, parent);
    return contextApi.with(trace.setSpan(parent, span), () => fn(span)) as ReturnType<F>;
  }
}

/** Where the middleware leaves what a message says of a trace that is yet to start. */
const startKey = createContextKey('tidemark.start');

/** What the sender decided counts, as it would have with its ids. */
const decidedBy = (sampled: boolean): ReturnType<Sampler['shouldSample']> => ({ decision: sampled ? 2 : 0 });

const unrecorded = (
  traceId: string,
  spanId: string,
  traceFlags: number,
  traceState: SpanContext['traceState'],
): ApiSpan =>
  trace.wrapSpanContext(
    traceState === undefined ? { traceId, spanId, traceFlags } : { traceId, spanId, traceFlags, traceState },
  );

/** A caller that made the attributes for this span alone, all of them with values, says so: they are then not copied. */
interface Handed {
  readonly handsOver?: boolean;
}

const noAttributes = {};
const noLinks: never[] = [];

/** A context of zeros is none: what hangs on it begins a trace. */
const validOrNone = (context: SpanContext | undefined): SpanContext | undefined =>
  context === undefined || context.traceId === noTrace || context.spanId === noSpan ? undefined : context;
const noTrace = '0'.repeat(32);
const noSpan = '0'.repeat(16);
