import { serviceOf, spanKinds } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { weightOf } from './sampling.ts';

/** How often spans of one service are children of spans of another, as estimated from those that were kept. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  /** By message rather than by call. */
  readonly isMessage: boolean;
}

/** The services that call each other in these traces, by name. */
export const serviceEdges = (traces: readonly Trace[]): Edge[] => {
  const edges = new Map<string, { from: string; to: string; calls: number; isMessage: boolean }>();
  for (const { nodes } of traces) {
    for (const { span, parent } of nodes) {
      const up = nodes[parent]?.span;
      if (up === undefined) continue;
      const from = serviceOf(up);
      const to = serviceOf(span);
      if (from === to) continue;
      const key = `${from}→${to}`;
      const edge = edges.get(key) ?? { from, to, calls: 0, isMessage: false };
      edge.calls += weightOf(span);
      edge.isMessage ||= span.kind === spanKinds.consumer;
      edges.set(key, edge);
    }
  }
  return [...edges]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, edge]) => ({ ...edge, calls: Math.round(edge.calls) }));
};

/** The column of each service: one right of the rightmost that calls it; cycles are cut where they close. */
export const columnsOfServices = (edges: readonly Edge[]): ReadonlyMap<string, number> => {
  const columns = new Map<string, number>();
  for (const { from, to } of edges) for (const name of [from, to]) columns.set(name, 0);
  // As many rounds as there are services at most: a longer way would be a cycle.
  for (let round = 0; round < columns.size; round += 1) {
    let isChanged = false;
    for (const { from, to } of edges) {
      const wanted = (columns.get(from) ?? 0) + 1;
      if (wanted < columns.size && wanted > (columns.get(to) ?? 0)) {
        columns.set(to, wanted);
        isChanged = true;
      }
    }
    if (!isChanged) break;
  }
  return columns;
};
