import type { SpanContext, TraceState } from '@opentelemetry/api';
import { OtTraceState, thresholdOf } from './probability.ts';
import { type BacklogSampler, decisions, parentIn, type SamplingResult } from './sampler.ts';

/** A standard OpenTelemetry sampler. */
export type Sampler = Pick<BacklogSampler, 'shouldSample' | 'byTrace' | 'toString'>;

/**
 * The samplers of `OTEL_TRACES_SAMPLER`. A ratio is kept consistently: a trace whose randomness reaches the threshold is kept on every
 * hop that has this ratio or a higher one, and `ot=th` tells what a kept span stands for.
 */
export const headSampler = ({ name, ratio }: { readonly name: SamplerName; readonly ratio: number }): Sampler => {
  const root = roots[name](ratio);
  const label = `${name}{${ratio}}`;
  const followsParent = name.startsWith('parentbased_');
  return {
    shouldSample: (context, traceId) => {
      const parent = parentIn(context);
      if (parent === undefined || !followsParent) return root(traceId, parent);
      return (parent.traceFlags & 1) === 1 ? kept : dropped;
    },
    byTrace: true,
    toString: () => label,
  };
};

type Root = (traceId: string, parent: SpanContext | undefined) => SamplingResult;

const kept: SamplingResult = { decision: decisions.sample };
const dropped: SamplingResult = { decision: decisions.notRecord };

const byRatio = (ratio: number): Root => {
  const threshold = thresholdOf(ratio);
  if (threshold === undefined) return () => dropped;
  const member = `th:${threshold.replace(/0+$/, '') || '0'}`;
  const keptRoot: SamplingResult = { decision: decisions.sample, traceState: new OtTraceState([['ot', member]]) };
  return (traceId, parent) => {
    const state = parent?.traceState;
    if (state === undefined) return randomnessOf(traceId) >= threshold ? keptRoot : dropped;
    const told = (state.get('ot') ?? '').split(';').filter((each) => each !== '' && !each.startsWith('th:'));
    const own = told.find((each) => /^rv:[0-9a-f]{14}$/.test(each));
    const isKept = (own?.slice(3) ?? randomnessOf(traceId)) >= threshold;
    return {
      decision: isKept ? decisions.sample : decisions.notRecord,
      traceState: withMember(state, (isKept ? [member, ...told] : told).join(';')),
    };
  };
};

/** Longer than 256 characters no value of `ot` may be; what finds no room is left out from the end. */
const withMember = (state: TraceState, ot: string): TraceState => {
  const value = ot.length <= 256 ? ot : ot.slice(0, ot.lastIndexOf(';', 256));
  return value === '' ? state.unset('ot') : state.set('ot', value);
};

const always = () => () => kept;
const never = () => () => dropped;
const roots = {
  always_on: always,
  always_off: never,
  traceidratio: byRatio,
  parentbased_always_on: always,
  parentbased_always_off: never,
  parentbased_traceidratio: byRatio,
} as const satisfies Record<string, (ratio: number) => Root>;

export type SamplerName = keyof typeof roots;
/** What `OTEL_TRACES_SAMPLER` may say. */
export const samplerNames = Object.keys(roots) as SamplerName[];

/** The low 56 bits of the trace id, which level 2 of Trace Context vouches for with the random flag. */
const randomnessOf = (traceId: string): string => traceId.slice(18);
