import { ProxyTracerProvider, type Tracer, trace } from '@opentelemetry/api';
import { systemClock } from '../adapters/clock.ts';
import { type InLane, takeCharge } from '../adapters/context-manager.ts';
import { later } from '../adapters/later.ts';
import { recordingTracer } from '../adapters/tracer.ts';
import type { BackEnd, Promote, SpanExport } from '../model/back-end.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Log, Random } from '../model/ports.ts';
import { type SpanBatches, spanBatches } from '../telemetry/batch.ts';
import { headSampler, type Sampler } from '../telemetry/head-sampler.ts';
import { readSettings, type Settings } from '../telemetry/settings.ts';
import type { Environment } from '../telemetry/variables.ts';
import { backEndOf } from './back-end.ts';

export interface ProviderOptions {
  /** Where the `OTEL_*` variables and Lambda's own are. */
  readonly env: Environment;
  readonly nanos: () => bigint;
  readonly random: Random;
  /** Milliseconds since the epoch. @default the system's */
  readonly clock?: Clock;
  readonly log?: Log;
  /** Takes finished spans in place of what `OTEL_TRACES_EXPORTER` says. */
  readonly exportSpans?: SpanExport;
  /** The same for a back end that has a name and counts what it loses. */
  readonly backEnd?: BackEnd;
  /** Takes finished spans in place of any back end, and sends them when it is told to. */
  readonly batches?: SpanBatches;
  /** What the variables say, where they have been read already. @default they are read from `env` */
  readonly settings?: Settings;
  /** Decides about each span in place of what `OTEL_TRACES_SAMPLER` says. */
  readonly sampler?: Sampler;
  /** Asked at the end of every recorded span whether it is exported after all. @default what is not sampled is let go */
  readonly promote?: Promote;
  /** Also becomes the global provider, so that other libraries' spans are recorded. @default false */
  readonly register?: boolean;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what has finished. Never throws: a lost export is logged, since telemetry must not fail the work. */
  readonly flush: (timeoutMs: number) => Promise<void>;
  /** `flush` keeps to its time by itself: nobody need watch it. */
  readonly flushKeepsTime?: boolean;
  /** Absent where a layer's context manager is in charge. */
  readonly inLane?: InLane;
}

/**
 * Tracing of one process, from the standard variables. When a layer has registered a global provider, its tracer is used instead, and it
 * is asked to flush; nothing is registered or exported here then.
 */
export const createTracing = (options: ProviderOptions): Tracing => tracingWith(options, batchesFor);

/** The same with batches of the caller's: what makes those of the variables is then not needed. */
export const tracingWith = (options: ProviderOptions, batchesOf: BatchesOf = () => undefined): Tracing => {
  const lane = takeCharge();
  const layer = layerProvider();
  if (layer !== undefined) return { tracer: trace.getTracer(scopeName), flush: layerFlush(layer), ...lane };
  const settings = options.settings ?? readSettings(options.env);
  for (const warning of settings.warnings) options.log?.('warn', warning);
  if (settings.disabled)
    return { tracer: new ProxyTracerProvider().getTracer(scopeName), flush: async () => undefined };
  return { ...standalone(options, settings, batchesOf), ...lane };
};

type BatchesOf = (options: ProviderOptions, settings: Settings, clock: Clock) => SpanBatches | undefined;

const scopeName = 'tidemark';

const standalone = (options: ProviderOptions, settings: Settings, batchesOf: BatchesOf): Tracing => {
  const { nanos, random, clock = systemClock, register = false } = options;
  const { resource, limits } = settings;
  const batches = options.batches ?? batchesOf(options, settings, clock);
  const recorder = {
    nanos,
    random,
    resource,
    limits,
    sampler: options.sampler ?? headSampler(settings.sampler),
    keep: batches?.keep ?? (() => undefined),
    promote: options.promote,
  };
  const tracer = recordingTracer({ ...recorder, scope: { name: scopeName } });
  if (register) {
    trace.setGlobalTracerProvider({
      getTracer: (name, version) =>
        recordingTracer({ ...recorder, scope: version === undefined ? { name } : { name, version } }),
    });
  }
  return { tracer, flush: batches?.flush ?? (async () => undefined), flushKeepsTime: true };
};

const batchesFor: BatchesOf = (options, settings, clock) => {
  const { env, log } = options;
  const backEnd = chosenBackEnd(options, settings, clock);
  if (backEnd === undefined) return undefined;
  // In a function a timer would fire after the answer, when the sandbox may be frozen: there, only the flush sends.
  const inLambda = env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined;
  const { batch } = settings;
  return spanBatches({ ...batch, delayMs: inLambda ? undefined : batch.delayMs, backEnd, clock, later, log });
};

const chosenBackEnd = (options: ProviderOptions, settings: Settings, clock: Clock): BackEnd | undefined => {
  const { backEnd, exportSpans, env, random, log } = options;
  if (backEnd !== undefined) return backEnd;
  if (exportSpans !== undefined) return handedOver(exportSpans);
  return backEndOf(settings, { env, clock, random, log });
};

/** A function that takes spans, as a back end. */
const handedOver = (exportSpans: SpanExport): BackEnd => ({
  name: 'exportSpans',
  export: async (spans, deadlineMs) => {
    const work = exportSpans(spans);
    // What is handed over in memory is done at once, and needs no timer.
    let settled = false;
    const done = () => {
      settled = true;
    };
    work.then(done, done);
    await undefined;
    await (settled ? work : within(work, deadlineMs));
    return { kept: spans.length, dropped: noneDropped };
  },
});

const noneDropped = Object.freeze({});

const within = <T>(work: Promise<T>, timeoutMs: number): Promise<T> =>
  new Promise((settle, reject) => {
    const cancel = later(timeoutMs, () => reject(new Failure('timeout', `no answer within ${timeoutMs} ms`)), 'hold');
    work.then(settle, reject).finally(cancel);
  });

interface Flushing {
  readonly forceFlush?: () => Promise<unknown>;
  readonly getDelegate?: () => Flushing;
}

/** The provider behind the API, where somebody has registered one. */
const layerProvider = (): Flushing | undefined => {
  const provider = trace.getTracerProvider();
  if (!(provider instanceof ProxyTracerProvider)) return provider as Flushing;
  return provider.getDelegateTracer(scopeName) === undefined ? undefined : (provider.getDelegate() as Flushing);
};

/** A layer that wraps the handler flushes by itself; one that only brought an SDK does not. `middleware/flush` keeps the time. */
const layerFlush = (provider: Flushing) => async (): Promise<void> => {
  await provider.forceFlush?.();
};
