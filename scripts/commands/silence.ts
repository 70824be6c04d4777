import { systemClock, systemRandom } from '../../lib/adapters/clock.ts';
import { dynamodbTable } from '../../lib/adapters/dynamodb.ts';
import { newId } from '../../lib/alert/identity.ts';
import { readSilences, type Silence, writeSilence } from '../../lib/alert/silence.ts';
import { environmentKeys, required } from '../../lib/model/environment.ts';
import { Failure } from '../../lib/model/failure.ts';
import { parseMatchers, writeMatchers } from '../../lib/model/matchers.ts';
import type { Table } from '../../lib/model/ports.ts';
import type { Command, CommandIo } from '../command.ts';

const help = `usage: npm run tidemark -- silence add <matcher>… --for DURATION | --until RFC3339 [--from RFC3339] [--comment TEXT] [--by NAME] [--json]
       npm run tidemark -- silence list [--all] [--json]
       npm run tidemark -- silence expire <id>…

Silences hold back alerts that match, as Alertmanager's do: what fires meanwhile is told when the silence ends, if it still fires; the
end of an alert that was told before is told.
add      matchers in Alertmanager's notation: 'service="checkout"' 'pod=~"web-.*"'; all must match. Prints the id.
         --for 90m, 2h, 1d12h   --by defaults to $USER
list     active and pending ones; --all: ended ones of the last five days as well
expire   ends silences now
Works on the state table named by ${environmentKeys.table}, with your AWS credentials (AWS_ENDPOINT_URL points it at a local cloud).`;

export const command: Command = {
  summary: 'hold back alerts for a while: add, list, expire',
  help,
  run: async ([action, ...args], io) => {
    const run = action === undefined ? undefined : Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (run === undefined)
      throw new Failure('bad-input', `'${action ?? ''}' is none of ${Object.keys(actions).join(', ')}; see --help`);
    const table = () => dynamodbTable({ tableName: required(io.env, environmentKeys.table), clock: systemClock });
    return run(args, io, table);
  },
};

type Action = (args: readonly string[], io: CommandIo, table: () => Table) => Promise<number>;

const add: Action = async (args, io, table) => {
  const { values, rest } = parsed(args, ['--for', '--until', '--from', '--comment', '--by'], ['--json']);
  const read = parseMatchers(rest.join(','));
  if ('error' in read) throw new Failure('bad-input', read.error);
  if (read.matchers.every(({ holds }) => holds('')))
    throw new Failure(
      'bad-input',
      'a matcher that an empty label does not fit is needed, or the silence would hold back everything',
    );
  const now = systemClock();
  const from = values['--from'] === undefined ? now : timeOf(values['--from'], '--from');
  const end = endOf(values, from);
  if (end <= Math.max(from, now)) throw new Failure('bad-input', 'the silence would end before it begins');
  const silence: Silence = {
    id: newId(systemRandom),
    matchers: writeMatchers(read.matchers),
    startsAt: new Date(from).toISOString(),
    endsAt: new Date(end).toISOString(),
    createdBy: values['--by'] ?? io.env['USER'] ?? 'unknown',
    comment: values['--comment'] ?? '',
  };
  await writeSilence(table(), silence);
  io.out(values['--json'] === undefined ? `${silence.id}\n` : `${JSON.stringify(silence, undefined, 2)}\n`);
  return 0;
};

const listed: Action = async (args, io, table) => {
  const { values, rest } = parsed(args, [], ['--all', '--json']);
  if (rest.length > 0) throw new Failure('bad-input', `'${rest[0]}' is not expected; see --help`);
  const now = systemClock();
  const all = (await readSilences(table())).map(({ id, matchers, startsAt, endsAt, createdBy, comment }) => ({
    id,
    state: Date.parse(endsAt) <= now ? 'expired' : Date.parse(startsAt) > now ? 'pending' : 'active',
    matchers,
    startsAt,
    endsAt,
    createdBy,
    comment,
  }));
  const shown = all.filter(({ state }) => values['--all'] !== undefined || state !== 'expired');
  if (values['--json'] !== undefined) io.out(`${JSON.stringify(shown, undefined, 2)}\n`);
  else if (shown.length === 0) io.out('no silences\n');
  else
    for (const { id, state, matchers, startsAt, endsAt, createdBy, comment } of shown)
      io.out(`${id}  ${state.padEnd(7)}  ${matchers}  ${startsAt} to ${endsAt}  ${createdBy}  ${comment}\n`);
  return 0;
};

const expire: Action = async (args, io, table) => {
  const { rest: ids } = parsed(args, [], []);
  if (ids.length === 0) throw new Failure('bad-input', 'the id of a silence is needed; see --help');
  const state = table();
  const all = await readSilences(state);
  const found = ids.map((id) => {
    const silence = all.find((each) => each.id === id);
    if (silence === undefined) throw new Failure('not-found', 'no such silence; see silence list --all', { where: id });
    return silence;
  });
  const now = systemClock();
  for (const { id, matchers, startsAt, endsAt, createdBy, comment } of found) {
    if (Date.parse(endsAt) > now)
      await writeSilence(state, { id, matchers, startsAt, endsAt: new Date(now).toISOString(), createdBy, comment });
    io.out(`${id} ${Date.parse(endsAt) > now ? 'expired' : 'had ended'}\n`);
  }
  return 0;
};

const actions: Readonly<Record<string, Action>> = { add, list: listed, expire };

const parsed = (args: readonly string[], valued: readonly string[], flags: readonly string[]) => {
  const values: Record<string, string> = {};
  const rest: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (flags.includes(arg)) values[arg] = '';
    else if (valued.includes(arg)) {
      at += 1;
      const value = args[at];
      if (value === undefined || value.startsWith('--'))
        throw new Failure('bad-input', `${arg} needs a value; see --help`);
      values[arg] = value;
    } else if (arg.startsWith('--')) throw new Failure('bad-input', `unknown option ${arg}; see --help`);
    else rest.push(arg);
  }
  return { values, rest };
};

const endOf = (values: Readonly<Record<string, string>>, from: number): number => {
  const { '--for': length, '--until': until } = values;
  if ((length === undefined) === (until === undefined))
    throw new Failure('bad-input', 'either --for or --until is needed; see --help');
  if (until !== undefined) return timeOf(until, '--until');
  const [whole, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] =
    /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(length ?? '') ?? [];
  if (!whole) throw new Failure('bad-input', `'${length}' is no duration such as 90m, 2h or 1d12h`, { where: '--for' });
  return (
    from +
    (((Number(weeks) * 7 + Number(days)) * 24 + Number(hours)) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
  );
};

const timeOf = (text: string, where: string): number => {
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new Failure('bad-input', `'${text}' is not an RFC 3339 time`, { where });
  return at;
};
