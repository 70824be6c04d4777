import { serviceOf, spanKinds } from '../model/span.ts';
import type { Trace } from './assemble.ts';

export interface Section {
  readonly spanId: string;
  readonly service: string;
  readonly name: string;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly kind: 'work' | 'queue';
}

export interface CriticalPath {
  readonly traceId: string;
  readonly durationNanos: bigint;
  /** In time order; they tile the root's interval exactly. */
  readonly sections: readonly Section[];
}

export type PathMode = 'strict' | 'robust';

/** A later sibling may overlap an earlier one by this share of their parent and still wait for it. CRISP's value. */
const overlapAllowance = 0.01;

/**
 * The chain of work that decided how long the first root took, walked backwards from its end without recursion.
 * `strict` follows Jaeger: what a PRODUCER's CONSUMER does is asynchronous and not on the path, children are clipped to their
 * parents, and a sibling counts only when it ended strictly before. `robust` also lets back-to-back and barely overlapping
 * siblings follow each other, as ms clocks make them.
 */
export const criticalPath = (trace: Trace, mode: PathMode = 'strict'): CriticalPath => {
  const root = trace.roots[0];
  const rootSpan = root === undefined ? undefined : trace.nodes[root]?.span;
  if (root === undefined || rootSpan === undefined) return { traceId: trace.traceId, durationNanos: 0n, sections: [] };
  const origin = rootSpan.startNanos;
  // Offsets from the root fit a double exactly for 104 days.
  const starts = trace.nodes.map(({ span }) => Number(span.startNanos - origin));
  const ends = trace.nodes.map(({ span }) => Number(span.endNanos - origin));
  const children = sanitise(trace, root, starts, ends);
  const sections = walk(root, starts, ends, children, mode);
  return {
    traceId: trace.traceId,
    durationNanos: rootSpan.endNanos - rootSpan.startNanos,
    sections: sections.reverse().map(({ at, from, to }) => {
      const span = trace.nodes[at]?.span ?? rootSpan;
      return {
        spanId: span.spanId,
        service: serviceOf(span),
        name: span.name,
        startNanos: origin + BigInt(from),
        endNanos: origin + BigInt(to),
        kind: 'work' as const,
      };
    }),
  };
};

/** Children of every span on the path's side of asynchrony, clipped to their parents, ordered by end. */
const sanitise = (trace: Trace, root: number, starts: number[], ends: number[]): number[][] => {
  const children: number[][] = trace.nodes.map(() => []);
  const stack = [root];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const node = trace.nodes[at];
    const from = starts[at] ?? 0;
    const to = ends[at] ?? 0;
    const kept: number[] = [];
    for (const child of node?.children ?? []) {
      if (node?.span.kind === spanKinds.producer && trace.nodes[child]?.span.kind === spanKinds.consumer) continue;
      const start = starts[child] ?? 0;
      const end = ends[child] ?? 0;
      if (start >= to || (start < from && end <= from)) continue;
      starts[child] = Math.max(start, from);
      ends[child] = Math.min(end, to);
      kept.push(child);
    }
    // Ties: the first in the trace's order must be met first when walking from the end of the list.
    kept.sort((a, b) => (ends[a] ?? 0) - (ends[b] ?? 0) || b - a);
    children[at] = kept;
    stack.push(...kept);
  }
  return children;
};

const walk = (
  root: number,
  starts: readonly number[],
  ends: readonly number[],
  children: readonly number[][],
  mode: PathMode,
) => {
  const sections: { at: number; from: number; to: number }[] = [];
  const emit = (at: number, from: number, to: number) => {
    if (to > from) sections.push({ at, from, to });
  };
  interface Frame {
    readonly at: number;
    limit: number;
    pointer: number;
    fresh: boolean;
  }
  const stack: Frame[] = [
    { at: root, limit: ends[root] ?? 0, pointer: (children[root]?.length ?? 0) - 1, fresh: true },
  ];
  while (stack.length > 0) {
    const frame = stack.at(-1) as Frame;
    const own = children[frame.at] ?? [];
    const slack = mode === 'robust' ? overlapAllowance * ((ends[frame.at] ?? 0) - (starts[frame.at] ?? 0)) : 0;
    let next = -1;
    while (frame.pointer >= 0) {
      const candidate = own[frame.pointer] as number;
      frame.pointer -= 1;
      const end = ends[candidate] ?? 0;
      const start = starts[candidate] ?? 0;
      const joins =
        mode === 'strict'
          ? end < frame.limit
          : end <= frame.limit || (end - frame.limit < slack && start < frame.limit);
      if (frame.fresh || joins) {
        next = candidate;
        break;
      }
    }
    if (next < 0) {
      emit(frame.at, starts[frame.at] ?? 0, frame.limit);
      stack.pop();
      continue;
    }
    const end = Math.min(ends[next] ?? 0, frame.limit);
    emit(frame.at, end, frame.limit);
    frame.limit = Math.min(starts[next] ?? 0, frame.limit);
    frame.fresh = false;
    stack.push({ at: next, limit: end, pointer: (children[next]?.length ?? 0) - 1, fresh: true });
  }
  return sections;
};
