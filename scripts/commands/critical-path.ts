import { Failure } from '../../lib/model/failure.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { type CriticalPath, criticalPath, type PathMode } from '../../lib/trace/critical-path.ts';
import { endToEndPath } from '../../lib/trace/end-to-end.ts';
import type { Command } from '../command.ts';
import { noteRefused, readSpans } from '../read-spans.ts';

const help = `usage: npm run tidemark -- critical-path <otlp.json>... [--mode strict|robust] [--scope root|end-to-end] [--json]

Prints the critical path of each trace: the sections of work that decided how long it took, in time order. They tile the root's
interval exactly. Files hold OTLP as JSON (one document, or one a line) or protobuf, plain, gzip or zstd.

--mode strict   what Jaeger shows: a sibling counts when it ended strictly before the next one started (default)
--mode robust   back-to-back and barely overlapping siblings follow each other, skewed servers stay inside their clients (as CRISP)
--scope root|end-to-end   the root's interval (default), or on through queues to the end of the last consumer, the time that messages
                waited as sections of the kind queue
--json          an array of { traceId, durationNanos, sections: [ { spanId, service, name, startNanos, endNanos, kind } ] }`;

export const command: Command = {
  summary: 'the critical path of each trace',
  help,
  run: async (args, io) => {
    const { files, mode, isEndToEnd, json } = parse(args);
    const { spans, refused } = await readSpans(files);
    noteRefused(refused, io.err);
    const paths = assemble(spans, { keepOrder: true }).map((trace) =>
      isEndToEnd ? endToEndPath(trace, mode) : criticalPath(trace, mode),
    );
    if (json) {
      const digits = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
      io.out(`${JSON.stringify(paths, digits, 2)}\n`);
    } else for (const path of paths) io.out(picture(path));
    return 0;
  },
};

const parse = (args: readonly string[]) => {
  const files: string[] = [];
  let mode: PathMode = 'strict';
  let isEndToEnd = false;
  let json = false;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--json') json = true;
    else if (arg === '--mode') {
      at += 1;
      const given = args[at];
      if (given !== 'strict' && given !== 'robust') {
        throw new Failure('bad-input', `--mode is strict or robust, got '${given ?? ''}'`);
      }
      mode = given;
    } else if (arg === '--scope') {
      at += 1;
      const given = args[at];
      if (given !== 'root' && given !== 'end-to-end') {
        throw new Failure('bad-input', `--scope is root or end-to-end, got '${given ?? ''}'`);
      }
      isEndToEnd = given === 'end-to-end';
    } else if (arg.startsWith('--')) throw new Failure('bad-input', `unknown option '${arg}'; see --help`);
    else files.push(arg);
  }
  if (files.length === 0) throw new Failure('bad-input', 'a file is needed; see --help');
  return { files, mode, isEndToEnd, json };
};

const picture = ({ traceId, durationNanos, sections }: CriticalPath): string => {
  const first = sections[0]?.startNanos ?? 0n;
  return [
    `trace ${traceId}  ${millis(durationNanos)}`,
    ...sections.map(({ service, name, startNanos, endNanos, kind }) => {
      const share = durationNanos === 0n ? 0 : Number(((endNanos - startNanos) * 1000n) / durationNanos) / 10;
      const bar = '█'.repeat(Math.round(share / 4)).padEnd(25);
      return `${`+${millis(startNanos - first)}`.padStart(14)} ${millis(endNanos - startNanos).padStart(13)} ${`${share.toFixed(1)} %`.padStart(7)} ${bar} ${service} · ${name}${kind === 'queue' ? ' (queue)' : ''}`;
    }),
    '',
    '',
  ].join('\n');
};

const millis = (nanos: bigint): string => `${(Number(nanos) / 1e6).toFixed(3)} ms`;
