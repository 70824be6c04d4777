import type { Finding } from '../model/finding.ts';
import type { Trace } from './assemble.ts';
import { graphSvg } from './graph-svg.ts';
import type { HeatMap } from './heat-map.ts';
import { heatMapSvg } from './heat-map-svg.ts';
import { escapeHtml, seconds } from './markup.ts';
import type { PathShare } from './path-profile.ts';
import { style } from './report-style.ts';
import type { Score } from './score.ts';
import type { Edge } from './service-graph.ts';
import { waterfall } from './waterfall.ts';

/** One alert's way, as the delivery ledger tells it. */
export interface LedgerRow {
  readonly at: string;
  readonly alertname: string;
  readonly severity: string;
  readonly status: string;
  readonly summary: string;
  readonly destination: string;
  readonly verdict: string;
  readonly attempts: number;
  readonly traceId?: string;
}

export interface ReportInput {
  readonly title: string;
  readonly subtitle: string;
  /** Shown as waterfalls, in order. */
  readonly traces: readonly Trace[];
  readonly heatMap: HeatMap;
  readonly findings: readonly Finding[];
  readonly services: Readonly<
    Record<string, { readonly spans: number; readonly errors: number; readonly p95Seconds: number }>
  >;
  /** Which service calls which; absent: no graph is drawn. */
  readonly edges?: readonly Edge[];
  /** Where the time on critical paths went; absent: the page has no such part. */
  readonly criticalPath?: Score['criticalPath'];
  /** Likely causes, most likely first, with what they are ranked by. */
  readonly causes?: { readonly by: string; readonly ranking: readonly { service: string; score: number }[] };
  /** What traces leave out: calls without their other side, spans that were not seen, clocks that differ. */
  readonly gaps?: Pick<Score, 'hops' | 'reattached' | 'skew'>;
  /** Where a trace can be looked at elsewhere, `{traceId}` in it; absent: nowhere. */
  readonly traceUrl?: string;
  /** Absent: the page has no such part. */
  readonly ledger?: readonly LedgerRow[];
}

/** One page that needs nothing but itself: findings, waterfalls with critical path, heat map, services, gaps, and the ledger of alerts. */
export const renderReport = (input: ReportInput): string => {
  const shown = new Set(input.traces.map(({ traceId }) => traceId));
  const href = (traceId: string) =>
    shown.has(traceId) ? `#trace-${traceId}` : input.traceUrl?.replace('{traceId}', encodeURIComponent(traceId));
  const link = (traceId: string) => {
    const to = href(traceId);
    const name = `<code title="${escapeHtml(traceId)}">${escapeHtml(traceId.slice(0, 16))}…</code>`;
    return to === undefined ? name : `<a href="${escapeHtml(to)}">${name}</a>`;
  };
  const parts: readonly (readonly [string, string, string] | undefined)[] = [
    ['findings', 'Findings', findingsTable(input.findings, link)],
    [
      'waterfall',
      'Trace waterfall',
      `<p class="note">The bright bars are the critical path: the work that decided how long the trace took. <span class="key path"></span> on the path <span class="key queue"></span> waiting in a queue <span class="key"></span> beside it <span class="key error"></span> failed</p>
${input.traces.length === 0 ? '<p>No trace was seen.</p>' : input.traces.map(waterfall).join('\n')}`,
    ],
    input.criticalPath === undefined || input.criticalPath.services.length === 0
      ? undefined
      : ['time', 'Where the time went', timeParts(input.criticalPath, input.causes, link)],
    [
      'heat-map',
      'Service × duration',
      input.heatMap.rows.length === 0
        ? '<p>No span was seen.</p>'
        : `<p class="note">A cell counts the spans of a service that took so long, the stronger the more; the green bar under it is what those spans have of the critical paths, the figure at the right what the whole service has. A cell leads to the trace of its longest span, where that is known here.</p>
<div class="scroll">${heatMapSvg(input.heatMap, { traceHref: href })}</div>`,
    ],
    [
      'services',
      'Services',
      `${input.edges === undefined || input.edges.length === 0 ? '' : graphSvg(input.edges, input.services)}
${servicesTable(input.services)}`,
    ],
    input.gaps === undefined || isWhole(input.gaps)
      ? undefined
      : ['gaps', 'What is missing', gapParts(input.gaps, link)],
    input.ledger === undefined ? undefined : ['ledger', 'Alerts delivered', ledgerTable(input.ledger)],
  ];
  const sections = parts.filter((part) => part !== undefined);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(input.title)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escapeHtml(input.title)}</h1><p>${escapeHtml(input.subtitle)}</p>
<nav>${sections.map(([id, title]) => `<a href="#${id}">${title}</a>`).join(' ')}</nav></header>
<main>
${sections.map(([id, title, body]) => `<section id="${id}"><h2>${title}</h2>\n${body}\n</section>`).join('\n')}
</main>
</body>
</html>
`;
};

/** Waterfalls of a page at most. */
const maxTraces = 4;

/** What a page shows of a score: its figures, and the traces that its findings point to, else the slowest one. */
export const shownOf = (
  scored: Score,
  traces: readonly Trace[],
  findings: readonly Finding[] = scored.findings,
): Pick<ReportInput, 'traces' | 'heatMap' | 'findings' | 'services' | 'edges' | 'criticalPath' | 'gaps'> => {
  const wanted = new Set(findings.map(({ exemplar }) => exemplar.traceId));
  if (wanted.size === 0 && scored.exemplar !== undefined) wanted.add(scored.exemplar);
  const byId = new Map(traces.map((trace) => [trace.traceId, trace]));
  return {
    traces: [...wanted].slice(0, maxTraces).flatMap((traceId) => byId.get(traceId) ?? []),
    heatMap: scored.heatMap,
    findings,
    services: scored.services,
    edges: scored.edges,
    criticalPath: scored.criticalPath,
    gaps: scored,
  };
};

type Link = (traceId: string) => string;

const findingsTable = (findings: readonly Finding[], link: Link): string =>
  findings.length === 0
    ? '<p>Nothing was found.</p>'
    : table(
        ['window', 'kind', 'service', 'what', 'traces'],
        findings.map(({ window, kind, service, summary, traceIds }) => [
          escapeHtml(window.slice(11, 19)),
          `<span class="tag ${kind}">${kind}</span>`,
          escapeHtml(service),
          escapeHtml(summary),
          traceIds.map(link).join('<br>'),
        ]),
      );

/** Rows of a list at most; the rest is counted in words. */
const maxListed = 12;

const timeParts = (
  { services, operations, queues, workSeconds, queueSeconds, traces }: Score['criticalPath'],
  causes: ReportInput['causes'],
  link: Link,
): string => {
  const list = (name: string, rows: readonly PathShare[]) =>
    rows.length === 0
      ? ''
      : `${table(
          [name, 'share', '', 'time', 'traces', 'longest in'],
          rows
            .slice(0, maxListed)
            .map((row) => [
              escapeHtml(row.name === undefined ? row.service : `${row.service} · ${row.name}`),
              `${(row.share * 100).toFixed(1)} %`,
              `<span class="meter"><span style="width:${Math.max(1, row.share * 100).toFixed(1)}%"></span></span>`,
              seconds(row.seconds),
              String(row.traces),
              row.exemplars.slice(0, 1).map(link).join(''),
            ]),
        )}${rows.length > maxListed ? `<p class="note">and ${rows.length - maxListed} more</p>` : ''}`;
  const waited = queueSeconds > 0 ? `, and ${seconds(queueSeconds)} that messages waited` : '';
  const ranking =
    causes === undefined || causes.ranking.length === 0
      ? ''
      : `<p class="note">Likely causes (${escapeHtml(causes.by)}): ${causes.ranking
          .slice(0, 5)
          .map(({ service, score }, at) => `${at + 1}. <b>${escapeHtml(service)}</b> ${score.toFixed(2)}`)
          .join(' · ')}</p>`;
  return `<p class="note">${seconds(workSeconds)} of work on the critical paths of ${traces} traces${waited}.</p>${ranking}
${list('service', services)}${list('operation', operations)}${list('queue', queues)}`;
};

const isWhole = ({ hops, reattached, skew }: NonNullable<ReportInput['gaps']>): boolean =>
  hops.every(({ missing }) => missing === 0) && reattached.length === 0 && skew.length === 0;

const gapParts = ({ hops, reattached, skew }: NonNullable<ReportInput['gaps']>, link: Link): string => {
  const broken = hops.filter(({ missing }) => missing > 0).sort((a, b) => b.missing / b.calls - a.missing / a.calls);
  return [
    broken.length === 0
      ? ''
      : table(
          ['call', 'calls', 'without their other side', ''],
          broken
            .slice(0, maxListed)
            .map(({ from, to, calls, missing }) => [
              `${escapeHtml(from)} → ${escapeHtml(to)}`,
              String(calls),
              `${missing} (${((100 * missing) / calls).toFixed(1)} %)`,
              `<span class="meter"><span style="width:${((100 * missing) / calls).toFixed(1)}%"></span></span>`,
            ]),
        ),
    reattached.length === 0
      ? ''
      : `<p class="note">Spans that were not seen, though others name them as their parents, and where they most likely hung.</p>${table(
          ['trace', 'missing span', 'likely parent', 'confidence'],
          reattached
            .slice(0, maxListed)
            .map(({ traceId, missingSpanId, parentSpanId, confidence }) => [
              link(traceId),
              `<code>${escapeHtml(missingSpanId)}</code>`,
              `<code>${escapeHtml(parentSpanId)}</code>`,
              confidence.toFixed(2),
            ]),
        )}${reattached.length > maxListed ? `<p class="note">and ${reattached.length - maxListed} more</p>` : ''}`,
    skew.length === 0
      ? ''
      : `<p class="note">Clocks that differ, told by calls that stick out of their callers. Times are shown as they were recorded.</p>${table(
          ['from', 'to', 'ahead by', 'calls'],
          skew
            .slice(0, maxListed)
            .map(({ from, to, offsetMs, calls }) => [
              escapeHtml(from),
              escapeHtml(to),
              `${offsetMs.toFixed(3)} ms`,
              String(calls),
            ]),
        )}`,
  ].join('\n');
};

const servicesTable = (services: ReportInput['services']): string =>
  table(
    ['service', 'spans', 'errors', 'P95'],
    Object.entries(services).map(([name, { spans, errors, p95Seconds }]) => [
      escapeHtml(name),
      String(spans),
      errors > 0 && spans > 0 ? `<span class="bad">${errors} (${((100 * errors) / spans).toFixed(1)} %)</span>` : '0',
      seconds(p95Seconds),
    ]),
  );

const ledgerTable = (rows: readonly LedgerRow[]): string =>
  rows.length === 0
    ? '<p>No alert was raised.</p>'
    : table(
        ['at', 'alert', 'status', 'what', 'to', 'verdict', 'attempts', 'trace'],
        rows.map((row) => [
          escapeHtml(row.at.slice(11, 23)),
          `${escapeHtml(row.alertname)}<br><small>${escapeHtml(row.severity)}</small>`,
          `<span class="tag ${escapeHtml(row.status)}">${escapeHtml(row.status)}</span>`,
          escapeHtml(row.summary),
          escapeHtml(row.destination),
          escapeHtml(row.verdict),
          String(row.attempts),
          row.traceId === undefined ? '' : `<code>${escapeHtml(row.traceId.slice(0, 16))}…</code>`,
        ]),
      );

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<div class="scroll"><table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead><tbody>${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}</tbody></table></div>`;
