import { escapeHtml, round, seconds, shorten } from './markup.ts';
import { columnsOfServices, type Edge } from './service-graph.ts';

/** What is written into a service's box. */
export interface GraphService {
  readonly spans: number;
  readonly errors: number;
  readonly p95Seconds: number;
}

/** Boxes of one column at most; the rest of a large graph is counted in words. */
const maxRows = 12;
const rowHeight = 60;

/** Callers left of the called; messages dashed; lines as thick as the calls are many; services with errors marked. */
export const graphSvg = (edges: readonly Edge[], services: Readonly<Record<string, GraphService>>): string => {
  const columns = columnsOfServices(edges);
  const places = new Map<string, { x: number; y: number }>();
  const heights: number[] = [];
  const busiest = [...columns].sort(
    ([a], [b]) => (services[b]?.spans ?? 0) - (services[a]?.spans ?? 0) || (a < b ? -1 : 1),
  );
  let hidden = 0;
  for (const [name, column] of busiest) {
    const row = heights[column] ?? 0;
    if (row >= maxRows) {
      hidden += 1;
      continue;
    }
    heights[column] = row + 1;
    places.set(name, { x: column, y: row });
  }
  const count = Math.max(1, ...[...columns.values()].map((column) => column + 1));
  const wide = Math.max(1040, count * 180);
  const step = wide / count;
  const width = Math.min(190, step - 34);
  const rows = Math.max(1, ...heights.map((each) => each ?? 0));
  const height = 16 + rowHeight * rows + (hidden > 0 ? 20 : 0);
  const most = Math.max(1, ...edges.map(({ calls }) => calls));
  const lines = edges.map(({ from, to, calls, failed, isMessage }) => {
    const [a, b] = [places.get(from), places.get(to)];
    if (a === undefined || b === undefined) return '';
    const [x1, y1, x2, y2] = [a.x * step + width + 8, a.y * rowHeight + 30, b.x * step + 8, b.y * rowHeight + 30];
    const bend = Math.abs(x2 - x1) / 2;
    return `<path class="edge${isMessage ? ' message' : ''}" d="M${round(x1)} ${y1}C${round(x1 + bend)} ${y1} ${round(x2 - bend)} ${y2} ${round(x2)} ${y2}" stroke-width="${(1 + 3 * (Math.log1p(calls) / Math.log1p(most))).toFixed(1)}" marker-end="url(#arrow)"><title>${escapeHtml(from)} → ${escapeHtml(to)}: ${calls} ${isMessage ? 'messages' : 'calls'}${failed === 0 ? '' : `, ${failed} failed`}</title></path>`;
  });
  const boxes = [...places].map(([name, { x, y }]) => {
    const facts = services[name];
    const words =
      facts === undefined
        ? ''
        : `${facts.spans} spans, P95 ${seconds(facts.p95Seconds)}${facts.errors > 0 ? `, ${facts.errors} failed` : ''}`;
    const [left, above] = [round(x * step + 8), y * rowHeight + 8];
    return `<g><title>${escapeHtml(name)}\n${words}</title><rect class="node${(facts?.errors ?? 0) > 0 ? ' bad' : ''}" x="${left}" y="${above}" width="${round(width)}" height="44" rx="6"/><text class="label" x="${round(x * step + 18)}" y="${above + 18}">${escapeHtml(shorten(name, Math.max(4, Math.floor((width - 16) / 6.8))))}</text><text class="time" x="${round(x * step + 18)}" y="${above + 34}">${facts === undefined ? '' : escapeHtml(shorten(words, Math.max(4, Math.floor((width - 16) / 6))))}</text></g>`;
  });
  const more =
    hidden > 0 ? `<text class="time" x="8" y="${height - 6}">${hidden} more services are not drawn</text>` : '';
  return `<div class="scroll"><svg id="service-graph" viewBox="0 0 ${wide} ${height}" style="min-width:${wide > 1040 ? wide : 0}px" role="img" aria-label="which service calls which"><defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>${lines.join('')}${boxes.join('')}${more}</svg></div>`;
};
