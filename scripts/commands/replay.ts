import { Failure } from '../../lib/model/failure.ts';
import type { Rule, Transition } from '../../lib/watermark/evaluate.ts';
import { type Recording, readReplay } from '../../lib/watermark/read-replay.ts';
import { type Recorded, replay } from '../../lib/watermark/replay.ts';
import type { Command } from '../command.ts';
import { readJson } from '../read-json.ts';

const help = `usage: npm run tidemark -- replay <rule+readings.json> [--json] [--high N] [--low N] [--for SECONDS]
                                 [--keep-firing-for SECONDS] [--no-data keep|ok|alert] [--at-least M --of N]

Runs a watermark rule over recorded readings and prints each transition, so that thresholds can be tuned on history.

The file holds { "rule": { "high", "low"?, "forSeconds"?, "keepFiringForSeconds"?, "noData"?, "samples"? }, "readings": [ { "at":
<seconds>, "value": <number> | null | "error" } ] }, or instead of the readings the answer of a Prometheus range query
("status", "data"). Options replace fields of the rule. With low == high the transitions are those of a Prometheus alerting
rule with the expression \`value > high\`.

--json   an array of { "at", "from", "to" } (with "series" for a Prometheus answer)`;

const options: Readonly<Record<string, string>> = {
  '--high': 'high',
  '--low': 'low',
  '--for': 'forSeconds',
  '--keep-firing-for': 'keepFiringForSeconds',
  '--no-data': 'noData',
  '--at-least': 'atLeast',
  '--of': 'of',
};

export const command: Command = {
  summary: 'run a watermark rule over recorded readings',
  help,
  run: async (args, io) => {
    const { file, json, overrides } = parse(args);
    const read = readReplay(readJson(file), overrides);
    if ('refused' in read) throw new Failure('bad-input', read.refused, { where: `${file}: ${read.where}` });
    const results = read.recordings.map((recording) => ({ recording, ...replay(read.rule, recording.readings) }));
    for (const { late, recording } of results) {
      if (late.length > 0) {
        io.err(
          `${nameOf(recording)}${late.length} readings are not later than the one before and were skipped, first at ${late[0]}\n`,
        );
      }
    }
    if (json) {
      const rows = results.flatMap(({ recording, transitions }) =>
        transitions.map(({ at, from, to }) =>
          recording.series === undefined ? { at, from, to } : { at, from, to, series: recording.series },
        ),
      );
      io.out(`${JSON.stringify(rows, null, 2)}\n`);
      return 0;
    }
    for (const { recording, transitions } of results) io.out(picture(read.rule, recording, transitions));
    return 0;
  },
};

const parse = (args: readonly string[]) => {
  let file: string | undefined;
  let json = false;
  const overrides: Record<string, unknown> = {};
  const samples: Record<string, unknown> = {};
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    const field = Object.hasOwn(options, arg) ? options[arg] : undefined;
    if (arg === '--json') json = true;
    else if (field !== undefined) {
      i += 1;
      const text = args[i];
      const value = field === 'noData' ? text : Number(text);
      if (text === undefined || Number.isNaN(value))
        throw new Failure('bad-input', `${arg} needs a value, got '${text ?? ''}'`);
      (field === 'atLeast' || field === 'of' ? samples : overrides)[field] = value;
    } else if (arg.startsWith('--')) throw new Failure('bad-input', `unknown option '${arg}'; see --help`);
    else if (file !== undefined) throw new Failure('bad-input', `one file is read, got '${file}' and '${arg}'`);
    else file = arg;
  }
  if (Object.keys(samples).length > 0) overrides['samples'] = samples;
  return { file, json, overrides };
};

const nameOf = ({ series }: Recording): string =>
  series === undefined
    ? ''
    : `${Object.entries(series)
        .map(([name, text]) => `${name}=${text}`)
        .join(' ')}: `;

const width = 72;
const height = 10;

/** The readings as columns (the highest of each column's readings), the marks as lines, the phase below, then each transition. */
const picture = (rule: Rule, recording: Recording, transitions: readonly Transition[]): string => {
  const { readings } = recording;
  const columns = Math.min(width, readings.length);
  const slices = Array.from({ length: columns }, (_, i) =>
    readings.slice(Math.floor((i * readings.length) / columns), Math.floor(((i + 1) * readings.length) / columns)),
  );
  const values = slices.map((slice) => Math.max(...slice.map(({ value }) => numberOf(value))));
  const finite = [...values, rule.high, rule.low].filter(Number.isFinite);
  const top = Math.max(...finite);
  const bottom = Math.min(0, ...finite);
  const rowOf = (value: number) => Math.round(((value - bottom) / (top - bottom || 1)) * (height - 1));
  const lines = Array.from({ length: height }, (_, index) => {
    const row = height - 1 - index;
    const mark = row === rowOf(rule.high) ? 'high' : row === rowOf(rule.low) ? 'low' : '';
    const cells = values.map((value) =>
      rowOf(Math.min(value, top)) >= row && value > Number.NEGATIVE_INFINITY ? '█' : mark === '' ? ' ' : '·',
    );
    return `${mark.padStart(5)} │${cells.join('')}`;
  });
  const phases = slices.map((slice) => letters[phaseAt(transitions, slice.at(-1))]);
  return [
    ...(recording.series === undefined ? [] : [nameOf(recording)]),
    ...lines,
    `phase │${phases.join('')}   (· inactive, p pending, F firing, b blind)`,
    ...(transitions.length === 0 ? ['no transitions'] : []),
    ...transitions.map(({ at, from, to, reason }) => `${String(at).padStart(12)}  ${from} → ${to}  (${reason})`),
    '',
  ].join('\n');
};

const letters = { inactive: '·', pending: 'p', firing: 'F', blind: 'b' } as const;

const phaseAt = (transitions: readonly Transition[], reading: Recorded | undefined) =>
  transitions.findLast(({ at }) => at <= (reading?.at ?? Number.NEGATIVE_INFINITY))?.to ?? 'inactive';

const numberOf = (value: Recorded['value']): number =>
  typeof value === 'number' && !Number.isNaN(value) ? value : Number.NEGATIVE_INFINITY;
