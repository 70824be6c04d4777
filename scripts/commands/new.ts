import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../../lib/model/failure.ts';
import type { Command } from '../command.ts';

const help = `usage: npm run tidemark -- new <source|format|channel|gauge|detector> <name> [--json]

Writes a new member as a copy of the simplest member of its kind, and its line in the registry. The name is kebab-case.
The shared contract suite of that kind fails until the member does what its copy does for the new name.
--json   the files written, as an array`;

/** Each kind: where it lives, and the member that a new one starts from. */
const kinds = {
  source: { folder: 'lib/message/sources', model: 'nsq' },
  format: { folder: 'lib/propagation/formats', model: 'b3' },
  channel: { folder: 'lib/alert/channels', model: 'webhook' },
  gauge: { folder: 'lib/watermark/gauges', model: 'queue-backlog' },
  detector: { folder: 'lib/trace/detectors', model: 'long-tail' },
} as const;

export const command: Command = {
  summary: 'scaffold a source, format, channel, gauge or detector',
  help,
  run: async (args, io) => {
    const json = args.includes('--json');
    const [kind, name, more] = args.filter((arg) => arg !== '--json');
    if (more !== undefined) throw new Failure('bad-input', `unknown argument '${more}'; see --help`);
    if (kind === undefined || !Object.hasOwn(kinds, kind)) {
      throw new Failure('bad-input', `unknown kind '${kind ?? ''}'; one of ${Object.keys(kinds).join(', ')}`);
    }
    if (name === undefined || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
      throw new Failure('bad-input', `'${name ?? ''}' is not a kebab-case name such as queue-age`);
    }
    const root = join(import.meta.dirname, '../..');
    const files = scaffold(root, kind as keyof typeof kinds, name);
    if (json) io.out(`${JSON.stringify(files, undefined, 2)}\n`);
    else
      io.out(
        `${files.map((file) => `wrote ${file}\n`).join('')}next: make the member your own, add sample events, run npm test\n`,
      );
    return 0;
  },
};

/** Exported for its test. Answers the files written, relative to `root`. */
export const scaffold = (root: string, kind: keyof typeof kinds, name: string): string[] => {
  const { folder, model } = kinds[kind];
  const member = `${folder}/${name}.ts`;
  const registry = `${folder}/index.ts`;
  if (existsSync(join(root, member))) throw new Failure('bad-input', 'exists already', { where: member });
  const source = readFileSync(join(root, folder, `${model}.ts`), 'utf8');
  const index = readFileSync(join(root, registry), 'utf8');
  const from = camel(model);
  const to = camel(name);
  const lines = index.split('\n');
  const importAt = lines.findLastIndex((line) => line.includes(`'./${model}.ts'`));
  const useAt = lines.findLastIndex((line, at) => at !== importAt && new RegExp(`\\b${from}\\b`).test(line));
  if (importAt < 0 || useAt < 0) {
    throw new Failure('internal', `does not list ${model} as expected`, { where: registry });
  }
  // Names in quotes and paths are kebab-case, identifiers camel-case; for a model of one word they look alike.
  const quoted = new RegExp(`(?<=['"\`/])${model}(?=['"\`.])`, 'g');
  const rename = (text: string) => text.replace(quoted, name).replace(new RegExp(`\\b${from}\\b`, 'g'), to);
  const isRecord = /satisfies Record</.test(index);
  const key = !isRecord || name === to ? to : `'${name}': ${to}`;
  const result = lines.flatMap((line, at) => {
    if (at === importAt) return [line, rename(line)];
    if (at !== useAt) return [line];
    if (/[[{]/.test(line)) {
      return [line.replace(new RegExp(`((?:'[^']+':\\s*)?\\b${from}\\b)`), (whole) => `${whole}, ${key}`)];
    }
    return [line.endsWith(',') ? line : `${line},`, `${/^\s*/.exec(line)?.[0] ?? ''}${key},`];
  });
  mkdirSync(dirname(join(root, member)), { recursive: true });
  writeFileSync(join(root, member), rename(source));
  writeFileSync(join(root, registry), result.join('\n'));
  const names = namesIn[kind];
  if (names === undefined) return [member, registry];
  const list = readFileSync(join(root, names), 'utf8');
  writeFileSync(
    join(root, names),
    list.replace(`  '${model}',\n`, (line) => `${line}  '${name}',\n`),
  );
  return [member, registry, names];
};

/** The configuration's own lists of names: lib/model may not import a room's registry. */
const namesIn: Readonly<Partial<Record<keyof typeof kinds, string>>> = {
  channel: 'lib/model/config/alerts.ts',
  gauge: 'lib/model/config/watermarks.ts',
};

const camel = (name: string): string => name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
