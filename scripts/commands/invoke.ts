import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, normalize } from 'node:path';
import { systemClock, systemRandom } from '../../lib/adapters/clock.ts';
import { Failure } from '../../lib/model/failure.ts';
import { boot } from '../../local/cloud.ts';
import type { Command } from '../command.ts';
import { readJson } from '../read-json.ts';

const help = `usage: npm run tidemark -- invoke <function> <event.json> [--json]

Runs the bundled handler of a function with an event, as Lambda would: the CDK app is synthesised, booted on an embedded cloud of its
own, and the event is sent through the Lambda Runtime API. Prints the answer; the function's log goes to stderr.
Functions: evaluate-watermarks, collect-spans, score-traces, deliver-alerts
--json   only the answer, as one JSON document`;

const functions = ['evaluate-watermarks', 'collect-spans', 'score-traces', 'deliver-alerts'];

export const command: Command = {
  summary: 'run a bundled handler on a Lambda Runtime API with an event',
  help,
  run: async (args, io) => {
    const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--json');
    if (unknown !== undefined) throw new Failure('bad-input', `unknown option ${unknown}; see --help`);
    const [name, file] = args.filter((arg) => !arg.startsWith('--'));
    if (name === undefined || !functions.includes(name)) {
      throw new Failure('bad-input', `unknown function '${name ?? ''}'; one of ${functions.join(', ')}`);
    }
    const event = readJson(file);
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-invoke-'));
    try {
      io.err(`synthesising and booting …\n`);
      await synthesise(folder);
      const cloud = await boot({
        assembly: folder,
        clock: systemClock,
        random: systemRandom,
        env: { TIDEMARK_ALLOW_LOOPBACK: 'true' },
        // Ticks of the clock are not what was asked for: none fires before this is over.
        compress: 1 / 60,
        log: (line, functionName) => io.err(`${functionName ?? 'cloud'}: ${line}\n`),
      });
      try {
        const began = systemClock();
        const outcome = await cloud.invoke(`tidemark-${name}`, JSON.stringify(event));
        const text = outcome.ok
          ? outcome.answer
          : JSON.stringify({ errorType: outcome.errorType, errorMessage: outcome.errorMessage });
        if (args.includes('--json')) io.out(`${text}\n`);
        else
          io.out(
            `${outcome.ok ? 'answered' : 'failed'} after ${systemClock() - began} ms with ${basename(file ?? '')}:\n${JSON.stringify(JSON.parse(text), undefined, 2)}\n`,
          );
        return outcome.ok ? 0 : 1;
      } finally {
        await cloud.stop();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const synthesise = (outDir: string): Promise<void> =>
  new Promise((done, reject) => {
    const root = normalize(join(import.meta.dirname, '../..'));
    const child = spawn(process.execPath, [join(root, 'cdk/app.ts')], {
      cwd: root,
      env: { ...process.env, CDK_OUTDIR: outDir },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('exit', (code) =>
      code === 0
        ? done()
        : reject(new Failure('misconfigured', `the CDK app ended with ${code}: ${errors.slice(-2000)}`)),
    );
  });
