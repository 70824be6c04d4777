import { writeFileSync } from 'node:fs';
import { deflate } from '../../lib/adapters/compression.ts';
import { Failure } from '../../lib/model/failure.ts';
import { assemble, type Trace } from '../../lib/trace/assemble.ts';
import { heatMapPng } from '../../lib/trace/heat-map-png.ts';
import { heatMapSvg } from '../../lib/trace/heat-map-svg.ts';
import { podShifts } from '../../lib/trace/pod-shift.ts';
import { type ReportInput, renderReport, shownOf } from '../../lib/trace/report.ts';
import { rankCauses } from '../../lib/trace/root-cause.ts';
import { type Score, scoreTraces } from '../../lib/trace/score.ts';
import { usualOf } from '../../lib/trace/usual.ts';
import { windowStartOf } from '../../lib/trace/window.ts';
import type { Command } from '../command.ts';
import { readPodMetrics } from '../read-pod-metrics.ts';
import { noteRefused, readSpans } from '../read-spans.ts';

const help = `usage: npm run tidemark -- score <otlp.json>... [--baseline FILE]... [--pod-metrics FILE]... [--window SECONDS] [--json] [--html FILE] [--png FILE] [--svg FILE]

Scores spans as the deployed functions do: findings, services, and which service is the likely cause. Files hold OTLP as JSON or
protobuf, plain, gzip or zstd. A trace belongs to the window of its first span.

--baseline FILE    spans of a healthy time: findings are raised for shifts against it as well, and for calls that are new or missing;
                   causes are ranked by what shifted; without one, by share of the critical path
--pod-metrics FILE answer of a Prometheus range query of pods (CPU, memory, …) over the time of the spans and a usual time around it;
                   causes are ranked by what shifted there as well
--window SECONDS   length of a window (60); the thresholds are per window
--json             { windows, findings, services, heatMap, durations, criticalPath, hops, reattached, skew, rootCauses }
--html FILE        also write the report page
--png FILE         also write the heat map, as a PNG, and with --svg FILE as an SVG`;

export const command: Command = {
  summary: 'findings, heat map and metrics of spans',
  help,
  run: async (args, io) => {
    const { files, baseline, podMetrics, windowSeconds, json, html, png, svg } = parse(args);
    const { spans, refused } = await readSpans(files);
    noteRefused(refused, io.err);
    const traces = assemble(spans);
    const healthy = baseline.length === 0 ? undefined : assemble((await readSpans(baseline)).spans);
    const usual =
      healthy === undefined
        ? undefined
        : usualOf([...byWindow(healthy, windowSeconds)].map(([start, part]) => scoreTraces(start, part)));
    const options = usual === undefined ? {} : { usual };
    const windows = [...byWindow(traces, windowSeconds)].map(([start, part]) => scoreTraces(start, part, options));
    const whole = scoreTraces(windows[0]?.window ?? '', traces, { maxListed: Number.POSITIVE_INFINITY });
    const pods = podShifts(podMetrics.flatMap((path) => readPodMetrics(path, ...spanOfTime(traces))));
    const rootCauses =
      healthy === undefined && pods.size === 0 ? whole.rootCauses : rankCauses(traces, healthy ?? [], pods);
    const findings = windows.flatMap((window) => window.findings);
    if (html !== undefined)
      write(
        html,
        page(traces, whole, findings, {
          by: rootCauses === whole.rootCauses ? 'share of the critical path' : 'what shifted',
          ranking: rootCauses,
        }),
      );
    const title = `Service by duration, ${whole.traces.count} traces`;
    if (png !== undefined) write(png, heatMapPng(whole.heatMap, { title, deflate }));
    if (svg !== undefined) write(svg, heatMapSvg(whole.heatMap, { isStandalone: true }));
    if (json) {
      const answer = {
        windows: windows.map(({ window, traces: counts }) => ({ window, ...counts })),
        findings: findings.map(({ kind, service, value, threshold, window, traceIds, summary }) => ({
          kind,
          service,
          value,
          threshold,
          window,
          traceIds,
          summary,
        })),
        services: whole.services,
        heatMap: whole.heatMap,
        durations: whole.durations,
        criticalPath: whole.criticalPath,
        hops: whole.hops,
        reattached: whole.reattached,
        skew: whole.skew,
        rootCauses,
      };
      io.out(`${JSON.stringify(answer, undefined, 2)}\n`);
      return 0;
    }
    io.out(summary(whole, windows.length, findings, rootCauses));
    return 0;
  },
};

const write = (path: string, content: string | Uint8Array): void => {
  try {
    writeFileSync(path, content);
  } catch (thrown) {
    throw new Failure('bad-input', `cannot be written: ${(thrown as Error).message}`, { where: path, cause: thrown });
  }
};

const parse = (args: readonly string[]) => {
  const files: string[] = [];
  const baseline: string[] = [];
  const podMetrics: string[] = [];
  let windowSeconds = 60;
  let json = false;
  let html: string | undefined;
  let png: string | undefined;
  let svg: string | undefined;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    const value = () => {
      at += 1;
      const given = args[at];
      if (given === undefined) throw new Failure('bad-input', `${arg} needs a value`);
      return given;
    };
    if (arg === '--json') json = true;
    else if (arg === '--html') html = value();
    else if (arg === '--png') png = value();
    else if (arg === '--svg') svg = value();
    else if (arg === '--baseline') baseline.push(value());
    else if (arg === '--pod-metrics') podMetrics.push(value());
    else if (arg === '--window') {
      windowSeconds = Number(value());
      if (!Number.isInteger(windowSeconds) || windowSeconds < 1 || windowSeconds > 86_400) {
        throw new Failure('bad-input', `--window is whole seconds from 1 to 86400, got '${args[at]}'`);
      }
    } else if (arg.startsWith('--')) throw new Failure('bad-input', `unknown option '${arg}'; see --help`);
    else files.push(arg);
  }
  if (files.length === 0) throw new Failure('bad-input', 'a file is needed; see --help');
  return { files, baseline, podMetrics, windowSeconds, json, html, png, svg };
};

/** Seconds since the epoch, from the first start to the last end. */
const spanOfTime = (traces: readonly Trace[]): [number, number] => {
  let from = Number.POSITIVE_INFINITY;
  let until = Number.NEGATIVE_INFINITY;
  for (const { nodes } of traces) {
    for (const { span } of nodes) {
      from = Math.min(from, Number(span.startNanos) / 1e9);
      until = Math.max(until, Number(span.endNanos) / 1e9);
    }
  }
  return [from, until];
};

const byWindow = (traces: readonly Trace[], windowSeconds: number): Map<string, Trace[]> => {
  const windows = new Map<string, Trace[]>();
  for (const trace of traces) {
    const first = trace.nodes[0]?.span;
    if (first === undefined) continue;
    const start = windowStartOf(first.startNanos, windowSeconds);
    const part = windows.get(start);
    if (part === undefined) windows.set(start, [trace]);
    else part.push(trace);
  }
  return new Map([...windows].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const page = (
  traces: readonly Trace[],
  whole: Score,
  findings: Score['findings'],
  causes: NonNullable<ReportInput['causes']>,
): string =>
  renderReport({
    title: 'tidemark: scored spans',
    subtitle: `${whole.traces.count} traces, ${whole.traces.spans} spans, ${findings.length} findings`,
    ...shownOf(whole, traces, findings),
    causes,
  });

const summary = (
  whole: Score,
  windows: number,
  findings: Score['findings'],
  causes: readonly { readonly service: string; readonly score: number }[],
): string =>
  [
    `${whole.traces.count} traces, ${whole.traces.spans} spans, ${whole.traces.orphans} orphans, ${windows} windows`,
    '',
    ...(findings.length === 0
      ? ['nothing was found']
      : findings.map((each) => `${each.window}  ${each.kind}  ${each.summary}`)),
    '',
    `${'service'.padEnd(32)}    spans   errors       P95`,
    ...Object.entries(whole.services).map(
      ([name, { spans, errors, p95Seconds }]) =>
        `${name.padEnd(32)} ${String(spans).padStart(8)} ${String(errors).padStart(8)} ${`${p95Seconds.toFixed(3)} s`.padStart(9)}`,
    ),
    '',
    'likely causes',
    ...causes.slice(0, 5).map(({ service, score }) => `${service.padEnd(32)} ${score.toFixed(3)}`),
    '',
  ].join('\n');
