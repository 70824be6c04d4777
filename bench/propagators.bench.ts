import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import {
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { extractFrom } from '../lib/propagation/extract.ts';
import { inject } from '../lib/propagation/inject.ts';
import { generated } from '../scripts/commands/docs.ts';
import {
  alone,
  type Compared,
  comparisons,
  formatsCompared,
  propagatorsPage,
  sample,
  written,
} from '../scripts/propagators-page.ts';
import type { Bench } from './index.ts';
import { type Case, measure, type Result, report } from './measure.ts';
import { peer } from './peers.ts';

type Propagator = new (options?: object) => TextMapPropagator;

const page = join(import.meta.dirname, '../docs/reference/propagators.md');

export const bench: Bench = {
  question: 'What do W3C, B3 single, B3 multi, X-Ray and a format of one’s own cost and lose, side by side?',
  run: async ({ json, args }) => {
    context.disable();
    const peers = args.includes('--no-peers') ? {} : otelPropagators();
    const results = formatsCompared.flatMap((format) => [
      ...pair(`${format}/inject`, injecting(format), peers[format] && otelInjecting(peers[format])),
      ...pair(`${format}/extract`, extracting(format), peers[format] && otelExtracting(format, peers[format])),
    ]);
    if (args.includes('--write')) writeFileSync(page, propagatorsPage(generated, told(results)));
    report(
      'propagators',
      results,
      json,
      [
        'Per context, in a carrier of five headers; each format alone, against the propagator that OpenTelemetry has for it. What each writes',
        'and loses stands in docs/reference/propagators.md; --write renews the figures there.',
      ],
      { formats: comparisons() },
    );
  },
};

/** Other headers of a request, which a reader has to pass over. */
const others = {
  host: 'orders.example',
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'x',
};

const injecting = (format: Compared) => {
  const using = alone(format);
  return () => {
    const carrier: Record<string, string> = { ...others };
    inject(sample, (name, value) => (carrier[name] = flat(value)), using);
    return carrier;
  };
};

const otelInjecting = (propagator: TextMapPropagator) => {
  const active = trace.setSpanContext(ROOT_CONTEXT, { traceId: sample.traceId, spanId: sample.spanId, traceFlags: 1 });
  return () => {
    const carrier: Record<string, string> = { ...others };
    propagator.inject(active, carrier, { set: (to, name, value) => defaultTextMapSetter.set(to, name, flat(value)) });
    return carrier;
  };
};

const extracting = (format: Compared) => {
  const using = alone(format);
  const carrier = { ...others, ...written(format) };
  if (extractFrom(carrier, using).context?.traceId !== sample.traceId)
    throw new Error(`${format} does not read itself`);
  return () => extractFrom(carrier, using);
};

const otelExtracting = (format: Compared, propagator: TextMapPropagator) => {
  // Its getter compares names exactly, in lower case.
  const carrier = Object.fromEntries(
    Object.entries({ ...others, ...written(format) }).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const run = () => propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
  if (trace.getSpanContext(run())?.traceId !== sample.traceId) throw new Error(`the peer does not read ${format}`);
  return run;
};

/** Concatenations are lazy: sending would flatten them, so every case pays for it here. */
const flat = (text: string): string => {
  Number(text);
  return text;
};

const otelPropagators = (): Partial<Record<Compared, TextMapPropagator>> => {
  const { B3InjectEncoding, B3Propagator } = peer<{
    readonly B3Propagator: Propagator;
    readonly B3InjectEncoding: { readonly SINGLE_HEADER: number; readonly MULTI_HEADER: number };
  }>('@opentelemetry/propagator-b3');
  const { AWSXRayPropagator } = peer<{ readonly AWSXRayPropagator: Propagator }>('@opentelemetry/propagator-aws-xray');
  return {
    w3c: new W3CTraceContextPropagator(),
    b3: new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER }),
    b3multi: new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
    xray: new AWSXRayPropagator(),
  };
};

/** Ours and, where there is one, the peer's in one run: their ratio outlives the machine. */
const pair = (name: string, ours: () => unknown, theirs: (() => unknown) | undefined): Result[] => {
  const cases: Case[] = [{ case: `tidemark/${name}`, run: ours }];
  if (theirs !== undefined) cases.push({ case: `otel/${name}`, run: theirs });
  return measure(cases, { rounds: 21, roundMs: 8, peers: [`otel/${name}`] });
};

/** The measured section of the page. */
const told = (results: readonly Result[]): string => {
  const at = (name: string) => results.find((result) => result.case === name);
  const shown = (result: Result | undefined) =>
    result === undefined ? '–' : `${Math.round(result.p10)} ns, ${Math.round(result.bytes ?? 0)} B`;
  const rows = formatsCompared.map((format) =>
    [
      format,
      ...['inject', 'extract'].flatMap((what) => {
        const ours = at(`tidemark/${format}/${what}`);
        const ratio = Object.values(ours?.ratioTo ?? {})[0];
        return [shown(ours), ratio === undefined ? '–' : ratio.toFixed(2)];
      }),
    ].join(' | '),
  );
  return [
    `p10 per context and bytes allocated, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}; the ratio is ours ÷ OpenTelemetry’s own`,
    'propagator of that format, from the same run. Absolute figures are of that machine alone: `npm run bench -- propagators --write` renews them.',
    '',
    '| format | inject | ratio | extract | ratio |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
};
