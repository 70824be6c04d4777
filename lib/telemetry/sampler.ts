import type { Attributes, Context, Link, SpanContext, SpanKind, TraceState } from '@opentelemetry/api';
import { type Pressure, pressureLevel } from '../model/queue-snapshot.ts';
import type { Span } from '../model/span.ts';
import {
  type OtState,
  OtTraceState,
  plainThresholdEnd,
  reaches,
  readOt,
  thresholdOf,
  withOt,
  writeOt,
} from './probability.ts';

/** As OpenTelemetry's SamplingDecision: not recorded, recorded only, recorded and sampled. */
export const decisions = { notRecord: 0, record: 1, sample: 2 } as const;
type Decision = (typeof decisions)[keyof typeof decisions];

export interface SamplingResult {
  readonly decision: Decision;
  readonly traceState?: TraceState;
}

/** What a span that has ended is kept for although its trace is not sampled. */
export interface Stratum {
  readonly name: 'error' | 'slow';
  /** Its `tracestate` as exported: every span of the stratum is kept, so each stands for itself alone. */
  readonly traceState: string;
}

export interface BacklogSamplerOptions {
  /** Backlog over capacity as last known; undefined where nobody knows. Read in the background: it must answer at once. */
  readonly pressure: () => number | undefined;
  /** Whether the process itself is short of something (the breaker). @default never */
  readonly stressed?: () => boolean;
  /** Share of new traces that is kept without any pressure. @default 1 */
  readonly ratio?: number;
  /** Most that is kept while stressed. @default 0.1 */
  readonly cap?: number;
  /** Whether spans that end with an error are kept. @default true */
  readonly keepErrors?: boolean;
  /** Local roots that take at least so long are kept, in milliseconds. @default none */
  readonly keepSlowMs?: number;
  /** Told whenever the rate changes. */
  readonly onChange?: (change: RateChange) => void;
}

export interface RateChange {
  readonly rate: number;
  readonly level: Pressure['level'];
  readonly fill: number | undefined;
  readonly stressed: boolean;
}

/** A standard OpenTelemetry sampler, which also decides at the end of a span. */
export interface BacklogSampler {
  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult;
  /** Decides by the context and the trace id alone: what it says of one span, it says of its siblings. */
  readonly byTrace?: boolean;
  toString(): string;
  /** The stratum that a finished span belongs to; undefined: what was decided at its start stands. */
  atEnd(span: EndedSpan, isLocalRoot: boolean): Stratum | undefined;
  /** The rate at which new traces are kept now. */
  readonly rate: number;
}

export type EndedSpan = Pick<Span, 'status' | 'startNanos' | 'endNanos' | 'traceState'>;

/** How much the fill must recede before a rate rises again. */
const margin = 0.05;
/** 2^-6 is the smallest power of two that is not below the floor of 0.01, so no span stands for more than 64. */
const lowest = 6;

/**
 * Head sampling by backlog. A trace that begins here is kept at the rate r = max(0.01, min(1, 1 - 0.9 × fill)), by level: all of them
 * below a fill of 30 %, at most 0.1 above 70 %; in powers of two, so that weights vary little, and with hysteresis. What continues a
 * trace follows its threshold, or its flag where there is none: every hop and every redelivery decides alike. docs/adr/0051 has the
 * reading of the formula.
 */
export const backlogSampler = (options: BacklogSamplerOptions): BacklogSampler => {
  const { pressure, stressed = () => false, ratio = 1, cap = 0.1, keepErrors = true, keepSlowMs, onChange } = options;
  const rejected = keepErrors || keepSlowMs !== undefined ? decisions.record : decisions.notRecord;
  const steps = Array.from({ length: lowest + 1 }, (_, step) => rateOf(Math.min(ratio, 2 ** -step), rejected));
  const capStep = Math.min(lowest, Math.ceil(-Math.log2(cap)));
  const slowNanos = keepSlowMs === undefined ? undefined : BigInt(Math.round(keepSlowMs * 1e6));
  const followed = constantsFor(rejected);
  const label = `BacklogSampler{ratio=${ratio},cap=${cap},keepErrors=${keepErrors}${keepSlowMs === undefined ? '' : `,keepSlowMs=${keepSlowMs}`}}`;

  let fill: number | undefined;
  let byFill = 0;
  let wasStressed = false;
  let step = 0;
  let last = 0;
  let now = steps[0] as Rate;
  const current = (): Rate => {
    const known = pressure();
    const isStressed = stressed();
    if (known === fill && isStressed === wasStressed) return now;
    fill = known;
    wasStressed = isStressed;
    byFill = nextStep(byFill, known ?? 0);
    step = isStressed ? Math.max(byFill, capStep) : byFill;
    now = steps[step] as Rate;
    if (step !== last) {
      last = step;
      onChange?.({ rate: now.rate, level: pressureLevel(known ?? 0), fill: known, stressed: isStressed });
    }
    return now;
  };

  return {
    shouldSample(context, traceId) {
      const parent = parentIn(context);
      if (parent !== undefined) return follow(parent, traceId, followed);
      const { threshold, kept, dropped } = current();
      return threshold !== undefined && reaches(threshold, 0, threshold.length, traceId, lowBits) ? kept : dropped;
    },
    byTrace: true,
    toString: () => label,
    atEnd({ status, startNanos, endNanos, traceState }, isLocalRoot) {
      if (keepErrors && status === 2) return { name: 'error', traceState: withOt(traceState, certain) };
      if (slowNanos !== undefined && isLocalRoot && endNanos - startNanos >= slowNanos) {
        return { name: 'slow', traceState: withOt(traceState, certain) };
      }
      return undefined;
    },
    get rate() {
      return current().rate;
    },
  };
};

/** The step from one reading to the next: down at once, up only when the fill has receded by the margin. */
export const nextStep = (step: number, fill: number): number => {
  const least = stepOf(fill);
  if (step <= least) return least;
  return Math.min(step, stepOf(fill + margin));
};

/** k of the rate 2^-k for a fill. */
export const stepOf = (fill: number): number => {
  if (!(fill >= 0.3)) return 0;
  const linear = Math.max(0.01, 1 - 0.9 * fill);
  // Nearest in between, so that the rate is unbiased around the formula; never above the cap of the highest level.
  const nearest = Math.round(-Math.log2(linear));
  return Math.min(lowest, fill > 0.7 ? Math.max(nearest, highStep) : nearest);
};
/** The largest power of two of at most 0.1. */
const highStep = 4;

interface Rate {
  readonly rate: number;
  readonly threshold: string | undefined;
  readonly kept: SamplingResult;
  readonly dropped: SamplingResult;
}

/** All there is to answer for a rate, made once: a decision about a new trace allocates nothing. */
const rateOf = (rate: number, rejected: Decision): Rate => {
  const threshold = thresholdOf(rate);
  const ot = writeOt({ threshold, randomness: undefined, rest: undefined });
  return {
    rate,
    threshold,
    kept: { decision: decisions.sample, traceState: new OtTraceState([['ot', ot]]) },
    dropped: { decision: rejected },
  };
};

interface Followed {
  readonly kept: SamplingResult;
  readonly dropped: SamplingResult;
}
const constantsFor = (rejected: Decision): Followed => ({
  kept: { decision: decisions.sample },
  dropped: { decision: rejected },
});

/** The decision of the trace: by its threshold, else by its flag. A threshold is not carried on where it does not hold. */
const follow = (parent: SpanContext, traceId: string, { kept, dropped }: Followed): SamplingResult => {
  const { traceState } = parent;
  const value = traceState?.get('ot');
  if (traceState === undefined || value === undefined) {
    const byFlag = (parent.traceFlags & 1) === 1 ? kept : dropped;
    return traceState === undefined ? byFlag : { decision: byFlag.decision, traceState };
  }
  const end = plainThresholdEnd(value);
  if (end > 0) {
    const hasOwn = end < value.length;
    const isKept = hasOwn ? reaches(value, 3, end, value, end + 4) : reaches(value, 3, end, traceId, lowBits);
    // What is kept goes on as it came; of what is not, nothing but a threshold that does not hold would be left to say.
    if (isKept || !hasOwn) return { decision: (isKept ? kept : dropped).decision, traceState };
  }
  const ot = readOt(value);
  const isKept =
    ot.threshold === undefined
      ? (parent.traceFlags & 1) === 1
      : reaches(
          ot.threshold,
          0,
          ot.threshold.length,
          ot.randomness ?? traceId,
          ot.randomness === undefined ? lowBits : 0,
        );
  const { decision } = isKept ? kept : dropped;
  const carried = writeOt(isKept ? ot : { ...ot, threshold: undefined });
  return { decision, traceState: carried === value || carried === '' ? traceState : traceState.set('ot', carried) };
};

/** Where the API keeps the active span: `createContextKey` is `Symbol.for`, in every version and copy of it. */
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN');

export const parentIn = (context: Context): SpanContext | undefined => {
  const span = context.getValue(spanKey) as { readonly spanContext: () => SpanContext } | undefined;
  const parent = span?.spanContext();
  return parent === undefined || parent.traceId === noTrace || parent.spanId === noSpan ? undefined : parent;
};
const noTrace = '0'.repeat(32);
const noSpan = '0'.repeat(16);

/** The low 56 bits of the trace id, which level 2 of Trace Context vouches for with the random flag. */
export const randomnessOf = (traceId: string): string => traceId.slice(18);

/** Where the low 56 bits of a trace id begin. */
const lowBits = 18;

const certain = (ot: OtState): OtState => ({ ...ot, threshold: '00000000000000' });
