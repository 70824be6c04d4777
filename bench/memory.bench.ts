import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bench } from './index.ts';
import { type AsyncCase, measureAsync, quantile, report } from './measure.ts';
import { messages, variants } from './memory/variants.ts';

interface Load {
  /** Collections and milliseconds of the collector for a thousand messages. */
  readonly minor: number;
  readonly major: number;
  readonly collectorMs: number;
  readonly cpuMicros: number;
  readonly heapMegabytes: number;
  readonly rssMegabytes: number;
}

const invocations = 4000;
const runs = 3;

/** Spaces in proportion to the function's memory, a twentieth for each half of the young generation and nine tenths for the old one: an assumption of what Lambda's start of Node does. */
const flagsFor = (megabytes: number): string[] => [
  `--max-semi-space-size=${Math.max(1, Math.floor(megabytes / 20))}`,
  `--max-old-space-size=${Math.floor(megabytes * 0.9)}`,
];

export const bench: Bench = {
  question:
    'How many bytes and collections does a message cost under load, before and after, and what does memory buy?',
  run: async ({ json }) => {
    const cases = Object.entries(variants).map(
      ([name, make]): AsyncCase => ({ case: name, run: make(), per: messages }),
    );
    const perMessage = await measureAsync(cases, { unit: 'us', rounds: 15, peers: ['bare', 'sdk'] });
    const loads: Record<string, Load> = {};
    for (const name of Object.keys(variants)) loads[name] = await load(name, flagsFor(512));
    const memory: Record<string, Load> = {};
    for (const megabytes of [128, 256, 512, 1024, 1769]) {
      memory[`${megabytes} MB`] = await load('tidemark', flagsFor(megabytes));
    }
    const young: Record<string, Load> = {};
    for (const size of [1, 4, 16, 32, 64]) {
      young[`${size} MB`] = await load('tidemark', [`--max-semi-space-size=${size}`, '--max-old-space-size=460']);
    }
    report(
      'memory',
      perMessage,
      json,
      [
        `Per message of batches of ${messages}, from the event's text to the answer; B/op are bytes of heap. sdk: our middleware on OpenTelemetry's recorder and encoder.`,
        ...table('as a function of 512 MB', loads),
        ...table('tidemark by memory of the function', memory),
        ...table('tidemark in 512 MB by --max-semi-space-size', young),
        `Medians of ${runs} runs of ${invocations * messages} messages in processes of their own.`,
      ],
      { loads, memory, young },
    );
  },
};

const load = async (variant: string, flags: readonly string[]): Promise<Load> => {
  const found: Load[] = [];
  for (let run = 0; run < runs; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...flags,
      join(import.meta.dirname, 'memory/load.ts'),
      variant,
      String(invocations),
    ]);
    found.push(JSON.parse(stdout) as Load);
  }
  const median = (of: keyof Load): number =>
    quantile(
      found.map((each) => each[of]),
      0.5,
    );
  return {
    minor: median('minor'),
    major: median('major'),
    collectorMs: median('collectorMs'),
    cpuMicros: median('cpuMicros'),
    heapMegabytes: median('heapMegabytes'),
    rssMegabytes: median('rssMegabytes'),
  };
};

const table = (title: string, rows: Readonly<Record<string, Load>>): string[] => [
  '',
  `${title.padEnd(44)}   minor/1000  major/1000  gc ms/1000  CPU us/msg  heap MB   RSS MB`,
  ...Object.entries(rows).map(([name, row]) =>
    [
      name.padEnd(44),
      row.minor.toFixed(3).padStart(13),
      row.major.toFixed(3).padStart(12),
      row.collectorMs.toFixed(2).padStart(12),
      row.cpuMicros.toFixed(1).padStart(12),
      row.heapMegabytes.toFixed(1).padStart(9),
      row.rssMegabytes.toFixed(0).padStart(9),
    ].join(''),
  ),
];
