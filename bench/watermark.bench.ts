import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { WatermarkRule } from '../lib/model/config/watermarks.ts';
import { evaluate, inactive, type Rule, type SeriesState } from '../lib/watermark/evaluate.ts';
import { gauges } from '../lib/watermark/gauges/index.ts';
import { podUsage } from '../lib/watermark/pod-usage.ts';
import { recall } from '../lib/watermark/recall.ts';
import { stepSeries } from '../lib/watermark/series-step.ts';
import { identityOf } from '../lib/watermark/series-store.ts';
import type { Bench } from './index.ts';
import { measure, quantile, type Result, report } from './measure.ts';
import { peerVersion } from './peers.ts';

/** `npm run bench -- watermark [--json] [pods]` */
export const bench: Bench = {
  question: 'a tick over 5,000 pods of two containers: time and memory, beside topPods; and one state machine step',
  run: async ({ json, args }) => {
    const pods = Number(args[0] ?? 5000);
    peerVersion('@kubernetes/client-node');
    const cluster = await start('cluster.ts', [String(pods)], {});
    try {
      const { api, dynamodb } = cluster.first as { api: string; dynamodb: string };
      const env = {
        BENCH_API: api,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'y',
      };
      const runs: { ours: Run[]; peer: Run[] } = { ours: [], peer: [] };
      // Interleaved, so that a slow minute of the machine hits both.
      for (let round = 0; round < 3; round += 1) {
        runs.ours.push(await finish('tick.ts', ['4'], { ...env, AWS_ENDPOINT_URL: dynamodb }));
        runs.peer.push(await finish('top-pods.ts', ['4'], env));
      }
      const ours = figures('tidemark', runs.ours);
      const peer = figures('topPods', runs.peer);
      const ratio = (ours.median as number) / (peer.median as number);
      const first = (list: Run[]) =>
        quantile(
          list.map(({ ticks }) => ticks[0]?.seconds ?? Number.NaN),
          0.5,
        );
      const resident = (list: Run[]) => Math.max(...list.map(({ residentMiB }) => residentMiB));
      const steps = stateMachine();
      const perPod = gaugeCost(1000);
      report(
        'watermark',
        [{ ...ours, ratioTo: { topPods: ratio } }, peer, perPod, steps],
        json,
        [
          `${pods} pods, 2 containers each, over HTTPS; ours also evaluates ${pods * 2} series and stores transitions (DynamoDB emulated in another process)`,
          `first tick of a process: ours ${first(runs.ours).toFixed(2)} s, topPods ${first(runs.peer).toFixed(2)} s`,
          `resident at most: ours ${resident(runs.ours).toFixed(0)} MiB, topPods ${resident(runs.peer).toFixed(0)} MiB (both with the heap flags of a 256 MB Lambda)`,
        ],
        {
          firstTickSeconds: { tidemark: first(runs.ours), topPods: first(runs.peer) },
          residentMiB: { tidemark: resident(runs.ours), topPods: resident(runs.peer) },
        },
      );
    } finally {
      cluster.child.kill();
    }
  },
};

interface Run {
  readonly ticks: readonly { readonly seconds: number }[];
  readonly residentMiB: number;
}

const figures = (label: string, runs: readonly Run[]): Result => {
  const warm = runs.flatMap(({ ticks }) => ticks.slice(1).map(({ seconds }) => seconds));
  return { case: label, median: quantile(warm, 0.5), p10: quantile(warm, 0.1), unit: 's' };
};

/** 100,000 series, of which one in a hundred is firing: a step each. */
const stateMachine = (): Result => {
  const rule: Rule = { high: 0.9, low: 0.8, forSeconds: 60, keepFiringForSeconds: 300, noData: 'keep' };
  const count = 100_000;
  const states: SeriesState[] = Array.from({ length: count }, (_, n) =>
    n % 100 === 0 ? { phase: 'firing', at: 0, activeAt: 0, firedAt: 0 } : inactive,
  );
  const values = Array.from({ length: count }, (_, n) => (n % 100 === 0 ? 0.95 : (n % 90) / 100));
  let at = 1;
  const [result] = measure(
    [
      {
        case: 'tidemark/step',
        per: count,
        run: () => {
          at += 1;
          let moved = 0;
          for (let n = 0; n < count; n += 1) {
            const state = states[n] as SeriesState;
            const step = evaluate(state, { at, value: values[n] }, rule, at);
            if (step.state !== state) moved += 1;
          }
          return moved;
        },
      },
    ],
    { rounds: 15, roundMs: 60, warmUp: 5 },
  );
  return result as Result;
};

/** The evaluation alone: join, quantities, limits and ratios, then the step of each series; no list is read, nothing moves. */
const gaugeCost = (pods: number): Result => {
  const rule: WatermarkRule = { gauge: 'pod-memory' };
  const stepping = { name: 'Full', rule, gauge: gauges['pod-memory'], now: 0, recall: recall() };
  const usage = { memory: '131072Ki', cpu: '10n' };
  const resources = { limits: { memory: '256Mi', cpu: '1' }, requests: { memory: '128Mi', cpu: '100m' } };
  const names = Array.from({ length: pods }, (_, n) => ({ namespace: `team-${n % 20}`, name: `pod-${n}` }));
  const snapshot = {
    cluster: 'prod',
    at: 0,
    pods: names.map((metadata) => ({
      metadata,
      spec: { containers: ['app', 'proxy'].map((name) => ({ name, resources })) },
      status: { phase: 'Running' },
    })),
    podMetrics: names.map((metadata) => ({
      metadata,
      timestamp: '2026-11-23T12:00:00Z',
      containers: ['app', 'proxy'].map((name) => ({ name, usage })),
    })),
  };
  const [result] = measure(
    [
      {
        case: 'tidemark/pod',
        per: pods,
        run: () => {
          let moved = 0;
          for (const series of podUsage(snapshot, 'memory', rule).series) {
            const identity = identityOf(series.labels);
            if (stepSeries(stepping, { identity, former: undefined, series }) !== undefined) moved += 1;
          }
          return moved;
        },
      },
    ],
    { rounds: 15, roundMs: 60, warmUp: 20 },
  );
  return result as Result;
};

/** The heap that Lambda gives Node at 256 MB: a twentieth to the young generation, nine tenths to the old one. */
const lambdaFlags = ['--max-semi-space-size=12', '--max-old-space-size=230'];

const start = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; first: unknown }> =>
  new Promise((resolve, reject) => {
    const isServer = file === 'cluster.ts';
    const child = spawn(
      process.execPath,
      [...(isServer ? [] : lambdaFlags), join(import.meta.dirname, 'watermark', file), ...args],
      {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    createInterface({ input: child.stdout }).once('line', (line) => resolve({ child, first: JSON.parse(line) }));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code} and said nothing`)));
  });

const finish = async (file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Run> =>
  (await start(file, args, env)).first as Run;
