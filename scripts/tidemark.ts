#!/usr/bin/env node
import { Failure } from '../lib/model/failure.ts';
import type { Command } from './command.ts';

/** Loaded only when asked for, so that `--help` answers at once. */
const commands: Record<
  string,
  { readonly summary: string; readonly load: () => Promise<{ readonly command: Command }> }
> = {
  invoke: {
    summary: 'run a bundled handler on a Lambda Runtime API with an event',
    load: () => import('./commands/invoke.ts'),
  },
  doctor: {
    summary: 'explain which trace context was found in an event, and why',
    load: () => import('./commands/doctor.ts'),
  },
  replay: { summary: 'run a watermark rule over recorded readings', load: () => import('./commands/replay.ts') },
  render: { summary: 'show the exact requests a channel would send', load: () => import('./commands/render.ts') },
  'critical-path': { summary: 'the critical path of each trace', load: () => import('./commands/critical-path.ts') },
  score: { summary: 'findings, heat map and metrics of spans', load: () => import('./commands/score.ts') },
  explain: { summary: 'the chain of one alert, from arrival to verdict', load: () => import('./commands/explain.ts') },
  'replay-dlq': {
    summary: 'send dead letters again, filtered and rate limited',
    load: () => import('./commands/replay-dlq.ts'),
  },
  silence: {
    summary: 'hold back alerts for a while: add, list, expire',
    load: () => import('./commands/silence.ts'),
  },
  'import-alertmanager': {
    summary: 'an Alertmanager configuration as the alerts section of ours',
    load: () => import('./commands/import-alertmanager.ts'),
  },
  'collector-config': {
    summary: 'the telemetry section as a configuration of the OpenTelemetry Collector',
    load: () => import('./commands/collector-config.ts'),
  },
  new: { summary: 'scaffold a source, format, channel, gauge or detector', load: () => import('./commands/new.ts') },
  docs: {
    summary: 'write the generated reference pages (--check: compare only)',
    load: () => import('./commands/docs.ts'),
  },
};

const overview = (): string =>
  [
    'tidemark: trace context across queues, watermarks, trace scoring, alert delivery',
    '',
    'usage: npm run tidemark -- <command> [arguments] [--help]',
    '',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(20)} ${summary}`),
  ].join('\n');

const main = async (argv: readonly string[]): Promise<number> => {
  const [name, ...args] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(`${overview()}\n`);
    return 0;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) {
    process.stderr.write(`tidemark: unknown command '${name}'; one of ${Object.keys(commands).join(', ')}\n`);
    return 2;
  }
  try {
    const { command } = await entry.load();
    if (args.includes('--help')) {
      process.stdout.write(`${command.help}\n`);
      return 0;
    }
    return await command.run(args, {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
      env: process.env,
      isTerminal: process.stdout.isTTY === true,
    });
  } catch (thrown) {
    const failure = Failure.from(thrown);
    process.stderr.write(`tidemark ${name}: ${failure.message}\n`);
    if (failure.code === 'internal') process.stderr.write(`${failure.stack}\n`);
    return ['bad-input', 'too-large', 'not-found', 'misconfigured'].includes(failure.code) ? 2 : 1;
  }
};

// exitCode, not exit(): output to a pipe must drain first.
process.exitCode = await main(process.argv.slice(2));
