/** `npm run bench -- <name> [--json] […]`: one file per question, each exporting `run`. Peers are measured in the same run. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';

export interface Bench {
  /** One line: the question that this benchmark answers. */
  readonly question: string;
  readonly run: (options: { readonly json: boolean; readonly args: readonly string[] }) => Promise<void>;
}

const [name, ...args] = process.argv.slice(2);
const names = globSync('*.bench.ts', { cwd: import.meta.dirname })
  .map((file) => file.replace('.bench.ts', ''))
  .sort();
if (name === undefined || name === '--help') {
  process.stdout.write(`usage: npm run bench -- <name> [--json] [arguments]\n\n`);
  for (const each of names) {
    const { bench } = (await import(join(import.meta.dirname, `${each}.bench.ts`))) as { bench: Bench };
    process.stdout.write(`  ${each.padEnd(16)} ${bench.question}\n`);
  }
} else if (!existsSync(join(import.meta.dirname, `${name}.bench.ts`))) {
  process.stderr.write(`bench: no benchmark '${name}'; one of ${names.join(', ')}\n`);
  process.exitCode = 2;
} else {
  const { bench } = (await import(join(import.meta.dirname, `${name}.bench.ts`))) as { bench: Bench };
  await bench.run({ json: args.includes('--json'), args: args.filter((arg) => arg !== '--json') });
}
