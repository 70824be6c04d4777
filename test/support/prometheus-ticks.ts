import type { WatermarksConfig } from '../../lib/model/config/watermarks.ts';
import { Failure } from '../../lib/model/failure.ts';
import { inactive, type SeriesState } from '../../lib/watermark/evaluate.ts';
import type { Evaluating } from '../../lib/watermark/evaluating.ts';
import { recall } from '../../lib/watermark/recall.ts';
import { resume } from '../../lib/watermark/resume.ts';
import { runTick } from '../../lib/watermark/tick.ts';
import { memoryTable } from './memory.ts';
import type { OutageCase, VectorCase } from './watermark-cases.ts';

/** Pending and firing alerts by their labels as JSON, or that the evaluation was refused for equal labels. */
export type Active = Readonly<Record<string, string>> | 'refused';

/** A rule of the Prometheus gauge without anything that Prometheus lacks, ticked over recorded vectors; what is active after each. */
export const activeAfterTicks = async ({ rule, vectors }: VectorCase): Promise<readonly Active[]> => {
  let now = 0;
  let series: VectorCase['vectors'][number]['series'] = [];
  let refused = false;
  const table = memoryTable(() => now);
  const config: WatermarksConfig = {
    prometheus: { main: { url: 'https://127.0.0.1' } },
    // No process is ever replaced here, so no gap is an outage.
    outageSeconds: 86_400,
    rules: { Full: { gauge: 'prometheus', query: 'fill', ...rule, low: rule.high, noData: 'ok', flapDamping: false } },
  };
  const given: Evaluating = {
    config,
    table,
    sources: {
      cluster: () => Promise.reject(new Error('there is no cluster')),
      queue: () => Promise.reject(new Error('there is no queue')),
      cloudwatch: async () => [],
      prometheus: async () => {
        if (series === 'error') throw new Failure('unavailable', 'the query failed');
        return series.map(({ labels, value }) => ({ labels, value: numberOf(value), at: now }));
      },
      traceInQueue: async () => undefined,
    },
    bus: { put: async () => undefined },
    clock: () => now,
    log: (_level, _message, fields) => {
      if (fields?.['source'] === 'rules/Full') refused = true;
    },
    recall: recall(),
    trace: undefined,
  };
  const all: Active[] = [];
  for (const [index, vector] of vectors.entries()) {
    now = Math.round(vector.at * 1000);
    series = vector.series;
    refused = false;
    await runTick({ tick: new Date(index * 60_000).toISOString(), offsetSeconds: 0 }, given);
    const states = (await table.query('watermark#Full'))
      .map(({ labels, state }) => [sorted(labels as Record<string, string>), (state as SeriesState).phase] as const)
      .filter(([, phase]) => phase !== 'inactive');
    all.push(refused ? 'refused' : Object.fromEntries(states));
  }
  return all;
};

/** Prometheus has no empty labels. */
const sorted = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(labels)
        .filter(([, text]) => text !== '')
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  );

/** Seconds since the epoch, after what resume() does at the end of an outage. */
export const ourActiveAt = ({ forSeconds, activeAt, downAt, now }: OutageCase): number => {
  const rule = { high: 0, low: 0, forSeconds, keepFiringForSeconds: 0, noData: 'ok' as const };
  const pending: SeriesState = { ...inactive, phase: 'pending', at: downAt * 1000, activeAt: activeAt * 1000 };
  return (resume(pending, rule, downAt * 1000, now * 1000).activeAt ?? Number.NaN) / 1000;
};

const numberOf = (value: number | string): number => Number(String(value).replace('Inf', 'Infinity'));
