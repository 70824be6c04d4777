import type { Finding } from '../model/finding.ts';
import { serviceOf } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { endToEndPath } from './end-to-end.ts';
import type { HeatMap } from './heat-map.ts';
import { heatMapSvg } from './heat-map-svg.ts';
import { escapeHtml, millis, round, seconds, shorten } from './markup.ts';
import { columnsOfServices, type Edge } from './service-graph.ts';

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
  /** Absent: the page has no such part. */
  readonly ledger?: readonly LedgerRow[];
}

/** One page that needs nothing but itself: waterfall with critical path, heat map, findings, services, and the ledger of alerts. */
export const renderReport = (input: ReportInput): string => {
  const shown = new Set(input.traces.map(({ traceId }) => traceId));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(input.title)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escapeHtml(input.title)}</h1><p>${escapeHtml(input.subtitle)}</p></header>
<main>
<section id="waterfall"><h2>Trace waterfall</h2>
<p class="note">The bright bars are the critical path: the work that decided how long the trace took. <span class="key path"></span> on the path <span class="key queue"></span> waiting in a queue <span class="key"></span> beside it <span class="key error"></span> failed</p>
${input.traces.length === 0 ? '<p>No trace was seen.</p>' : input.traces.map(waterfall).join('\n')}
</section>
<section id="heat-map"><h2>Service × duration</h2>
<p class="note">A cell counts the spans of a service that took so long, darker for more; the green bar under it is what those spans have of the critical paths, the figure at the right what the whole service has.</p>
${input.heatMap.rows.length === 0 ? '<p>No span was seen.</p>' : heatMapSvg(input.heatMap, { traceHref: (id) => (shown.has(id) ? `#trace-${id}` : undefined) })}
</section>
<section id="findings"><h2>Findings</h2>
${findingsTable(input.findings)}
</section>
<section id="services"><h2>Services</h2>
${input.edges === undefined || input.edges.length === 0 ? '' : graphSvg(input.edges)}
${servicesTable(input.services)}
</section>
${input.ledger === undefined ? '' : `<section id="ledger"><h2>Alerts delivered</h2>\n${ledgerTable(input.ledger)}\n</section>`}
</main>
</body>
</html>
`;
};

/** Rows drawn of one trace; the rest is counted in words. */
const maxRows = 80;

const waterfall = (trace: Trace): string => {
  const spans = trace.nodes.map(({ span }) => span);
  const from = spans.reduce((min, { startNanos }) => (startNanos < min ? startNanos : min), spans[0]?.startNanos ?? 0n);
  const to = spans.reduce((max, { endNanos }) => (endNanos > max ? endNanos : max), 0n);
  const width = Number(to - from) || 1;
  const path = endToEndPath(trace, 'robust').sections;
  const order = depthFirst(trace);
  const at = (nanos: bigint) => 260 + (Number(nanos - from) / width) * 680;
  const rows = order.slice(0, maxRows).map(({ position, depth }, row) => {
    const span = trace.nodes[position]?.span;
    if (span === undefined) return '';
    const y = 24 + row * 20;
    const label = `${serviceOf(span)} · ${span.name}`;
    const bar = `<rect class="${span.status === 2 ? 'bar error' : 'bar'}" x="${round(at(span.startNanos))}" y="${y}" width="${round(Math.max(1, at(span.endNanos) - at(span.startNanos)))}" height="12" rx="2"><title>${escapeHtml(label)}: ${millis(span.endNanos - span.startNanos)}${span.statusMessage === undefined ? '' : ` · ${escapeHtml(span.statusMessage)}`}</title></rect>`;
    const marks = path
      .filter(({ spanId }) => spanId === span.spanId)
      .map(
        ({ startNanos, endNanos, kind }) =>
          `<rect class="path${kind === 'queue' ? ' queue' : ''}" x="${round(at(startNanos))}" y="${y + 3}" width="${round(Math.max(1, at(endNanos) - at(startNanos)))}" height="6"/>`,
      )
      .join('');
    return `<text x="${8 + depth * 10}" y="${y + 10}" class="label">${escapeHtml(shorten(label, 38 - depth * 2))}</text>${bar}${marks}<text x="948" y="${y + 10}" class="time">${millis(span.endNanos - span.startNanos)}</text>`;
  });
  const hidden = order.length - maxRows;
  return `<figure id="trace-${escapeHtml(trace.traceId)}"><figcaption>trace <code>${escapeHtml(trace.traceId)}</code>, ${spans.length} spans, ${millis(to - from)}${hidden > 0 ? `; ${hidden} more spans are not drawn` : ''}</figcaption>
<svg viewBox="0 0 1040 ${30 + rows.length * 20}" role="img" aria-label="waterfall of trace ${escapeHtml(trace.traceId)}">${rows.join('\n')}</svg></figure>`;
};

const depthFirst = (trace: Trace): { position: number; depth: number }[] => {
  const order: { position: number; depth: number }[] = [];
  const stack = [...trace.roots].reverse().map((position) => ({ position, depth: 0 }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    order.push(next);
    const { depth } = next;
    for (const child of [...(trace.nodes[next.position]?.children ?? [])].reverse())
      stack.push({ position: child, depth: Math.min(12, depth + 1) });
  }
  return order;
};

/** Callers left of the called; messages dashed; lines as thick as the calls are many. */
const graphSvg = (edges: readonly Edge[]): string => {
  const columns = columnsOfServices(edges);
  const places = new Map<string, { x: number; y: number }>();
  const heights: number[] = [];
  for (const [name, column] of [...columns].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const row = heights[column] ?? 0;
    heights[column] = row + 1;
    places.set(name, { x: column, y: row });
  }
  const step = 1040 / Math.max(1, ...[...columns.values()].map((column) => column + 1));
  const width = Math.min(180, step - 40);
  const height = 20 + 56 * Math.max(...heights.map((rows) => rows ?? 0));
  const most = Math.max(...edges.map(({ calls }) => calls));
  const lines = edges.map(({ from, to, calls, isMessage }) => {
    const a = places.get(from) ?? { x: 0, y: 0 };
    const b = places.get(to) ?? { x: 0, y: 0 };
    const [x1, y1, x2, y2] = [a.x * step + width + 8, a.y * 56 + 28, b.x * step + 8, b.y * 56 + 28];
    const bend = (x2 - x1) / 2;
    return `<path class="edge${isMessage ? ' message' : ''}" d="M${round(x1)} ${y1}C${round(x1 + bend)} ${y1} ${round(x2 - bend)} ${y2} ${round(x2)} ${y2}" stroke-width="${(1 + 3 * (calls / most)).toFixed(1)}"><title>${escapeHtml(from)} → ${escapeHtml(to)}: ${calls} ${isMessage ? 'messages' : 'calls'}</title></path>`;
  });
  const boxes = [...places].map(
    ([name, { x, y }]) =>
      `<rect class="node" x="${round(x * step + 8)}" y="${y * 56 + 12}" width="${round(width)}" height="32" rx="6"/><text class="label" x="${round(x * step + 18)}" y="${y * 56 + 32}">${escapeHtml(shorten(name, Math.max(4, Math.floor(width / 8))))}</text>`,
  );
  return `<svg id="service-graph" viewBox="0 0 1040 ${height}" role="img" aria-label="which service calls which">${lines.join('')}${boxes.join('')}</svg>`;
};

const findingsTable = (findings: readonly Finding[]): string =>
  findings.length === 0
    ? '<p>Nothing was found.</p>'
    : table(
        ['window', 'kind', 'service', 'what', 'traces'],
        findings.map(({ window, kind, service, summary, traceIds }) => [
          escapeHtml(window.slice(11, 19)),
          `<span class="tag ${kind}">${kind}</span>`,
          escapeHtml(service),
          escapeHtml(summary),
          traceIds.map((id) => `<code>${escapeHtml(id.slice(0, 16))}…</code>`).join('<br>'),
        ]),
      );

const servicesTable = (services: ReportInput['services']): string =>
  table(
    ['service', 'spans', 'errors', 'P95'],
    Object.entries(services).map(([name, { spans, errors, p95Seconds }]) => [
      escapeHtml(name),
      String(spans),
      String(errors),
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

const style = `
:root{color-scheme:light dark;--ink:#1c2733;--soft:#5b6875;--paper:#f7f8fa;--card:#fff;--line:#dde2e8;--bar:#b9c6d4;--path:#1769c9;--bad:#c8372d;--slow:#c2601a;--good:#2a7d46}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b4;--paper:#12171d;--card:#1a2129;--line:#2c3640;--bar:#44525f;--path:#5aa7ff;--bad:#ff6b60;--slow:#f09a55;--good:#5cc07f}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header,main{max-width:1120px;margin:0 auto;padding:0 24px}header{padding-top:32px}h1{font-size:26px;margin:0}h2{font-size:18px;margin:0 0 4px}
header p,.note,figcaption{color:var(--soft);margin:4px 0 12px}section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 24px;margin:20px 0}
svg{width:100%;height:auto;display:block}figure{margin:16px 0 0}.label{font-size:12px;fill:var(--ink)}.end{text-anchor:end}.time{font-size:11px;fill:var(--soft)}.start{text-anchor:start}
.bar{fill:var(--bar)}.bar.error{fill:var(--bad);fill-opacity:.55}rect.path{fill:var(--path)}rect.path.queue{fill:var(--slow)}.key.queue{background:var(--slow)}.cell{fill:var(--path)}.cell.slow{fill:var(--slow)}.share{fill:var(--good)}
.key{display:inline-block;width:18px;height:9px;border-radius:2px;background:var(--bar);margin:0 2px 0 8px}.key.path{background:var(--path)}.key.error{background:var(--bad)}
.edge{fill:none;stroke:var(--bar)}.edge.message{stroke-dasharray:6 4}.node{fill:var(--paper);stroke:var(--line)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}th{text-align:left;color:var(--soft);font-weight:600}th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
code{font-size:12px}.tag{border:1px solid currentColor;border-radius:4px;padding:0 6px;font-size:12px;white-space:nowrap}.tag.error-burst,.tag.firing{color:var(--bad)}.tag.long-tail{color:var(--slow)}.tag.broken-chain{color:var(--path)}.tag.resolved{color:var(--good)}
`.replaceAll('\n', '');
