import { maxRatio } from '../../lib/model/config/watermarks.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { Rule } from '../../lib/watermark/evaluate.ts';
import type { Recording } from '../../lib/watermark/read-recording.ts';
import { readReplay } from '../../lib/watermark/read-replay.ts';
import { type Replayed, replay } from '../../lib/watermark/replay.ts';
import type { Command } from '../command.ts';
import { readJson } from '../read-json.ts';
import { plot } from '../replay-plot.ts';

const help = `usage: npm run tidemark -- replay <rule+readings.json | -> [options]

Runs a watermark rule over recorded readings and prints each transition, so that thresholds can be tuned on history.

The file holds { "rule": { … }, "readings": [ { "at": <seconds>, "value": <number> | null | "error" } ] }, or instead of the readings
the answer of a Prometheus range query ("status", "data"):

  curl -sG http://prometheus:9090/api/v1/query_range -d start=… -d end=… -d step=30 --data-urlencode 'query=…' |
    npm run -s tidemark -- replay - --high 0.9

A rule has high, low, forSeconds, keepFiringForSeconds, noData, noDataForSeconds, samples, flapDamping, forecast, and gauge. With a
gauge, what it leaves out is as in tidemark.config.ts, so a rule can be copied from there. Without one it is as in Prometheus: with
low == high the transitions are those of an alerting rule with the expression \`value > high\`. Options replace fields of the rule:

  --high N   --low N   --for SECONDS   --keep-firing-for SECONDS
  --no-data keep|ok|alert   --no-data-for SECONDS
  --at-least M --of N         enter only if M of the last N samples are above high
  --flap-damping              after 2 clearings within an hour clear only after 30 quiet minutes
  --forecast SECONDS          enter early, above low, when full within so many seconds
  --gauge NAME                as in tidemark.config.ts

  --json   an array of { "at", "from", "to" } (with "series" for a Prometheus answer), and nothing else`;

const options: Readonly<Record<string, string>> = {
  '--high': 'high',
  '--low': 'low',
  '--for': 'forSeconds',
  '--keep-firing-for': 'keepFiringForSeconds',
  '--no-data': 'noData',
  '--no-data-for': 'noDataForSeconds',
  '--at-least': 'atLeast',
  '--of': 'of',
  '--forecast': 'withinSeconds',
  '--gauge': 'gauge',
};
const inWords = ['--no-data', '--gauge'];

export const command: Command = {
  summary: 'run a watermark rule over recorded readings',
  help,
  run: async (args, io) => {
    const { file, json, overrides } = parse(args);
    const read = readReplay(readJson(file), overrides);
    if ('refused' in read) throw new Failure('bad-input', read.refused, { where: `${file}: ${read.where}` });
    const { rule, ahead } = read;
    const results = read.recordings.map((recording) => ({ recording, ...replay(rule, recording.readings, ahead) }));
    for (const { recording, ...replayed } of results) {
      for (const note of notesOn(recording, replayed, rule)) io.err(`${nameOf(recording)}${note}\n`);
    }
    if (results.length === 0) io.err('the answer holds no series\n');
    if (json) {
      const rows = results.flatMap(({ recording, transitions }) =>
        transitions.map(({ at, from, to }) =>
          recording.series === undefined ? { at, from, to } : { at, from, to, series: recording.series },
        ),
      );
      io.out(`${JSON.stringify(rows, null, 2)}\n`);
      return 0;
    }
    for (const { recording, transitions } of results) {
      if (recording.series !== undefined) io.out(`${nameOf(recording)}\n`);
      io.out(`${plot(rule, recording.readings, transitions)}\n`);
    }
    return 0;
  },
};

/** What a user should know of the recording, beside its transitions. */
const notesOn = ({ readings }: Recording, { late, setBack }: Replayed, { high }: Rule): readonly string[] => {
  const values = readings.map(({ value }) => (typeof value === 'number' ? value : Number.NaN)).filter(Number.isFinite);
  const highest = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return [
    ...(late.length === 0
      ? []
      : [`${late.length} readings are not later than the one before and were skipped, first at ${late[0]}`]),
    ...setBack.map((at) => `the clock was set back to ${at}; what comes after went on from there`),
    ...(values.length > 0 && highest <= 1 && high > maxRatio
      ? [`high is ${high}, but the highest reading is ${highest}; did you mean ${high / 100}?`]
      : []),
  ];
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
    else if (arg === '--flap-damping') overrides['flapDamping'] = true;
    else if (field !== undefined) {
      i += 1;
      const text = args[i];
      const value = inWords.includes(arg) ? text : numberOf(text);
      if (value === undefined)
        throw new Failure(
          'bad-input',
          `${arg} needs a ${inWords.includes(arg) ? 'name' : 'number'}, got '${text ?? ''}'`,
        );
      if (field === 'atLeast' || field === 'of') samples[field] = value;
      else if (field === 'withinSeconds') overrides['forecast'] = { withinSeconds: value };
      else overrides[field] = value;
    } else if (arg.startsWith('--')) throw new Failure('bad-input', `unknown option '${arg}'; see --help`);
    else if (file !== undefined) throw new Failure('bad-input', `one file is read, got '${file}' and '${arg}'`);
    else file = arg;
  }
  if (Object.keys(samples).length > 0) overrides['samples'] = samples;
  return { file, json, overrides };
};

const numberOf = (text: string | undefined): number | undefined => {
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
};

const nameOf = ({ series }: Recording): string =>
  series === undefined
    ? ''
    : `${Object.entries(series)
        .map(([name, text]) => `${name}=${text}`)
        .join(' ')}: `;
