import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/model/failure.ts';
import { loader, wrapped } from './code-cache/loader.ts';
import { warmUpEvents } from './code-cache/warm-up-events.ts';

/**
 * The flags of Lambda's own start of Node that V8 hashes into a cache: a cache made without `--expose-gc` is refused by a
 * process that has it. The sizes of its spaces, which Lambda sets too, are no part of the hash (tried on 24.21).
 */
export const runtimeFlags: readonly string[] = ['--expose-gc'];

/** The major version of the deployed runtime, `nodejs24.x`. */
const runtimeMajor = 24;

/** What a machine must have in common with the runtime to make a cache for it. */
export interface BuildingMachine {
  readonly arch: string;
  readonly platform: string;
  /** `24.21.0` */
  readonly node: string;
}

/**
 * Why no code cache can be made here for functions of this architecture, with how to get one; undefined where it can.
 * A cache holds bytecode of one V8: another architecture or version refuses it.
 */
export const codeCacheHindrance = (
  architecture: 'arm64' | 'x86_64',
  { arch, platform, node }: BuildingMachine = process.versions.node === undefined
    ? { arch: '', platform: '', node: '' }
    : { arch: process.arch, platform: process.platform, node: process.versions.node },
): string | undefined => {
  const wanted = architecture === 'arm64' ? 'arm64' : 'x64';
  if (arch === wanted && platform === 'linux' && node.startsWith(`${runtimeMajor}.`)) return undefined;
  return (
    `No V8 code cache is shipped: it takes Linux on ${architecture} with Node ${runtimeMajor} to make one for these functions, ` +
    `and this is ${platform} on ${arch} with Node ${node}. Synthesise on such a machine` +
    `${platform === 'linux' ? `, or deploy to this one's kind with -c tidemark:architecture=${arch === 'arm64' ? 'arm64' : 'x86_64'},` : ''} to halve cold starts.`
  );
};

/**
 * Gives the bundle in `outDir` a V8 code cache: the bundle moves to `bundle.js`, a loader takes its place, and `bundle.cache`
 * is made in a process of its own after the function handled its sample events, so that functions compiled on the way are in it.
 * Nothing but a loop-back answers those events. Returns the size of the cache in bytes.
 */
export const addCodeCache = (name: string, outDir: string, events = warmUpEvents[name] ?? []): number => {
  const index = join(outDir, 'index.js');
  const bundle = join(outDir, 'bundle.js');
  renameSync(index, bundle);
  // The text that is compiled is the file as it is: nothing is put together at start.
  const source = readFileSync(bundle, 'utf8').trimEnd();
  writeFileSync(bundle, wrapped(source));
  writeFileSync(index, loader);
  const { status, stderr, error } = spawnSync(
    process.execPath,
    [...runtimeFlags, join(import.meta.dirname, 'code-cache/make.mjs'), outDir],
    {
      input: JSON.stringify(events),
      // The function sees no account of the person who synthesises.
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  if (status !== 0) {
    throw new Failure('misconfigured', `cannot make the code cache: ${stderr?.slice(-2000) || String(error)}`, {
      where: name,
    });
  }
  return readFileSync(join(outDir, 'bundle.cache')).length;
};
