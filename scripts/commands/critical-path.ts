import { Failure } from '../../lib/model/failure.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { type CriticalPath, criticalPath, type PathMode } from '../../lib/trace/critical-path.ts';
import { endToEndPath } from '../../lib/trace/end-to-end.ts';
import { shorten } from '../../lib/trace/markup.ts';
import { type PathProfile, profileOfPaths } from '../../lib/trace/path-profile.ts';
import { type WhatIf, type WhatIfAnswer, whatIf } from '../../lib/trace/what-if.ts';
import type { Command } from '../command.ts';
import { noteRefused, readSpans } from '../read-spans.ts';

const help = `usage: npm run tidemark -- critical-path <otlp.json>... [--mode strict|robust] [--scope root|end-to-end] [--json]
       npm run tidemark -- critical-path <otlp.json>... --aggregate [--faster SERVICE[/OPERATION]=MS]... [--json]

Prints the critical path of each trace: the sections of work that decided how long it took, in time order. They tile the root's
interval exactly. Files hold OTLP as JSON (one document, or one a line) or protobuf, plain, gzip or zstd.

--mode strict   what Jaeger shows: a sibling counts when it ended strictly before the next one started (default)
--mode robust   back-to-back and barely overlapping siblings follow each other, skewed servers stay inside their clients (as CRISP);
                the default of --aggregate
--scope root|end-to-end   the root's interval (default), or on through queues to the end of the last consumer, the time that messages
                waited as sections of the kind queue (the default of --aggregate)
--aggregate     over all traces: the share of services, operations and queues, and the traces in which each took longest
--faster S=MS   what if each span of that service, or of that operation of it, were faster by so many milliseconds
--json          an array of { traceId, durationNanos, sections: [ { spanId, service, name, startNanos, endNanos, kind } ] };
                of --aggregate { traces, workSeconds, queueSeconds, services, operations, queues, whatIf }`;

export const command: Command = {
  summary: 'the critical path of each trace',
  help,
  run: async (args, io) => {
    const { files, mode, scope, json, isAggregate, faster } = parse(args);
    const { spans, refused } = await readSpans(files);
    noteRefused(refused, io.err);
    const traces = assemble(spans, { keepOrder: true });
    const isEndToEnd = scope === 'end-to-end';
    const paths = traces.map((trace) => ({
      trace,
      path: isEndToEnd ? endToEndPath(trace, mode) : criticalPath(trace, mode),
    }));
    if (isAggregate) {
      const { columns: _, ...profile } = profileOfPaths(paths);
      const answers = faster.map((change) => ({ ...change, ...whatIf(traces, change) }));
      io.out(json ? `${JSON.stringify({ ...profile, whatIf: answers }, undefined, 2)}\n` : summary(profile, answers));
    } else if (json) {
      const digits = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
      io.out(
        `${JSON.stringify(
          paths.map(({ path }) => path),
          digits,
          2,
        )}\n`,
      );
    } else for (const { path } of paths) io.out(picture(path));
    return 0;
  },
};

const parse = (args: readonly string[]) => {
  const files: string[] = [];
  const faster: WhatIf[] = [];
  let mode: PathMode | undefined;
  let scope: 'root' | 'end-to-end' | undefined;
  let json = false;
  let isAggregate = false;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    const value = () => {
      at += 1;
      return args[at] ?? '';
    };
    if (arg === '--json') json = true;
    else if (arg === '--aggregate') isAggregate = true;
    else if (arg === '--mode') mode = oneOf(arg, value(), ['strict', 'robust'] as const);
    else if (arg === '--scope') scope = oneOf(arg, value(), ['root', 'end-to-end'] as const);
    else if (arg === '--faster') faster.push(changeOf(value()));
    else if (arg.startsWith('--')) throw new Failure('bad-input', `unknown option '${arg}'; see --help`);
    else files.push(arg);
  }
  if (files.length === 0) throw new Failure('bad-input', 'a file is needed; see --help');
  if (faster.length > 0 && !isAggregate) throw new Failure('bad-input', '--faster goes with --aggregate; see --help');
  return {
    files,
    faster,
    json,
    isAggregate,
    mode: mode ?? (isAggregate ? 'robust' : 'strict'),
    scope: scope ?? (isAggregate ? 'end-to-end' : 'root'),
  };
};

const oneOf = <T extends string>(option: string, given: string, allowed: readonly T[]): T => {
  const found = allowed.find((each) => each === given);
  if (found === undefined) throw new Failure('bad-input', `${option} is ${allowed.join(' or ')}, got '${given}'`);
  return found;
};

/** `pay/charge card=100`; the name of an operation may hold slashes and equals signs, that of a service may not. */
const changeOf = (given: string): WhatIf => {
  const cut = given.lastIndexOf('=');
  const milliseconds = Number(given.slice(cut + 1));
  const target = given.slice(0, Math.max(0, cut));
  const slash = target.indexOf('/');
  const service = slash < 0 ? target : target.slice(0, slash);
  if (service === '' || given.slice(cut + 1) === '' || !(milliseconds > 0 && milliseconds <= 86_400_000)) {
    throw new Failure('bad-input', `--faster is SERVICE[/OPERATION]=MS with up to 86400000 ms, got '${given}'`);
  }
  return {
    service,
    ...(slash < 0 ? {} : { name: target.slice(slash + 1) }),
    fasterNanos: Math.round(milliseconds * 1e6),
  };
};

/** Rows of a list in words. */
const maxShown = 15;

const summary = (profile: Omit<PathProfile, 'columns'>, answers: readonly (WhatIf & WhatIfAnswer)[]): string => {
  const rows = (title: string, list: PathProfile['services']) =>
    list.length === 0
      ? []
      : [
          '',
          `${title.padEnd(50)}   share        time   traces  longest in`,
          ...list
            .slice(0, maxShown)
            .map(
              ({ service, name, share, seconds, traces, exemplars }) =>
                `${shorten(name === undefined ? service : `${service} · ${name}`, 50).padEnd(50)} ${`${(share * 100).toFixed(1)} %`.padStart(7)} ${`${seconds.toFixed(3)} s`.padStart(11)} ${String(traces).padStart(8)}  ${exemplars[0] ?? ''}`,
            ),
          ...(list.length > maxShown ? [`and ${list.length - maxShown} more`] : []),
        ];
  return [
    `${profile.traces} traces: ${profile.workSeconds.toFixed(3)} s of work on critical paths, ${profile.queueSeconds.toFixed(3)} s waiting in queues`,
    ...rows('service', profile.services),
    ...rows('operation', profile.operations),
    ...rows('queue', profile.queues),
    ...(answers.length === 0 ? [] : ['']),
    ...answers.map(
      ({ service, name, fasterNanos, touched, beforeSeconds, afterSeconds, p95BeforeSeconds, p95AfterSeconds }) =>
        `${name === undefined ? service : `${service} · ${name}`} faster by ${fasterNanos / 1e6} ms: ${touched} traces have it; all traces take ${(100 * (1 - afterSeconds / (beforeSeconds || 1))).toFixed(1)} % less, P95 ${p95BeforeSeconds.toFixed(3)} s to ${p95AfterSeconds.toFixed(3)} s`,
    ),
    '',
  ].join('\n');
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
