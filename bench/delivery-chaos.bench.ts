import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Failure } from '../lib/model/failure.ts';
import { chaos, type Verdict } from '../test/support/simulator/chaos.ts';
import type { Bench } from './index.ts';

/** `npm run bench -- delivery-chaos [--seed N] [--seeds N] [--alerts N] [--json]` */
export const bench: Bench = {
  question:
    'the delivery path with every fault at once, on a virtual clock: what is lost, doubled, early, out of order (--seed, --seeds, --alerts)',
  run: async ({ json, args }) => {
    const seed = numberOf(args, '--seed', 1);
    const seeds = numberOf(args, '--seeds', 1);
    // A thousand seeds of a hundred thousand alerts would take days; many seeds meet many orders of events with fewer.
    const alerts = numberOf(args, '--alerts', seeds === 1 ? 100_000 : 1_000);
    const began = performance.now();
    const runs: Verdict[] = [];
    for await (const run of ran(seed, seeds, alerts)) {
      runs.push(run);
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      process.stderr.write(
        `seed ${run.seed}: ${isGood(run) ? 'good' : JSON.stringify(run)} (${runs.length}/${seeds}, ${seconds} s)\n`,
      );
    }
    runs.sort((a, b) => a.seed - b.seed);
    const bad = runs.filter((run) => !isGood(run)).map((run) => run.seed);
    const total = { ...totals(runs), bad };
    const document = { name: 'delivery-chaos', node: process.version, seed, seeds, ...total, runs, cases: [] };
    process.stdout.write(`${JSON.stringify(json ? document : { seed, seeds, ...total }, undefined, 2)}\n`);
    if (bad.length > 0) process.exitCode = 1;
  },
};

/** What must hold of every seed by itself. */
const isGood = (run: Verdict): boolean =>
  run.lost + run.early + run.outOfOrder + run.duplicatesIdempotent + run.lateWrong === 0 &&
  run.duplicates <= run.duplicatesAllowed;

const totals = (runs: readonly Verdict[]): Omit<Verdict, 'seed'> => {
  const total: Record<string, number> = {};
  for (const { seed: _, ...figures } of runs)
    for (const [name, value] of Object.entries(figures)) total[name] = (total[name] ?? 0) + value;
  return total as unknown as Omit<Verdict, 'seed'>;
};

/** The runs as they end, one a processor at a time. */
async function* ran(first: number, count: number, alerts: number): AsyncGenerator<Verdict> {
  if (count === 1) return yield await chaos({ seed: first, alerts });
  const waiting: ((run: Verdict | Error) => void)[] = [];
  const done: (Verdict | Error)[] = [];
  let next = first;
  const workers = Array.from({ length: Math.min(count, availableParallelism()) }, () => {
    const worker = new Worker(new URL(import.meta.url));
    const give = () => void (next < first + count && worker.postMessage({ seed: next++, alerts }));
    const take = (run: Verdict | Error) => {
      const resume = waiting.shift();
      if (resume === undefined) done.push(run);
      else resume(run);
    };
    worker.on('message', (run: Verdict) => {
      take(run);
      give();
    });
    worker.on('error', take);
    give();
    return worker;
  });
  try {
    for (let left = count; left > 0; left -= 1) {
      const run = done.shift() ?? (await new Promise<Verdict | Error>((resume) => waiting.push(resume)));
      if (run instanceof Error) throw run;
      yield run;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

if (!isMainThread)
  parentPort?.on('message', (given: { readonly seed: number; readonly alerts: number }) => {
    void chaos(given).then((run) => parentPort?.postMessage(run));
  });

const numberOf = (args: readonly string[], name: string, fallback: number): number => {
  const at = args.indexOf(name);
  if (at < 0) return fallback;
  const value = Number(args[at + 1]);
  if (!Number.isInteger(value) || value < 1)
    throw new Failure('bad-input', `'${args[at + 1] ?? ''}' is no whole number above 0`, { where: name });
  return value;
};
