import { serviceOf, spanKinds, statusCodes } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { coarser, type ExponentialPoint, type Histogram, histogram, pointOf, record } from './heat-map.ts';
import { weightOf } from './sampling.ts';

/** How often spans of one service are children of spans of another, as estimated from those that were kept. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  /** Calls of which either side ended with an error. */
  readonly failed: number;
  /** By message rather than by call. */
  readonly isMessage: boolean;
  /** How long they took on the called side, and, where it has a span of its own for the call, on the calling one. */
  readonly serverSeconds: ExponentialPoint;
  readonly clientSeconds: ExponentialPoint;
}

/** Two buckets an octave: edges are many, and the octaves of classic histograms are told exactly. */
export const edgeScale = 1;

/** The services that call each other in these traces, by name. */
export const serviceEdges = (traces: readonly Trace[]): Edge[] => {
  const edges = new Map<string, EdgeSums>();
  for (const { nodes } of traces) {
    for (const { span, parent } of nodes) {
      const up = nodes[parent]?.span;
      if (up === undefined) continue;
      const from = serviceOf(up);
      const to = serviceOf(span);
      if (from === to) continue;
      const key = `${from}→${to}`;
      let edge = edges.get(key);
      if (edge === undefined) {
        edge = { from, to, calls: 0, failed: 0, isMessage: false, server: histogram(), client: histogram() };
        edges.set(key, edge);
      }
      const weight = weightOf(span);
      const calls = up.kind === spanKinds.client || up.kind === spanKinds.producer;
      edge.calls += weight;
      edge.isMessage ||= span.kind === spanKinds.consumer;
      if (span.status === statusCodes.error || (calls && up.status === statusCodes.error)) edge.failed += weight;
      record(edge.server, Number(span.endNanos - span.startNanos) / 1e9, weight);
      if (calls) record(edge.client, Number(up.endNanos - up.startNanos) / 1e9, weight);
    }
  }
  return [...edges]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { from, to, calls, failed, isMessage, server, client }]) => ({
      from,
      to,
      calls: Math.round(calls),
      failed: Math.round(failed),
      isMessage,
      serverSeconds: pointOf(coarser(server, edgeScale), edgeScale),
      clientSeconds: pointOf(coarser(client, edgeScale), edgeScale),
    }));
};

interface EdgeSums {
  readonly from: string;
  readonly to: string;
  calls: number;
  failed: number;
  isMessage: boolean;
  readonly server: Histogram;
  readonly client: Histogram;
}

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
