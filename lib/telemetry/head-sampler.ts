import type { SpanContext, TraceState } from '@opentelemetry/api';
import { OtTraceState, readOt, thresholdOf, writeOt } from './probability.ts';
import { type BacklogSampler, decisions, parentIn, type SamplingResult } from './sampler.ts';
import type { SamplerName, Settings } from './settings.ts';

/** A standard OpenTelemetry sampler. */
export type Sampler = Pick<BacklogSampler, 'shouldSample' | 'toString'>;

/**
 * The samplers of `OTEL_TRACES_SAMPLER`. A ratio is kept consistently: a trace whose randomness reaches the threshold is kept on every
 * hop that has this ratio or a higher one, and `ot=th` tells what a kept span stands for.
 */
export const headSampler = ({ name, ratio }: Settings['sampler']): Sampler => {
  const root = roots[name](ratio);
  const label = name.endsWith('traceidratio') ? `${name}{${ratio}}` : name;
  if (!name.startsWith('parentbased_')) {
    return { shouldSample: (context, traceId) => root(traceId, parentIn(context)), toString: () => label };
  }
  return {
    shouldSample: (context, traceId) => {
      const parent = parentIn(context);
      if (parent === undefined) return root(traceId, undefined);
      return (parent.traceFlags & 1) === 1 ? kept : dropped;
    },
    toString: () => label,
  };
};

type Root = (traceId: string, parent: SpanContext | undefined) => SamplingResult;

const kept: SamplingResult = { decision: decisions.sample };
const dropped: SamplingResult = { decision: decisions.notRecord };

const byRatio = (ratio: number): Root => {
  const threshold = thresholdOf(ratio);
  if (threshold === undefined) return () => dropped;
  const ot = writeOt({ threshold, randomness: undefined, rest: undefined });
  const keptRoot: SamplingResult = { decision: decisions.sample, traceState: new OtTraceState([['ot', ot]]) };
  return (traceId, parent) => {
    const state = parent?.traceState;
    if (state === undefined) return randomnessOf(traceId) >= threshold ? keptRoot : dropped;
    const told = readOt(state.get('ot'));
    const isKept = (told.randomness ?? randomnessOf(traceId)) >= threshold;
    const decision = isKept ? decisions.sample : decisions.notRecord;
    return { decision, traceState: withMember(state, writeOt({ ...told, threshold: isKept ? threshold : undefined })) };
  };
};

const withMember = (state: TraceState, ot: string): TraceState => (ot === '' ? state.unset('ot') : state.set('ot', ot));

const always = () => () => kept;
const never = () => () => dropped;
const roots: Readonly<Record<SamplerName, (ratio: number) => Root>> = {
  always_on: always,
  always_off: never,
  traceidratio: byRatio,
  parentbased_always_on: always,
  parentbased_always_off: never,
  parentbased_traceidratio: byRatio,
};

/** The low 56 bits of the trace id, which level 2 of Trace Context vouches for with the random flag. */
const randomnessOf = (traceId: string): string => traceId.slice(18);
