import { inWords } from '../../cdk/config/problem.ts';
import { problemsOf } from '../../cdk/config.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { Command } from '../command.ts';
import { importAlertmanager } from '../import-alertmanager.ts';
import { readInput } from '../read-json.ts';

const help = `usage: npm run tidemark -- import-alertmanager <alertmanager.yml> [--json]

Prints the \`alerts\` section that does what an Alertmanager configuration does: its route tree, grouping and waits, inhibition rules,
time intervals, and the receivers of the kinds that there are here (webhook, Slack, Microsoft Teams, PagerDuty, Opsgenie). Put it into
tidemark.config.ts. Secrets are not copied: each becomes a reference, and where its text is to be put is said. What has no counterpart
is listed on stderr, with its place in the file. A file of Amazon Managed Service for Prometheus is read as well.

--json   { "alerts": …, "unmapped": [ { "path", "reason" } ] }`;

export const command: Command = {
  summary: 'an Alertmanager configuration as the alerts section of ours',
  help,
  run: async (args, io) => {
    const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--json');
    if (unknown !== undefined) throw new Failure('bad-input', `unknown option ${unknown}; see --help`);
    const files = args.filter((arg) => !arg.startsWith('--'));
    if (files.length > 1) throw new Failure('bad-input', 'one file is expected; see --help');
    const { alerts, unmapped } = imported(readInput(files[0]).toString('utf8'), files[0]);
    const problems = problemsOf({ alerts }).map(
      (problem) => `${problem.path}: ${inWords(problem).slice(problem.path.length + 2)}`,
    );
    if (args.includes('--json')) io.out(`${JSON.stringify({ alerts, unmapped, problems }, undefined, 2)}\n`);
    else {
      io.out(`alerts: ${written(alerts)},\n`);
      for (const { path, reason } of unmapped) io.err(`${path}: ${reason}\n`);
      for (const problem of problems) io.err(`to be mended before it can be deployed: ${problem}\n`);
    }
    return 0;
  },
};

/** A fault of the file as a whole names the file. */
const imported = (text: string, where: string | undefined): ReturnType<typeof importAlertmanager> => {
  try {
    return importAlertmanager(text);
  } catch (thrown) {
    const { code, message } = Failure.from(thrown);
    throw new Failure(code, message.replace(`${code}: `, ''), {
      ...(where === undefined ? {} : { where }),
      cause: thrown,
    });
  }
};

/** As a person writes TypeScript. */
const written = (value: unknown, indent = ''): string => {
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = `[${value.map((each) => written(each, deeper)).join(', ')}]`;
    if (flat.length < 100 && !flat.includes('\n')) return flat;
    return `[\n${value.map((each) => `${deeper}${written(each, deeper)},\n`).join('')}${indent}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([name, each]) => `${key(name)}: ${written(each, deeper)}`);
    if (entries.length === 0) return '{}';
    const flat = `{ ${entries.join(', ')} }`;
    return flat.length < 100 && !flat.includes('\n')
      ? flat
      : `{\n${entries.map((entry) => `${deeper}${entry},\n`).join('')}${indent}}`;
  }
  return typeof value === 'string' ? quoted(value) : String(value);
};

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));

const quoted = (text: string): string =>
  text.includes("'") || /[\\\n\r]/.test(text) ? JSON.stringify(text) : `'${text}'`;
