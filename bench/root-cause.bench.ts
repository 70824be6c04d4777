import { existsSync } from 'node:fs';
import {
  addProfile,
  type Profile,
  profileOf,
  type RankOptions,
  rankDefaults,
  rankProfiles,
} from '../lib/trace/root-cause.ts';
import type { Bench } from './index.ts';
import { nezhaItems, nezhaTraces, serviceOfPod } from './nezha.ts';

interface Case {
  readonly system: string;
  readonly kind: string;
  readonly truth: string;
  readonly now: Profile;
  readonly usual: Profile;
}

/** Traces that begin this long before a fault are taken to be healthy: its stated time is to the second, and clocks differ. */
const guardSeconds = 3;
/** With fewer traces than this after the stated time, the whole window is the bad one. */
const minTraces = 10;

const published: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  OnlineBoutique: {
    MicroRank: [41.07, 48.21, 62.5],
    TraceAnomaly: [30.35, 33.92, 48.21],
    'Nezha, traces only': [14.28, 17.85, 17.85],
  },
  TrainTicket: {
    MicroRank: [15.56, 24.44, 35.56],
    TraceAnomaly: [13.33, 28.89, 33.33],
    'Nezha, traces only': [6.67, 8.89, 11.11],
  },
};

/** What cross-validation may choose among. */
const grid: readonly Partial<RankOptions>[] = [3, 3.5, 4, 5].flatMap((confidence) =>
  [0.05, 0.1, 0.15, 0.2].flatMap((place) =>
    [4, 6, 8].flatMap((ending) => [0.03, 0.1].map((noise) => ({ confidence, place, ending, noise }))),
  ),
);

/** Faults that are left out together when parameters are chosen for one of them. */
const folds: Readonly<Record<string, (a: Case, b: Case) => boolean>> = {
  fault: (a, b) => a === b,
  service: (a, b) => a.truth === b.truth,
  'kind of fault': (a, b) => a.kind === b.kind,
  system: (a, b) => a.system === b.system,
};

export const bench: Bench = {
  question: 'does the service that a fault was injected into come first? (--data DIR: converted Nezha windows)',
  run: async ({ json, args }) => {
    const folder = args[args.indexOf('--data') + 1];
    if (!args.includes('--data') || folder === undefined || !existsSync(`${folder}/manifest.json`)) {
      process.stderr.write(
        'bench root-cause: --data needs a folder that holds manifest.json and the windows it names\n',
      );
      process.exitCode = 2;
      return;
    }
    const cases = load(folder);
    const ranks = new Map(cases.map((each) => [each, rankOf(each, rankDefaults)]));
    const systems = Object.fromEntries(
      [...new Set(cases.map(({ system }) => system))].map((system) => {
        const own = cases.filter((each) => each.system === system);
        const kinds = [...new Set(own.map(({ kind }) => kind))].sort();
        const of = (part: readonly Case[]) => accuracy(part.map((each) => ranks.get(each) ?? 0));
        return [
          system,
          {
            ...of(own),
            kinds: Object.fromEntries(kinds.map((kind) => [kind, of(own.filter((c) => c.kind === kind))])),
          },
        ];
      }),
    );
    const validated = args.includes('--cross-validate') ? crossValidate(cases) : undefined;
    if (json) {
      const answer = { name: 'root-cause', node: process.version, cases: [], systems, ...(validated && { validated }) };
      process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
      return;
    }
    for (const [system, { kinds, ...all }] of Object.entries(systems)) {
      process.stdout.write(`\n${line(system, all)}\n`);
      for (const [kind, part] of Object.entries(kinds)) process.stdout.write(`${line(`  ${kind}`, part)}\n`);
      for (const [fold, held] of Object.entries(validated ?? {})) {
        const row = held[system];
        if (row !== undefined) process.stdout.write(`${line(`  parameters without its ${fold}`, row)}\n`);
      }
      for (const [name, row] of Object.entries(published[system] ?? {})) {
        process.stdout.write(
          `${`  ${name} (published)`.padEnd(36)}      ${row.map((x) => x.toFixed(1).padStart(6)).join('')}\n`,
        );
      }
    }
    process.stdout.write(
      '\nAS@1, AS@3, AS@5 in %. Published rows: Nezha, FSE 2023, table 3, on the full data, of which some windows are missing here.\n',
    );
  },
};

/**
 * A window's traces from the fault on, against what of that day is known to be healthy by then: the fault-free window, and of this window
 * and earlier ones what began before their faults. As where it runs, nothing of later is known.
 */
const load = (folder: string): Case[] => {
  const items = nezhaItems(folder).filter(({ id }) => id !== null);
  const healthy = new Map<string, Profile>();
  const healthyOf = (day: string): Profile => {
    const known = healthy.get(day) ?? profileOf([]);
    healthy.set(day, known);
    return known;
  };
  for (const { id, kind, day } of items) {
    if (kind === 'normal' && id !== null) addProfile(healthyOf(day), treesOf(nezhaTraces(folder, id)));
  }
  const faults = items.flatMap((item) =>
    item.kind !== 'fault' || item.inject_pod === undefined || item.inject_time === undefined
      ? []
      : [{ ...item, pod: item.inject_pod, injected: Date.parse(`${item.inject_time.replace(' ', 'T')}Z`) / 1000 }],
  );
  return faults
    .sort((a, b) => a.injected - b.injected)
    .map(({ id, day, system, inject_type, pod, injected }): Case => {
      const traces = nezhaTraces(folder, id ?? '');
      const after = traces.filter(({ at }) => at >= injected);
      const isSplit = after.length >= minTraces;
      const usual = healthyOf(day);
      if (isSplit) addProfile(usual, treesOf(traces.filter(({ at }) => at < injected - guardSeconds)));
      return {
        system: system ?? 'unknown',
        kind: inject_type ?? 'unknown',
        truth: serviceOfPod(pod),
        now: profileOf(treesOf(isSplit ? after : traces)),
        usual: structuredClone(usual),
      };
    });
};

const treesOf = (traces: ReturnType<typeof nezhaTraces>) => traces.map(({ tree }) => tree);

/** 1 for the first; Infinity when the service is not in the list. */
const rankOf = ({ now, usual, truth }: Case, options: RankOptions): number => {
  const at = rankProfiles(now, usual, options).findIndex(({ service }) => service === truth);
  return at < 0 ? Number.POSITIVE_INFINITY : at + 1;
};

const accuracy = (ranks: readonly number[]) => {
  const within = (k: number) =>
    ranks.length === 0 ? 0 : Math.round((1e4 * ranks.filter((rank) => rank <= k).length) / ranks.length) / 100;
  return { n: ranks.length, as1: within(1), as3: within(3), as5: within(5) };
};

/**
 * Each fault ranked with the parameters that are best for all those it is not left out with, by mean reciprocal rank averaged over both
 * systems.
 */
const crossValidate = (cases: readonly Case[]): Record<string, Record<string, ReturnType<typeof accuracy>>> => {
  const table = grid.map((options) => cases.map((each) => rankOf(each, { ...rankDefaults, ...options })));
  const sizes = new Map<string, number>();
  for (const { system } of cases) sizes.set(system, (sizes.get(system) ?? 0) + 1);
  return Object.fromEntries(
    Object.entries(folds).map(([fold, isWith]) => {
      const held = cases.map((left, at) => {
        const worth = table.map((ranks) =>
          cases.reduce(
            (sum, each, other) =>
              isWith(left, each) ? sum : sum + 1 / (ranks[other] as number) / (sizes.get(each.system) ?? 1),
            0,
          ),
        );
        return table[worth.indexOf(Math.max(...worth))]?.[at] ?? Number.POSITIVE_INFINITY;
      });
      return [
        fold,
        Object.fromEntries(
          [...sizes.keys()].map((system) => [system, accuracy(held.filter((_, at) => cases[at]?.system === system))]),
        ),
      ];
    }),
  );
};

const line = (name: string, { n, as1, as3, as5 }: { n: number; as1: number; as3: number; as5: number }): string =>
  `${name.padEnd(36)} ${String(n).padStart(4)} ${[as1, as3, as5].map((x) => x.toFixed(1).padStart(6)).join('')}`;
