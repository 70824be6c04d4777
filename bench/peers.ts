/**
 * Peers that are too heavy for the project's own lock file: installed on demand, from their own lock file, into bench/peers/node_modules.
 * `const { B3Propagator } = await peer<typeof import('…')>('@opentelemetry/propagator-b3')`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'peers');
const require = createRequire(join(folder, 'package.json'));

/** One peer as a module; the first call installs them all, which takes the network and some seconds. */
export const peer = <Module>(name: string): Module => {
  if (!existsSync(join(folder, 'node_modules', name))) install();
  return require(name) as Module;
};

/** The version of a peer that is installed. */
export const peerVersion = (name: string): string => {
  if (!existsSync(join(folder, 'node_modules', name))) install();
  return (require(join(folder, 'node_modules', name, 'package.json')) as { version: string }).version;
};

/** Folder of the peers' package.json, for bundlers. */
export const peersFolder = folder;

const install = (): void => {
  process.stderr.write('bench: installing the peers into bench/peers/node_modules …\n');
  const { status, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ci in ${folder} failed:\n${stderr}`);
};
