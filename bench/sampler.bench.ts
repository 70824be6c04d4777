import { type Context, createTraceState, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import {
  createComposableParentThresholdSampler,
  createComposableProbabilitySampler,
  createCompositeSampler,
} from '@opentelemetry/sampler-composite';
import { ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import { backlogSampler } from '../lib/telemetry/sampler.ts';
import type { Bench } from './index.ts';
import { type Case, measure, report } from './measure.ts';

const traceIds = Array.from({ length: 1024 }, () =>
  Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join(''),
);

const parent = (traceState?: string): Context =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceIds[0] as string,
    spanId: '00f067aa0ba902b7',
    traceFlags: 1,
    isRemote: true,
    ...(traceState === undefined ? {} : { traceState: createTraceState(traceState) }),
  });

interface Sampling {
  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: object,
    links: never[],
  ): unknown;
}

export const bench: Bench = {
  question: 'What does a sampling decision cost, against ParentBased(TraceIdRatio) and the composite sampler?',
  run: async ({ json }) => {
    let fill = 0;
    const ours = backlogSampler({ pressure: () => fill, keepErrors: false }) as unknown as Sampling;
    const ratio = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.5) }) as unknown as Sampling;
    const composite = createCompositeSampler(
      createComposableParentThresholdSampler(createComposableProbabilitySampler(0.5)),
    ) as unknown as Sampling;
    const contexts = { root: ROOT_CONTEXT, child: parent(), threshold: parent('ot=th:8') };
    const attributes = {};
    const links: never[] = [];
    const cases = (suffix: keyof typeof contexts): Case[] =>
      Object.entries({ tidemark: ours, 'otel-ratio': ratio, 'otel-composite': composite }).map(([name, sampler]) => {
        let at = 0;
        const context = contexts[suffix];
        return {
          case: `${name}/${suffix}`,
          run: () => {
            at = (at + 1) & 1023;
            // The backlog moves every 1024 decisions: far more often than it is read.
            if (at === 0) fill = (fill + 0.1) % 1.2;
            return sampler.shouldSample(context, traceIds[at] as string, 'span', SpanKind.SERVER, attributes, links);
          },
        };
      });
    const results = (['root', 'child', 'threshold'] as const).flatMap((suffix) =>
      measure(cases(suffix), { peers: [`otel-ratio/${suffix}`, `otel-composite/${suffix}`] }),
    );
    report('sampler', results, json, [
      'Per decision. root: a new trace; child: of a sampled parent without tracestate; threshold: of one with ot=th:8.',
      'ParentBased(TraceIdRatio) writes no threshold: what it keeps cannot be counted.',
    ]);
  },
};
