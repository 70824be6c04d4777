import { type Span, spanKinds } from '../model/span.ts';

/** A span in its place. `parent` and `children` are positions in the trace's list. */
export interface Node {
  readonly span: Span;
  parent: number;
  readonly children: number[];
}

export interface Trace {
  readonly traceId: string;
  /** In order of start, then id: the same whatever order the spans came in. */
  readonly nodes: readonly Node[];
  /** Positions of spans without a parent in the trace: true roots first, then orphans. */
  readonly roots: readonly number[];
  /** Of `roots`, those that name a parent which is not there. */
  readonly orphans: readonly number[];
}

export interface AssembleOptions {
  /** Nodes stay in the order that the spans came in, which decides between children of equal times. @default false */
  readonly keepOrder?: boolean;
}

/** Builds traces: exact duplicates are dropped, cycles broken, orphans kept apart. Never throws, never changes its input. */
export const assemble = (spans: readonly Span[], { keepOrder = false }: AssembleOptions = {}): Trace[] => {
  const byTrace = new Map<string, Map<string, Span>>();
  for (const span of spans) {
    const seen = byTrace.get(span.traceId);
    // Zipkin-style sides share one span id, so the kind is part of the identity.
    const key = `${span.spanId}/${span.kind}`;
    if (seen === undefined) byTrace.set(span.traceId, new Map([[key, span]]));
    else {
      const former = seen.get(key);
      // What began at another time is no copy: a generator of ids has repeated itself, and neither span is lost.
      if (former !== undefined && former.startNanos !== span.startNanos) {
        const own = `${key}/${span.startNanos}`;
        const copy = seen.get(own);
        if (copy === undefined || compare(span, copy) < 0) seen.set(own, span);
      } else if (former === undefined || compare(span, former) < 0) seen.set(key, span);
    }
  }
  const ordered = [...byTrace];
  if (keepOrder) return ordered.map(([traceId, members]) => build(traceId, [...members.values()]));
  return ordered
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([traceId, members]) => build(traceId, [...members.values()].sort(compare)));
};

const build = (traceId: string, spans: readonly Span[]): Trace => {
  const nodes: Node[] = spans.map((span) => ({ span, parent: -1, children: [] }));
  const positions = new Map<string, number>();
  /** Callers whose id their callee shares, by that id: Zipkin writes both sides of a call so. */
  const callers = new Map<string, number>();
  spans.forEach((span, at) => {
    const former = positions.get(span.spanId);
    if (former === undefined) positions.set(span.spanId, at);
    else {
      const isCalled = answers(span.kind) && !answers(spans[former]?.kind ?? 0);
      // What names the shared id as its parent was done by the called side.
      if (isCalled) positions.set(span.spanId, at);
      if (isCalled || !answers(span.kind)) callers.set(span.spanId, isCalled ? former : at);
    }
  });
  nodes.forEach((node, at) => {
    const { spanId, parentSpanId, kind } = node.span;
    const caller = answers(kind) ? callers.get(spanId) : undefined;
    if (caller !== undefined && caller !== at) {
      node.parent = caller;
      return;
    }
    const parent = parentSpanId === undefined ? undefined : positions.get(parentSpanId);
    if (parent !== undefined && parent !== at) node.parent = parent;
  });
  breakCycles(nodes);
  nodes.forEach((node, at) => {
    if (node.parent >= 0) nodes[node.parent]?.children.push(at);
  });
  const top = nodes.flatMap((node, at) => (node.parent < 0 ? [at] : []));
  const orphans = top.filter((at) => nodes[at]?.span.parentSpanId !== undefined);
  return {
    traceId,
    nodes,
    roots: [...top.filter((at) => nodes[at]?.span.parentSpanId === undefined), ...orphans],
    orphans,
  };
};

const answers = (kind: number): boolean => kind === spanKinds.server || kind === spanKinds.consumer;

/** Cuts the parent of the earliest span of every cycle. Each node is walked once. */
const breakCycles = (nodes: Node[]): void => {
  const state = new Uint8Array(nodes.length);
  for (let from = 0; from < nodes.length; from += 1) {
    const path: number[] = [];
    let at = from;
    while (at >= 0 && state[at] === 0) {
      state[at] = 1;
      path.push(at);
      at = nodes[at]?.parent ?? -1;
    }
    if (at >= 0 && state[at] === 1) {
      const cycle = path.slice(path.indexOf(at));
      const first = nodes[cycle.reduce((least, each) => Math.min(least, each))];
      if (first !== undefined) first.parent = -1;
    }
    for (const each of path) state[each] = 2;
  }
};

const compare = (a: Span, b: Span): number => {
  if (a.startNanos !== b.startNanos) return a.startNanos < b.startNanos ? -1 : 1;
  if (a.spanId !== b.spanId) return a.spanId < b.spanId ? -1 : 1;
  if (a.kind !== b.kind) return a.kind - b.kind;
  if (a.endNanos !== b.endNanos) return a.endNanos < b.endNanos ? -1 : 1;
  // Copies that differ otherwise: any rule will do that does not depend on which came first. A failure is not lost.
  if (a.status !== b.status) return b.status - a.status;
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1;
};
