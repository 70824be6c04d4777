import { serviceOf } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { columnsOf } from './critical-path.ts';

/** An operation; without a name all of the service. */
export interface WhatIf {
  readonly service: string;
  readonly name?: string;
  /** By how much each of its spans would be faster. No span gets faster than no work of its own. */
  readonly fasterNanos: number;
}

export interface WhatIfTrace {
  readonly traceId: string;
  /** Of the root. */
  readonly beforeNanos: number;
  readonly afterNanos: number;
}

export interface WhatIfAnswer {
  /** Traces with a root. */
  readonly traces: number;
  /** Of those, with a span of the operation. */
  readonly touched: number;
  readonly beforeSeconds: number;
  readonly afterSeconds: number;
  readonly p95BeforeSeconds: number;
  readonly p95AfterSeconds: number;
  /** Traces that gain most, at most three. */
  readonly exemplars: readonly string[];
}

/** How long traces would have taken, had one operation been faster. */
export const whatIf = (traces: readonly Trace[], change: WhatIf): WhatIfAnswer => {
  const retimed = traces.flatMap((trace) => retime(trace, change) ?? []);
  const touched = traces.filter(({ nodes }) => nodes.some(({ span }) => isMeant(change, serviceOf(span), span.name)));
  const before = retimed.map(({ beforeNanos }) => beforeNanos);
  const after = retimed.map(({ afterNanos }) => afterNanos);
  const seconds = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / 1e9;
  return {
    traces: retimed.length,
    touched: touched.length,
    beforeSeconds: seconds(before),
    afterSeconds: seconds(after),
    p95BeforeSeconds: p95(before) / 1e9,
    p95AfterSeconds: p95(after) / 1e9,
    exemplars: retimed
      .filter(({ beforeNanos, afterNanos }) => afterNanos < beforeNanos)
      .sort((a, b) => b.beforeNanos - b.afterNanos - (a.beforeNanos - a.afterNanos) || (a.traceId < b.traceId ? -1 : 1))
      .slice(0, 3)
      .map(({ traceId }) => traceId),
  };
};

const isMeant = (change: WhatIf, service: string, name: string): boolean =>
  change.service === service && (change.name === undefined || change.name === name);

const p95 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(0.95 * values.length) - 1)] ?? 0;

/**
 * One trace, told again with an operation faster. Every child keeps its distance to what it waited for: the sibling that ended last
 * before it started, else the start of its parent. A parent ends when all its children have, or its own work after the last of them is
 * done. The faster spans lose own work, from its last gap backwards. What ran beside the operation stays as long as it was, so a path
 * that becomes critical in its stead is seen. Undefined where the trace has no root.
 */
export const retime = (trace: Trace, change: WhatIf): WhatIfTrace | undefined => {
  const { nodes, traceId } = trace;
  const root = trace.roots[0];
  const top = nodes[root ?? -1]?.span;
  if (root === undefined || top === undefined) return undefined;
  const { starts, ends, parents } = columnsOf(trace, top.startNanos);
  const lengths = new Float64Array(nodes.length);
  for (const at of childrenFirst(trace, root)) {
    const node = nodes[at];
    if (node === undefined) continue;
    const start = starts[at] as number;
    const end = Math.max(start, ends[at] as number);
    // What begins after its parent ended held nothing up.
    const children = node.children
      .filter((child) => parents[child] === at && (starts[child] as number) < end)
      .sort((a, b) => (starts[a] as number) - (starts[b] as number) || a - b);
    const isFaster = isMeant(change, serviceOf(node.span), node.span.name);
    lengths[at] = lengthOf(start, end, children, isFaster ? change.fasterNanos : 0);
  }
  return { traceId, beforeNanos: Number(top.endNanos - top.startNanos), afterNanos: lengths[root] as number };

  /** The new length of a span, by the new lengths of its children. */
  function lengthOf(start: number, end: number, children: readonly number[], faster: number): number {
    if (children.length === 0) return Math.max(0, end - start - faster);
    const before = [start, ...children.map((child) => Math.min(end, Math.max(start, ends[child] as number)))];
    const byEnd = children
      .map((_, at) => at + 1)
      .sort((a, b) => (before[a] as number) - (before[b] as number) || a - b);
    const anchors: number[] = [];
    let passed = 0;
    let anchor = 0;
    children.forEach((child, at) => {
      const from = starts[child] as number;
      // A child of no length ends where it starts, and yet waited for an earlier one.
      while ((byEnd[passed] ?? Number.POSITIVE_INFINITY) <= at && (before[byEnd[passed] as number] as number) <= from) {
        anchor = byEnd[passed] as number;
        passed += 1;
      }
      anchors.push(anchor);
    });
    const last = byEnd.at(-1) ?? 0;
    const gaps = children.map((child, at) =>
      Math.max(0, (starts[child] as number) - (before[anchors[at] as number] as number)),
    );
    gaps.push(Math.max(0, end - (before[last] as number)));
    let left = faster;
    for (let at = gaps.length - 1; at >= 0 && left > 0; at -= 1) {
      const cut = Math.min(left, gaps[at] as number);
      gaps[at] = (gaps[at] as number) - cut;
      left -= cut;
    }
    const after = [0];
    let latest = 0;
    children.forEach((child, at) => {
      const length = Math.max(0, (ends[child] as number) - (starts[child] as number));
      const within = (before[at + 1] as number) - Math.max(start, starts[child] as number);
      const own = Math.max(0, within - (length - (lengths[child] as number)));
      const done = (after[anchors[at] as number] as number) + (gaps[at] as number) + own;
      after.push(done);
      latest = Math.max(latest, done);
    });
    return latest + (gaps.at(-1) as number);
  }
};

/** Positions below a root, every child before its parent. */
const childrenFirst = ({ nodes }: Trace, root: number): number[] => {
  const order = [root];
  for (let at = 0; at < order.length; at += 1) {
    for (const child of nodes[order[at] as number]?.children ?? []) order.push(child);
  }
  return order.reverse();
};
