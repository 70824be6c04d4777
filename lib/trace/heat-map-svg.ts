import type { HeatMap } from './heat-map.ts';
import { escapeHtml, round, seconds, shorten } from './markup.ts';

export interface HeatMapSvgOptions {
  /** Where a trace can be looked at; undefined: nowhere. A cell leads to its longest span's trace. */
  readonly traceHref?: (traceId: string) => string | undefined;
  /** A file of its own, with its colours inside; else a part of a page that has them. @default false */
  readonly isStandalone?: boolean;
}

/** From here on a cell has the colour of what is slow. */
const slowSeconds = 2;
const left = 180;

/** Services by duration. A cell is darker the more spans it counts; the bar under it is its share of the work on critical paths. */
export const heatMapSvg = (
  { edges, rows }: HeatMap,
  { traceHref = () => undefined, isStandalone = false }: HeatMapSvgOptions = {},
): string => {
  const cell = Math.min(44, 760 / Math.max(1, edges.length));
  const most = rows.reduce((max, { counts }) => Math.max(max, ...counts), 1);
  const mostShare = rows.reduce((max, { pathShares = [] }) => Math.max(max, ...pathShares), 0);
  const height = 30 + Math.max(1, rows.length) * 32 + 30;
  const body = rows.map(({ service, counts, pathShare, pathShares = [], exemplars = [] }, row) => {
    const y = 10 + row * 32;
    const cells = counts.map((count, at) => {
      const x = left + at * cell;
      const box = `x="${round(x)}" y="${y}" width="${round(cell - 2)}" height="26"`;
      if (count === 0) return `<rect class="cell" ${box} fill-opacity="0.04"/>`;
      // Logarithmic: one slow span among a thousand quick ones must be seen.
      const weight = 0.15 + 0.85 * (Math.log1p(count) / Math.log1p(most));
      const share = pathShares[at] ?? 0;
      const exemplar = exemplars[at];
      const href = exemplar === null || exemplar === undefined ? undefined : traceHref(exemplar.traceId);
      const words = [
        `${service}: ${counted(count)} spans from ${seconds(edges[at] ?? 0)} to ${seconds((edges[at] ?? 0) * Math.SQRT2)}`,
        `${(share * 100).toFixed(1)} % of the critical path`,
        ...(exemplar === null || exemplar === undefined ? [] : [`longest in trace ${exemplar.traceId}`]),
      ].join('\n');
      const bar =
        share === 0 || mostShare === 0
          ? ''
          : `<rect class="share" x="${round(x)}" y="${y + 27}" width="${round(Math.max(1, (cell - 2) * (share / mostShare)))}" height="3"/>`;
      const drawn = `<rect class="cell${(edges[at] ?? 0) >= slowSeconds ? ' slow' : ''}" ${box} fill-opacity="${weight.toFixed(2)}"><title>${escapeHtml(words)}</title></rect>${bar}`;
      return href === undefined ? drawn : `<a href="${escapeHtml(href)}">${drawn}</a>`;
    });
    return `<text x="${left - 8}" y="${y + 17}" class="label end">${escapeHtml(shorten(service, 24))}</text>${cells.join('')}<text x="${round(left + 10 + counts.length * cell)}" y="${y + 17}" class="label">${(pathShare * 100).toFixed(0)} %</text>`;
  });
  const axis = edges
    .map((edge, at) =>
      at % 2 === 0
        ? `<text x="${round(left + at * cell)}" y="${height - 12}" class="time start">${seconds(edge)}</text>`
        : '',
    )
    .join('');
  const head = isStandalone ? ' xmlns="http://www.w3.org/2000/svg" width="1040"' : '';
  const empty = rows.length === 0 ? '<text x="8" y="24" class="label">no span was seen</text>' : '';
  return `<svg${head} viewBox="0 0 1040 ${height}" role="img" aria-label="heat map of service by duration">${isStandalone ? `<style>${style}</style>` : ''}${empty}${body.join('\n')}${axis}</svg>`;
};

/** Counts of sampled spans are estimates with fractions, which say nothing. */
const counted = (count: number): string => String(Math.round(count));

const style =
  'svg{background:#fff;font-family:system-ui,sans-serif}.label{font-size:12px;fill:#1c2733}.end{text-anchor:end}.time{font-size:11px;fill:#5b6875}.cell{fill:#1769c9}.cell.slow{fill:#c2601a}.share{fill:#2a7d46}';
