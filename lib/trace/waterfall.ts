import { serviceOf } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { endToEndPath } from './end-to-end.ts';
import { escapeHtml, millis, round, seconds, shorten } from './markup.ts';
import { missedParents } from './sampling.ts';

/** Rows drawn of one trace; the rest is counted in words. */
const maxRows = 80;
/** Sections of one span's path that are drawn; a span that calls thousands of times has as many. */
const maxMarks = 200;
const [left, width] = [270, 670];
const [top, step] = [34, 20];

interface Row {
  readonly position: number;
  readonly depth: number;
  /** Rows in front of this one that are not drawn. */
  readonly skipped: number;
}

/** One trace as rows in the order of calls, its critical path marked. Of a large one what is on the path or failed is drawn first. */
export const waterfall = (trace: Trace): string => {
  const { nodes, traceId } = trace;
  const orphans = missedParents(trace);
  const spans = nodes.map(({ span }) => span);
  const from = spans.reduce((min, { startNanos }) => (startNanos < min ? startNanos : min), spans[0]?.startNanos ?? 0n);
  const to = spans.reduce((max, { endNanos }) => (endNanos > max ? endNanos : max), 0n);
  const length = Number(to - from) || 1;
  const at = (nanos: bigint) => left + (Number(nanos - from) / length) * width;
  const path = endToEndPath(trace, 'robust');
  const sections = Map.groupBy(path.sections, ({ spanId }) => spanId);
  const order = depthFirst(trace);
  const rows = chosen(trace, order, new Set(sections.keys()));
  const orphaned = new Set(orphans);
  const drawn = rows.map(({ position, depth, skipped }, row) => {
    const span = nodes[position]?.span;
    if (span === undefined) return '';
    const y = top + row * step;
    const label = `${serviceOf(span)} · ${span.name}`;
    const words = [
      `${label}: ${millis(span.endNanos - span.startNanos)}, from ${millis(span.startNanos - from)}`,
      ...(span.statusMessage === undefined ? [] : [span.statusMessage]),
      ...(orphaned.has(position) ? [`its parent ${span.parentSpanId ?? ''} was not seen`] : []),
      `span ${span.spanId}`,
    ].join('\n');
    const box = (start: bigint, end: bigint) =>
      `x="${round(at(start))}" width="${round(Math.max(1, at(end) - at(start)))}"`;
    const marks = (sections.get(span.spanId) ?? [])
      .slice(0, maxMarks)
      .map(
        ({ startNanos, endNanos, kind }) =>
          `<rect class="path${kind === 'queue' ? ' queue' : ''}" ${box(startNanos, endNanos)} y="${y + 3}" height="6"/>`,
      )
      .join('');
    const dots = skipped > 0 ? `<text x="${left - 8}" y="${y - 1}" class="time end">⋮ ${skipped} more</text>` : '';
    return `${dots}<g><title>${escapeHtml(words)}</title><rect class="row" x="0" y="${y - 4}" width="1040" height="${step}"/><text x="${8 + depth * 10}" y="${y + 10}" class="label${span.status === 2 ? ' bad' : ''}">${orphaned.has(position) ? '⌁ ' : ''}${escapeHtml(shorten(label, 40 - Math.round(depth * 1.6)))}</text><rect class="bar${span.status === 2 ? ' error' : ''}" ${box(span.startNanos, span.endNanos)} y="${y}" height="12" rx="2"/>${marks}<text x="948" y="${y + 10}" class="time">${millis(span.endNanos - span.startNanos)}</text></g>`;
  });
  const hidden = order.length - rows.length;
  const height = top + rows.length * step + 6;
  const failed = spans.filter(({ status }) => status === 2).length;
  const facts = [
    `${spans.length} spans`,
    millis(to - from),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(orphans.length === 0 ? [] : [`${orphans.length} without their parents (⌁)`]),
    ...(hidden > 0 ? [`${hidden} more spans are not drawn`] : []),
  ].join(', ');
  return `<figure id="trace-${escapeHtml(traceId)}"><figcaption>trace <code>${escapeHtml(traceId)}</code>, ${facts}</figcaption>
<svg viewBox="0 0 1040 ${height}" role="img" aria-label="waterfall of trace ${escapeHtml(traceId)}">${axis(length, height)}${drawn.join('\n')}</svg></figure>`;
};

const axis = (length: number, height: number): string =>
  [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const x = round(left + share * width);
      const anchor = share === 1 ? ' end' : '';
      return `<line class="grid" x1="${x}" x2="${x}" y1="20" y2="${height}"/><text x="${x}" y="14" class="time${anchor}">${share === 0 ? '0' : seconds((share * length) / 1e9)}</text>`;
    })
    .join('');

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

const chosen = (
  { nodes }: Trace,
  order: readonly { readonly position: number; readonly depth: number }[],
  onPath: ReadonlySet<string>,
): Row[] => {
  const wanted = new Set<number>();
  if (order.length > maxRows) {
    const urgent = order.filter(({ position }) => {
      const span = nodes[position]?.span;
      return span !== undefined && (onPath.has(span.spanId) || span.status === 2);
    });
    for (const { position } of urgent.slice(0, maxRows)) wanted.add(position);
  }
  for (const { position } of order) {
    if (wanted.size >= maxRows) break;
    wanted.add(position);
  }
  const rows: Row[] = [];
  let skipped = 0;
  for (const { position, depth } of order) {
    if (!wanted.has(position)) {
      skipped += 1;
      continue;
    }
    rows.push({ position, depth, skipped });
    skipped = 0;
  }
  return rows;
};
