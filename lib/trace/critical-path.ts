import { serviceOf } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { type Columns, type PathMode, walkPath } from './walk-path.ts';

export type { PathMode } from './walk-path.ts';

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
  /** Of the roots that the path covers. */
  readonly durationNanos: bigint;
  /** In time order; they tile each root's interval exactly. */
  readonly sections: readonly Section[];
}

/**
 * The chain of work that decided how long a trace took. `strict` follows Jaeger: what a PRODUCER's CONSUMER does is asynchronous
 * and not on the path, children are clipped to their parents, a sibling counts only when it ended strictly before, and the paths
 * of several roots follow each other. `robust` follows CRISP: the first root, back-to-back and barely overlapping siblings, skew.
 */
export const criticalPath = (trace: Trace, mode: PathMode = 'strict'): CriticalPath => {
  const { nodes, traceId } = trace;
  const origin = nodes[trace.roots[0] ?? -1]?.span.startNanos ?? 0n;
  const columns = columnsOf(trace, origin);
  const sections: Section[] = [];
  let durationNanos = 0n;
  for (const root of rootsOf(trace, mode)) {
    const walked = walkPath(columns, root, mode);
    durationNanos += BigInt((columns.ends[root] as number) - (columns.starts[root] as number));
    for (let index = 0; index < walked.length; index += 1) {
      const span = nodes[walked.at[index] as number]?.span;
      if (span === undefined) continue;
      sections.push({
        spanId: span.spanId,
        service: serviceOf(span),
        name: span.name,
        startNanos: origin + BigInt(walked.from[index] as number),
        endNanos: origin + BigInt(walked.to[index] as number),
        kind: 'work',
      });
    }
  }
  return { traceId, durationNanos, sections };
};

/** A trace as columns, times as offsets from `origin`. */
export const columnsOf = ({ nodes }: Trace, origin: bigint): Columns => {
  const parents = new Int32Array(nodes.length);
  const kinds = new Uint8Array(nodes.length);
  const starts = new Float64Array(nodes.length);
  const ends = new Float64Array(nodes.length);
  const hosts = new Int32Array(nodes.length);
  const known = new Map<unknown, number>();
  nodes.forEach(({ span, parent }, at) => {
    parents[at] = parent;
    kinds[at] = span.kind;
    starts[at] = Number(span.startNanos - origin);
    ends[at] = Number(span.endNanos - origin);
    const host = span.resource['host.id'] ?? span.resource['host.name'];
    if (host !== undefined && !known.has(host)) known.set(host, known.size);
    hosts[at] = host === undefined ? -1 : (known.get(host) ?? -1);
  });
  return { parents, kinds, starts, ends, hosts };
};

/** True roots, by their start; an orphan only where there is no true root. */
const rootsOf = ({ nodes, roots, orphans }: Trace, mode: PathMode): readonly number[] => {
  const orphaned = new Set(orphans);
  const real = roots.filter((root) => !orphaned.has(root));
  if (mode === 'robust' || real.length === 0) return (real.length === 0 ? roots : real).slice(0, 1);
  const start = (at: number) => nodes[at]?.span.startNanos ?? 0n;
  return real.sort((a, b) => (start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : a - b));
};
