import {
  type Span as ApiSpan,
  type Context,
  context as contextApi,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Promote } from '../model/back-end.ts';
import type { Random } from '../model/ports.ts';
import type { Attributes, Scope, Span } from '../model/span.ts';
import { systemMicros, systemNanos } from './clock.ts';
import { randomHex } from './random-ids.ts';
import { type Recording, RecordingSpan, type SpanLimits } from './recording-span.ts';

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
  readonly #random: Random;
  readonly #sampler: Sampler;
  readonly #recording: Recording;
  constructor({ nanos, random, sampler, ...recording }: RecorderOptions) {
    this.#random = random;
    this.#sampler = sampler;
    this.#recording = { ...recording, stamp: nanos === systemNanos ? systemMicros : nanos };
  }

  startSpan(name: string, options: SpanOptions = {}, context: Context = contextApi.active()): ApiSpan {
    const around = options.root === true ? trace.deleteSpan(context) : context;
    const parent = validOrNone(trace.getSpanContext(around));
    const traceId = parent?.traceId ?? randomHex(this.#random, 32);
    // A new trace id is random in all its digits, which the second flag bit vouches for; a continued one keeps its mark.
    const randomFlag = parent === undefined ? 2 : parent.traceFlags & 2;
    // A redelivered message is linked to its earlier attempt, whose id is derived from the message: `eachRecord` asks for it.
    const spanId = (options as { readonly spanId?: string }).spanId ?? randomHex(this.#random, 16);
    const { kind = 0, attributes = noAttributes, links = noLinks } = options;
    const sampled = this.#sampler.shouldSample(around, traceId, name, kind, attributes, links as []);
    const { decision } = sampled;
    const traceFlags = (decision === 2 ? 1 : 0) | randomFlag;
    const traceState = sampled.traceState ?? parent?.traceState;
    const spanContext: SpanContext =
      traceState === undefined ? { traceId, spanId, traceFlags } : { traceId, spanId, traceFlags, traceState };
    if (decision === 0) return trace.wrapSpanContext(spanContext);
    const span = new RecordingSpan(spanContext, parent, name, options, this.#recording);
    if (sampled.attributes !== undefined) span.setAttributes(sampled.attributes as never);
    return span;
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

const noAttributes = {};
const noLinks: never[] = [];

/** A context of zeros is none: what hangs on it begins a trace. */
const validOrNone = (context: SpanContext | undefined): SpanContext | undefined =>
  context === undefined || context.traceId === noTrace || context.spanId === noSpan ? undefined : context;
const noTrace = '0'.repeat(32);
const noSpan = '0'.repeat(16);
