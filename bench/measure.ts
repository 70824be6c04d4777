/**
 * The shared harness: all cases in one process, calibrated, interleaved in shuffled rounds, p10 and median per operation, bytes per
 * operation. Absolute times wander by a factor of two on shared machines; the ratios to the peers of the same run are the result.
 */

export interface Case {
  /** `tidemark`, `tidemark/<variant>`, or the peer's key. */
  readonly case: string;
  /** One operation. What it returns is kept alive for one turn, so that the work cannot be optimised away. */
  readonly run: () => unknown;
  /** How many messages, spans or records one operation handles; figures are divided by it. @default 1 */
  readonly per?: number;
}

export interface AsyncCase extends Omit<Case, 'run'> {
  readonly run: () => Promise<unknown>;
}

export interface Result {
  readonly case: string;
  readonly median: number;
  readonly p10: number;
  readonly unit: 'ns' | 'us' | 'ms' | 's';
  /** Heap bytes allocated per operation; absent without --expose-gc. */
  readonly bytes?: number;
  readonly ratioTo?: Readonly<Record<string, number>>;
}

export interface Plan {
  /** @default 31 */
  readonly rounds?: number;
  /** Length that a round is calibrated to. @default 15 */
  readonly roundMs?: number;
  /** Operations before anything is timed. @default 3000 */
  readonly warmUp?: number;
  /** Whether allocation is measured too, over thousands of operations; not for operations of milliseconds. @default true */
  readonly bytes?: boolean;
  /** @default 'ns' */
  readonly unit?: Result['unit'];
  /** Cases that ratios are given to, for every case whose name starts with `tidemark`. @default all others */
  readonly peers?: readonly string[];
}

const nanosOf = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 } as const;

/** Measures synchronous cases. */
export const measure = (cases: readonly Case[], plan: Plan = {}): Result[] => {
  const { rounds = 31, roundMs = 15, warmUp = 3000, unit = 'ns', bytes = true } = plan;
  const states = cases.map((each) => {
    loop(each.run, warmUp);
    return { each, count: calibrated(each.run, roundMs), times: [] as number[] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const state of shuffled(states)) state.times.push(loop(state.each.run, state.count) / state.count);
  }
  const results = states.map(({ each, times }) => ({
    ...figures(each, times, unit),
    ...bytesField(bytes ? allocated(each.run, each.per) : undefined, each.per),
  }));
  return withRatios(results, plan.peers);
};

/** Measures asynchronous cases, one operation after the other; for work of microseconds and more. */
export const measureAsync = async (cases: readonly AsyncCase[], plan: Plan = {}): Promise<Result[]> => {
  const { rounds = 31, roundMs = 15, warmUp = 1000, unit = 'us' } = plan;
  const states = [];
  for (const each of cases) {
    await loopAsync(each.run, warmUp);
    let count = 1;
    for (;;) {
      const nanos = await loopAsync(each.run, count);
      if (nanos >= (roundMs * 1e6) / 4 || count >= 1e6) {
        count = Math.max(1, Math.round((count * roundMs * 1e6) / Math.max(nanos, 1)));
        break;
      }
      count *= 4;
    }
    states.push({ each, count, times: [] as number[] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const state of shuffled(states)) {
      state.times.push((await loopAsync(state.each.run, state.count)) / state.count);
    }
  }
  const results = [];
  for (const { each, times } of states) {
    results.push({ ...figures(each, times, unit), ...bytesField(await allocatedAsync(each.run, each.per), each.per) });
  }
  return withRatios(results, plan.peers);
};

/** Prints the results: one JSON document, or a table with what was compared. `extra` joins the JSON at the top level. */
export const report = (
  name: string,
  results: readonly Result[],
  json: boolean,
  notes: readonly string[] = [],
  extra: Readonly<Record<string, unknown>> = {},
): void => {
  if (json) {
    const cases = results.map(({ case: label, ...rest }) => ({ case: label, ...rest }));
    process.stdout.write(`${JSON.stringify({ name, node: process.version, cases, ...extra }, undefined, 2)}\n`);
    return;
  }
  const width = Math.max(...results.map((result) => result.case.length), 4);
  process.stdout.write(
    `${name} on Node ${process.version}\n${'case'.padEnd(width)}        p10     median   B/op  ours ÷ peer\n`,
  );
  for (const { case: label, p10, median, unit, bytes, ratioTo } of results) {
    const ratios = Object.entries(ratioTo ?? {})
      .map(([peer, ratio]) => `${peer} ${ratio.toFixed(3)}`)
      .join(', ');
    const line = [
      label.padEnd(width),
      `${short(p10)} ${unit}`.padStart(11),
      `${short(median)} ${unit}`.padStart(11),
      (bytes === undefined ? '–' : String(Math.round(bytes))).padStart(6),
      ` ${ratios}`,
    ].join('');
    process.stdout.write(`${line.trimEnd()}\n`);
  }
  for (const note of notes) process.stdout.write(`${note}\n`);
};

/** p of a sorted-or-not list, by nearest rank; 0 ≤ p ≤ 1. */
export const quantile = (values: readonly number[], p: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
};

let kept: unknown;

const loop = (run: () => unknown, count: number): number => {
  const start = process.hrtime.bigint();
  for (let index = 0; index < count; index++) kept = run();
  const nanos = Number(process.hrtime.bigint() - start);
  if (kept === loop) throw new Error('keeps the result observable');
  return nanos;
};

const loopAsync = async (run: () => Promise<unknown>, count: number): Promise<number> => {
  const start = process.hrtime.bigint();
  for (let index = 0; index < count; index++) kept = await run();
  const nanos = Number(process.hrtime.bigint() - start);
  if (kept === loop) throw new Error('keeps the result observable');
  return nanos;
};

const calibrated = (run: () => unknown, roundMs: number): number => {
  for (let count = 16; ; count *= 4) {
    const nanos = loop(run, count);
    if (nanos >= (roundMs * 1e6) / 4 || count >= 1e8) {
      return Math.max(1, Math.round((count * roundMs * 1e6) / Math.max(nanos, 1)));
    }
  }
};

/** So many messages, spans or records, whatever one operation handles of them: more would not fit into the young generation. */
const operationsOf = (per = 1): number => Math.max(5, Math.ceil(2500 / per));

/** Heap growth over a few thousand operations, median of 5; needs --expose-gc and a young generation that holds them all. */
const allocated = (run: () => unknown, per: number | undefined): number | undefined => {
  const operations = operationsOf(per);
  const gc = globalThis.gc;
  if (gc === undefined) return undefined;
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < operations; index++) kept = run();
    samples.push((process.memoryUsage().heapUsed - before) / operations);
  }
  return Math.max(0, quantile(samples, 0.5) - idle(operations));
};

const allocatedAsync = async (run: () => Promise<unknown>, per: number | undefined): Promise<number | undefined> => {
  const operations = operationsOf(per);
  const gc = globalThis.gc;
  if (gc === undefined) return undefined;
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < operations; index++) kept = await run();
    samples.push((process.memoryUsage().heapUsed - before) / operations);
  }
  return Math.max(0, quantile(samples, 0.5) - idle(operations));
};

/** What asking for the heap size costs by itself, per operation. */
const idle = (operations: number): number => {
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    const before = process.memoryUsage().heapUsed;
    samples.push((process.memoryUsage().heapUsed - before) / operations);
  }
  return quantile(samples, 0.5);
};

const figures = (each: Omit<Case, 'run'>, times: readonly number[], unit: Result['unit']) => {
  const scale = nanosOf[unit] * (each.per ?? 1);
  return { case: each.case, median: quantile(times, 0.5) / scale, p10: quantile(times, 0.1) / scale, unit };
};

const bytesField = (bytes: number | undefined, per = 1): { bytes?: number } =>
  bytes === undefined ? {} : { bytes: Math.round((bytes / per) * 10) / 10 };

/** Adds ours ÷ peer, of the p10, to every case whose name starts with `tidemark`. */
export const withRatios = (results: readonly Result[], peers?: readonly string[]): Result[] => {
  const others = results.filter(({ case: label }) =>
    peers === undefined ? !label.startsWith('tidemark') : peers.includes(label),
  );
  return results.map((result) =>
    result.case.startsWith('tidemark') && others.length > 0
      ? { ...result, ratioTo: Object.fromEntries(others.map((other) => [other.case, result.p10 / other.p10])) }
      : result,
  );
};

/** Fisher-Yates: no case always runs after the same neighbour. */
const shuffled = <T>(items: readonly T[]): T[] => {
  const copy = [...items];
  for (let index = copy.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [copy[index], copy[other]] = [copy[other] as T, copy[index] as T];
  }
  return copy;
};

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
