import { trace } from '@opentelemetry/api';
import { configuredBackEnd, redactorsOf } from '#tidemark.back-ends';
import { baggageRedactor } from '#tidemark.baggage';
import { backlogSampling } from '#tidemark.sampling';
import { systemMonotonic } from '../adapters/clock.ts';
import { later } from '../adapters/later.ts';
import { lambdaCpus, processHealth } from '../adapters/process-health.ts';
import type { BackEnd, ExportOutcome } from '../model/back-end.ts';
import type { PropagationConfig } from '../model/config/propagation.ts';
import type { TelemetryConfig } from '../model/config/telemetry.ts';
import { given } from '../model/given.ts';
import type { Clock, Crypto, Log, Random, Secrets, Table } from '../model/ports.ts';
import type { Span } from '../model/span.ts';
import { type Propagation, propagation } from '../propagation/propagation.ts';
import { type Breaker, breaker } from '../telemetry/breaker.ts';
import { readFunctionSettings } from '../telemetry/function-settings.ts';
import { headSampler } from '../telemetry/head-sampler.ts';
import { type Metrics, metrics } from '../telemetry/metrics.ts';
import type { Redactor } from '../telemetry/redact.ts';
import { type BackEndLimits, routeSpans, type SpanRouter } from '../telemetry/route.ts';
import { readSettings, type Settings } from '../telemetry/settings.ts';
import type { Environment } from '../telemetry/variables.ts';
import { backEndOf } from './back-end.ts';
import type { Sampling } from './backlog-sampling.ts';
import { metricsTeller } from './tell-metrics.ts';
import { type Tracing, tracingWith } from './tracing.ts';

export interface TelemetryOptions {
  /** Of the function, as its logs and metrics have it. */
  readonly name: string;
  /** @default the `OTEL_*` variables alone decide */
  readonly config?: TelemetryConfig | undefined;
  /** The `propagation` section. @default as `OTEL_PROPAGATORS` says */
  readonly propagation?: PropagationConfig | undefined;
  readonly env: Environment;
  readonly nanos: () => bigint;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where the pressure of queues is. */
  readonly table: Pick<Table, 'get'>;
  readonly secrets: Secrets;
  readonly hmacSha256: Crypto['hmacSha256'];
  /** false: spans of this function are made, so that context flows on, and go nowhere. @default true */
  readonly exports?: boolean;
}

/** Tracing of one function with all that the `telemetry` section asks for. */
export interface Telemetry extends Tracing {
  /** For `eachRecord`. */
  readonly onRecord: (record: { readonly source: string; readonly outcome: string; readonly format: string }) => void;
  /** Sends spans of others to the back ends of their services; undefined where none are configured. Never rejects. */
  readonly forward: ((spans: readonly Span[], deadlineMs: number) => Promise<void>) | undefined;
  /** For everything that sends; undefined where baggage passes no profile. */
  readonly redactBaggage: Redactor['baggage'] | undefined;
  readonly metrics: Metrics;
  /** Formats that are read and written, for the middleware. */
  readonly propagation: Propagation;
  /** Lets go of timers and observers; a function never needs to. */
  readonly stop: () => void;
}

export const createTelemetry = (options: TelemetryOptions): Telemetry => {
  const { config = {}, env, clock, log, exports = true } = options;
  const settings = readSettings(env);
  const { propagators, warnings } = readFunctionSettings(env);
  for (const warning of warnings) log('warn', warning);
  const counted = metrics({ clock, exemplar: sampledSpan });
  const guard = breaker(config.breaker, ({ open, reasons }) => {
    log(open ? 'warn' : 'info', open ? 'breaker opens: new traces are sampled less' : 'breaker closes', { reasons });
    counted.measure('tidemark.breaker.open', open ? 1 : 0, { breaker: 'process' });
  });
  const health = processHealth({ listener: guard, cpus: lambdaCpus(env) });
  const router = routerOf(options, settings, counted, guard);
  const { sampler, promote, pressure, rate } = samplingOf(options, settings, guard);
  const tracing = tracingWith({
    ...options,
    settings,
    sampler,
    ...given({ promote }),
    batches: router !== undefined && exports ? router : nowhere,
  });
  const tell = metricsTeller({ ...options, settings, metrics: counted });

  return {
    tracer: tracing.tracer,
    flush: async (timeoutMs) => {
      const until = clock() + timeoutMs;
      await Promise.all([tracing.flush(timeoutMs), pressure?.refresh()]);
      health.look();
      guard.tick(systemMonotonic());
      counted.measure('tidemark.breaker.open', guard.state.open ? 1 : 0, { breaker: 'process' });
      if (rate !== undefined) counted.measure('tidemark.sampling.rate', rate());
      await tell(until - clock());
    },
    onRecord: ({ source, outcome, format }) => counted.measure('tidemark.records', 1, { source, outcome, format }),
    forward: config.backEnds === undefined ? undefined : router?.route,
    redactBaggage: baggageRedactor(config, log),
    metrics: counted,
    propagation: propagation(options.propagation, propagators?.join(',')),
    stop: health.stop,
  };
};

const nowhere = { keep: () => undefined, flush: async () => undefined };

/** An exemplar leads to a trace, so there must be one. */
const sampledSpan = () => {
  const active = trace.getActiveSpan()?.spanContext();
  return active !== undefined && (active.traceFlags & 1) === 1 ? active : undefined;
};

/** The configured back ends with their routes, or the one of the variables; undefined where spans go nowhere. */
const routerOf = (
  options: TelemetryOptions,
  settings: Settings,
  counted: Metrics,
  guard: Breaker,
): SpanRouter | undefined => {
  const { config = {}, clock, log } = options;
  const { backEnds: configured = {} } = config;
  const names = Object.keys(configured);
  const standard = names.length > 0 ? undefined : backEndOf(settings, options);
  if (settings.exporter === 'none' || (names.length === 0 && standard === undefined)) return undefined;
  const backEnds: BackEnd[] =
    standard !== undefined
      ? [standard]
      : Object.entries(configured).map(([name, each]) => configuredBackEnd(name, each, options));
  const limits: Record<string, BackEndLimits> =
    standard !== undefined ? { [standard.name]: settings.batch } : { ...configured };
  return routeSpans({
    backEnds,
    limits,
    routes: config.routes ?? [],
    defaultBackEnds: standard === undefined ? config.defaultBackEnds : undefined,
    ...(standard === undefined ? { redactors: redactorsOf(options) } : {}),
    clock,
    later: (ms, call) => later(ms, call, 'hold'),
    log,
    onOutcome: (backEnd, outcome, ms, example) => count(counted, backEnd, outcome, ms, example, guard),
    onBreaker: (name, open) => counted.measure('tidemark.breaker.open', open ? 1 : 0, { breaker: name }),
  });
};

const count = (
  counted: Metrics,
  backEnd: string,
  { kept, dropped }: ExportOutcome,
  ms: number | undefined,
  example: Span,
  guard: Breaker,
): void => {
  const lost = Object.entries(dropped);
  if (kept > 0) counted.measure('tidemark.spans.exported', kept, { back_end: backEnd }, example);
  for (const [reason, spans] of lost) {
    counted.measure('tidemark.spans.dropped', spans, { back_end: backEnd, reason }, example);
  }
  if (ms === undefined) return;
  const outcome = lost.length === 0 ? 'ok' : kept > 0 ? 'partial' : 'failed';
  counted.measure('tidemark.export.duration', ms / 1000, { back_end: backEnd, outcome }, example);
  guard.exported(ms, systemMonotonic());
};

/** By backlog where a queue is named, else by `OTEL_TRACES_SAMPLER`; both do less while the breaker is open. */
const samplingOf = (
  { config = {}, table, clock, log }: TelemetryOptions,
  settings: Settings,
  guard: Breaker,
): Sampling => {
  const { sampling, breaker: { cap = 0.1 } = {} } = config;
  const stressed = () => guard.state.open;
  if (sampling === undefined) {
    const usual = headSampler(settings.sampler);
    const less = headSampler(capped(settings.sampler, cap));
    return {
      sampler: {
        shouldSample: (...asked) => (stressed() ? less : usual).shouldSample(...asked),
        byTrace: true,
        toString: () => `${usual}`,
      },
    };
  }
  return backlogSampling(sampling, { cap, stressed, table, clock, log });
};

/** The same sampler with at most so much of the traces that begin here. */
const capped = ({ name, ratio }: Settings['sampler'], cap: number): Settings['sampler'] => {
  if (name === 'always_on') return { name: 'traceidratio', ratio: cap };
  if (name === 'parentbased_always_on') return { name: 'parentbased_traceidratio', ratio: cap };
  return { name, ratio: Math.min(ratio, cap) };
};
