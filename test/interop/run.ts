/**
 * `npm run test:interop [part…]`: tidemark against software that nobody here wrote. What a part needs is installed by name; where
 * that is not possible it says in one line what is missing and how to get it, and is counted as skipped, never as passed.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { renewed } from './page.ts';
import { type Part, Report } from './part.ts';
import { cache, type Lane, type Tool } from './tools.ts';

const help = `usage: npm run test:interop [-- <part>…] [-- --list] [-- --again]

Runs every part, or those named, against real peers. They are installed into ${cache}
(TIDEMARK_INTEROP_CACHE names another folder) and used again by later runs. docs/reference/interop.md is renewed from what was seen.
--list    the parts and what they need; nothing is installed or run
--again   a part that fails is run once more, and said to have passed at the second try only`;

const say = (line: string) => process.stdout.write(`${line}\n`);
const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

const args = process.argv.slice(2);
if (args.includes('--help')) {
  say(help);
  process.exit(0);
}
const files = globSync('*.ts', { cwd: join(import.meta.dirname, 'parts') }).sort();
const parts = await Promise.all(
  files.map(async (file) => ((await import(join(import.meta.dirname, 'parts', file))) as { part: Part }).part),
);
const wanted = args.filter((arg) => !['--list', '--again'].includes(arg));
const unknown = wanted.find((arg) => !parts.some(({ name }) => name === arg));
if (unknown !== undefined || parts.length === 0) {
  process.stderr.write(`interop: no part '${unknown}'; there are ${parts.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const chosen = parts.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (args.includes('--list')) {
  for (const { name, title, tools } of chosen) {
    say(`${name}: ${title}; needs ${tools.map((tool) => tool.name).join(', ') || 'nothing'}`);
  }
  process.exit(0);
}

/** The last installation of each lane, whatever became of it. */
const lanes = new Map<Lane, Promise<unknown>>();
const installs = new Map<Tool, Promise<void>>();
const began = Date.now();

/** Begins the installation of a tool behind the others of its lane, once. */
const install = (tool: Tool): Promise<void> => {
  const known = installs.get(tool);
  if (known !== undefined) return known;
  const before = Promise.all((tool.after ?? []).map(install));
  const turn = lanes.get(tool.lane);
  const installed = (async () => {
    await before;
    if (tool.ready()) return;
    if (tool.lane !== 'none') await turn;
    const since = Date.now();
    try {
      await tool.install();
      if (tool.lane !== 'none') say(`  installed ${tool.name} (${seconds(since)})`);
    } catch (first) {
      // Registries have bad moments; what is not there stays away the second time too.
      if (tool.lane === 'none') throw new Missing(tool, first);
      try {
        await tool.install();
        say(`  installed ${tool.name} at the second try (${seconds(since)})`);
      } catch (second) {
        throw new Missing(tool, second);
      }
    }
  })();
  installs.set(tool, installed);
  lanes.set(tool.lane, Promise.allSettled([turn, installed]));
  return installed;
};

class Missing extends Error {
  constructor(tool: Tool, cause: unknown) {
    const reason = cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ').slice(0, 400) : String(cause);
    super(`lacks ${tool.name}: ${reason}; to get it: ${tool.get}`, { cause });
  }
}

const counts = { passed: 0, failed: 0, skipped: 0 };
const results = new Map<Part, Report>();

/** Answers whether it passed; a second try says so. */
const runPart = async (part: Part, tries = 1): Promise<boolean> => {
  const since = Date.now();
  const report = new Report();
  try {
    await part.run(report);
  } catch (thrown) {
    const { current, seen } = report;
    const peer = current?.peer ?? seen.at(-1);
    const who = peer === undefined ? 'before any peer was asked' : `${peer.name} ${peer.version}`;
    say(`✗ ${part.name}: ${who} (${seconds(since)})`);
    if (current !== undefined) say(`    does not hold: ${current.statement}`);
    say(
      `    ${(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)).replaceAll('\n', '\n    ')}`,
    );
    return false;
  }
  if (!report.seen.some(({ proven }) => proven.length > 0)) {
    say(`✗ ${part.name}: proved nothing (${seconds(since)})`);
    return false;
  }
  results.set(part, report);
  const peers = report.seen.map(({ name, version }) => `${name} ${version}`).join(', ');
  say(`✓ ${part.name}: ${peers} (${seconds(since)}${tries === 1 ? '' : ', at the second try only'})`);
  for (const { name, proven, notProven } of report.seen) {
    for (const each of proven) say(`    ${name}: ${each}`);
    for (const each of notProven) say(`    ${name}: not proven: ${each}`);
  }
  return true;
};

// One part at a time, whichever has its tools first: installations go on meanwhile.
const waiting = new Map<Part, Promise<{ readonly part: Part; readonly missing?: string }>>();
for (const part of chosen) {
  const ready = Promise.all(part.tools.map(install)).then(
    () => ({ part }),
    (thrown) => ({ part, missing: (thrown as Error).message }),
  );
  waiting.set(part, ready);
}
while (waiting.size > 0) {
  const { part, missing } = await Promise.race(waiting.values());
  waiting.delete(part);
  if (missing === undefined) {
    const passed = (await runPart(part)) || (args.includes('--again') && (await runPart(part, 2)));
    counts[passed ? 'passed' : 'failed'] += 1;
  } else {
    counts.skipped += 1;
    say(`- skipped ${part.name}: ${missing}`);
  }
}

if (results.size > 0) {
  const page = normalize(join(import.meta.dirname, '../../docs/reference/interop.md'));
  const text = renewed(existsSync(page) ? readFileSync(page, 'utf8') : undefined, results);
  if (!existsSync(page) || readFileSync(page, 'utf8') !== text) {
    writeFileSync(page, text);
    say('docs/reference/interop.md has changed');
  }
}
say(`in all ${seconds(began)}`);
say(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
// What a part that failed has left open must not keep a run from ending; what is said must be out first.
process.stdout.write('', () => process.exit(counts.failed === 0 ? 0 : 1));
