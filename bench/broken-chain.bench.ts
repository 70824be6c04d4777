import { existsSync } from 'node:fs';
import { type Span, spanKinds } from '../lib/model/span.ts';
import { assemble } from '../lib/trace/assemble.ts';
import { estimateSkew } from '../lib/trace/clock-skew.ts';
import { callHops } from '../lib/trace/hops.ts';
import { reattach, usualCalls } from '../lib/trace/reattach.ts';
import { score } from '../lib/trace/score.ts';
import type { Bench } from './index.ts';
import { nezhaItems } from './nezha.ts';
import { nezhaSpans } from './nezha-spans.ts';
import { shopSpans } from './shop-spans.ts';

const shares = [5, 10, 20, 30, 40, 50] as const;
const seeds = [1, 2, 3, 4, 5] as const;

interface Row {
  readonly set: string;
  readonly percent: number;
  /** Largest difference of any seed between the missing rate told and the true one, in points. */
  readonly worstPoints: number;
  readonly gaps: number;
  /** Of these gaps (a deleted span with children left), in %. */
  readonly rightParent: number;
  readonly unsaid: number;
}

export const bench: Bench = {
  question:
    'with server spans deleted at random: is the missing rate told, and is the right parent found? ([--data DIR])',
  run: async ({ json, args }) => {
    const sets: [string, Span[]][] = [['shop', shopSpans(400).flat()]];
    const folder = args.includes('--data') ? args[args.indexOf('--data') + 1] : undefined;
    if (folder !== undefined) {
      if (!existsSync(`${folder}/manifest.json`)) {
        process.stderr.write('bench broken-chain: --data needs a folder that holds manifest.json\n');
        process.exitCode = 2;
        return;
      }
      for (const { id, kind, day } of nezhaItems(folder)) {
        if (kind === 'normal' && id !== null) sets.push([`nezha ${day}`, nezhaSpans(folder, id).flat()]);
      }
    }
    const rows = sets.flatMap(([set, spans]) => shares.map((percent) => rowOf(set, spans, percent)));
    const findings = Object.fromEntries(
      sets.map(([set, spans]) => [set, score('2026-01-01T00:00:00Z', spans).findings.length]),
    );
    if (json) {
      const answer = { name: 'broken-chain', node: process.version, cases: [], rows, findingsOnHealthy: findings };
      process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
      return;
    }
    process.stdout.write(`set                deleted   rate off by   gaps   right parent   nothing said\n`);
    for (const { set, percent, worstPoints, gaps, rightParent, unsaid } of rows) {
      process.stdout.write(
        `${set.padEnd(18)} ${`${percent} %`.padStart(7)} ${`${worstPoints.toFixed(2)} points`.padStart(13)} ${String(gaps).padStart(6)} ${`${rightParent.toFixed(1)} %`.padStart(14)} ${String(unsaid).padStart(14)}\n`,
      );
    }
    for (const [set, count] of Object.entries(findings)) {
      process.stdout.write(`${set}: ${count} findings where nothing is deleted\n`);
    }
    process.stdout.write('rate: the worst of five seeds; gaps: deleted spans that had children, over all seeds\n');
  },
};

const rowOf = (set: string, spans: readonly Span[], percent: number): Row => {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const deletable = spans.filter(
    ({ kind, parentSpanId }) => kind === spanKinds.server && byId.get(parentSpanId ?? '')?.kind === spanKinds.client,
  );
  let worst = 0;
  let gaps = 0;
  let right = 0;
  let unsaid = 0;
  for (const seed of seeds) {
    const random = randomOf(seed * 1000 + percent);
    const gone = new Set(deletable.filter(() => random() * 100 < percent).map(({ spanId }) => spanId));
    const kept = spans.filter(({ spanId }) => !gone.has(spanId));
    const traces = assemble(kept);
    const hops = callHops(traces);
    const calls = hops.reduce((sum, hop) => sum + hop.spans.length, 0);
    const missing = hops.reduce((sum, hop) => sum + hop.missing.length, 0);
    worst = Math.max(worst, Math.abs(missing / calls - gone.size / deletable.length) * 100);
    const skews = estimateSkew(traces);
    const known = usualCalls(traces, skews);
    const answers = new Map(
      traces.flatMap((trace) =>
        reattach(trace, known, skews).map(({ missingSpanId, parent }) => [
          missingSpanId,
          trace.nodes[parent]?.span.spanId,
        ]),
      ),
    );
    const named = new Set(kept.map(({ parentSpanId }) => parentSpanId));
    for (const id of gone) {
      if (!named.has(id)) continue;
      gaps += 1;
      const found = answers.get(id);
      if (found === undefined) unsaid += 1;
      else if (found === byId.get(id)?.parentSpanId) right += 1;
    }
  }
  return { set, percent, worstPoints: worst, gaps, rightParent: gaps === 0 ? 100 : (100 * right) / gaps, unsaid };
};

const randomOf = (seed: number) => {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};
