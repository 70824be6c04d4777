import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tool } from '../tools.ts';
import { run } from './process.ts';

/** Asks a program of `test/interop` that answers one line of JSON with one line of JSON. */
export const answersOf = async <T>({ path }: Pick<Tool, 'path'>, questions: readonly unknown[]): Promise<T[]> => {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
  const lines = (await run(path, [], { input })).trimEnd().split('\n');
  if (lines.length !== questions.length) {
    throw new Error(`${questions.length} questions were answered with ${lines.length} lines`);
  }
  return lines.map((line) => JSON.parse(line) as T);
};

/** The version of a Go module that a program of `test/interop` is built with. */
export const versionIn = (source: string, module: string): string => {
  const text = readFileSync(join(import.meta.dirname, '..', source, 'go.mod'), 'utf8');
  const line = text.split('\n').find((each) =>
    each
      .trim()
      .replace(/^require /, '')
      .startsWith(`${module} v`),
  );
  return line?.trim().split(' ').at(-1) ?? 'unknown';
};

const vectors = join(import.meta.dirname, '../../watermark/vectors');

/** With RENEW_VECTORS set: keeps what a peer answered, for the tests that need nothing but npm. */
export const renewVectors = (name: string, list: readonly unknown[]): void => {
  if (process.env['RENEW_VECTORS'] === undefined) return;
  writeFileSync(join(vectors, `${name}.json`), `[${list.map((each) => JSON.stringify(each)).join(',\n')}]\n`);
};
