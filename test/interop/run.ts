/**
 * `npm run test:interop`: tidemark against software that nobody here wrote. Each part installs what it needs by name; where that is
 * not possible it says in one line what is missing and how to get it, and is counted as skipped, never as passed.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';

export interface Part {
  readonly name: string;
  /** The software on the other side. */
  readonly peer: string;
  /** What is missing and how to get it; undefined when everything is there. */
  readonly needs: () => Promise<string | undefined>;
  readonly run: () => Promise<{
    readonly peerVersion: string;
    readonly proven: readonly string[];
    readonly notProven?: readonly string[];
  }>;
}

const only = process.argv.slice(2);
const files = globSync('*.ts', { cwd: join(import.meta.dirname, 'parts') }).sort();
const parts = await Promise.all(
  files.map(async (file) => ((await import(join(import.meta.dirname, 'parts', file))) as { part: Part }).part),
);
const chosen = parts.filter(({ name }) => only.length === 0 || only.includes(name));
if (chosen.length === 0) {
  process.stderr.write(`interop: no part matched; there are ${parts.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const part of chosen) {
  const began = Date.now();
  const seconds = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
  try {
    const missing = await part.needs();
    if (missing !== undefined) {
      counts.skipped += 1;
      process.stdout.write(`- skipped ${part.name} (${part.peer}): ${missing}\n`);
      continue;
    }
    const { peerVersion, proven, notProven = [] } = await part.run();
    counts.passed += 1;
    process.stdout.write(`✓ ${part.name}: ${part.peer} ${peerVersion} (${seconds()})\n`);
    for (const each of proven) process.stdout.write(`    ${each}\n`);
    for (const each of notProven) process.stdout.write(`    not proven: ${each}\n`);
  } catch (thrown) {
    counts.failed += 1;
    process.stdout.write(
      `✗ ${part.name}: ${part.peer} (${seconds()})\n    ${(thrown as Error).stack ?? String(thrown)}\n`,
    );
  }
}
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exitCode = counts.failed === 0 ? 0 : 1;
