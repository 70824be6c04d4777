import { Failure } from '../lib/model/failure.ts';
import { chaos, type Verdict } from '../test/support/simulator/chaos.ts';
import type { Bench } from './index.ts';

/** `npm run bench -- delivery-chaos [--seed N] [--seeds N] [--alerts N] [--json]` */
export const bench: Bench = {
  question:
    'the delivery path with every fault at once, on a virtual clock: what is lost, doubled, early, out of order',
  run: async ({ json, args }) => {
    const seed = numberOf(args, '--seed', 1);
    const seeds = numberOf(args, '--seeds', 1);
    const alerts = numberOf(args, '--alerts', 100_000);
    const runs: Verdict[] = [];
    for (let index = 0; index < seeds; index += 1) {
      const began = performance.now();
      const run = await chaos({ seed: seed + index, alerts });
      runs.push(run);
      if (!json) process.stdout.write(`${JSON.stringify({ ...run, seconds: (performance.now() - began) / 1000 })}\n`);
    }
    const sum = (pick: (run: Verdict) => number) => runs.reduce((total, run) => total + pick(run), 0);
    const total = {
      lost: sum((run) => run.lost),
      duplicates: sum((run) => run.duplicates),
      late: sum((run) => run.late),
      early: sum((run) => run.early),
      outOfOrder: sum((run) => run.outOfOrder),
      duplicatesAllowed: sum((run) => run.duplicatesAllowed),
      duplicatesIdempotent: sum((run) => run.duplicatesIdempotent),
    };
    const document = { name: 'delivery-chaos', node: process.version, seed, seeds, alerts, ...total, runs, cases: [] };
    process.stdout.write(`${JSON.stringify(json ? document : { seed, seeds, ...total }, undefined, 2)}\n`);
    const isGood =
      total.lost + total.early + total.outOfOrder + total.duplicatesIdempotent === 0 &&
      total.duplicates <= total.duplicatesAllowed;
    if (!isGood) process.exitCode = 1;
  },
};

const numberOf = (args: readonly string[], name: string, fallback: number): number => {
  const at = args.indexOf(name);
  if (at < 0) return fallback;
  const value = Number(args[at + 1]);
  if (!Number.isInteger(value) || value < 1)
    throw new Failure('bad-input', `'${args[at + 1] ?? ''}' is no whole number above 0`, { where: name });
  return value;
};
