import { type Span, serviceOf } from '../model/span.ts';
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
  const roots = rootsOf(trace, mode);
  let origin = nodes[roots[0] ?? -1]?.span.startNanos ?? 0n;
  let columns = columnsOf(trace, origin);
  const sections: Section[] = [];
  let durationNanos = 0n;
  for (const root of roots) {
    const top = nodes[root]?.span;
    if (top === undefined) continue;
    // Days apart, offsets from one origin would lose nanoseconds.
    if (Math.abs(columns.starts[root] as number) > exactOffset) {
      origin = top.startNanos;
      columns = columnsOf(trace, origin);
    }
    const walked = walkPath(columns, root, mode);
    const last = columns.ends[root] as number;
    const nanosOf = (offset: number) => (offset === last ? top.endNanos : origin + BigInt(offset));
    durationNanos += top.endNanos - top.startNanos;
    for (let index = 0; index < walked.length; index += 1) {
      const span = nodes[walked.at[index] as number]?.span;
      if (span === undefined) continue;
      sections.push({
        spanId: span.spanId,
        service: serviceOf(span),
        name: span.name,
        startNanos: nanosOf(walked.from[index] as number),
        endNanos: nanosOf(walked.to[index] as number),
        kind: 'work',
      });
    }
  }
  return { traceId, durationNanos, sections };
};

/** Nanoseconds (52 days) up to which sums of two offsets are exact in a double. */
const exactOffset = 2 ** 52;

/** A trace as columns, times as offsets from `origin`. */
export const columnsOf = ({ nodes }: Trace, origin: bigint): Columns => {
  const parents = new Int32Array(nodes.length);
  const kinds = new Uint8Array(nodes.length);
  const starts = new Float64Array(nodes.length);
  const ends = new Float64Array(nodes.length);
  const hosts = new Int32Array(nodes.length);
  const known = new Map<unknown, number>();
  nodes.forEach(({ span, parent }, at) => {
    // What follows from its parent does not hold it up: for both readings it is not below it.
    parents[at] = follows(span) ? -1 : parent;
    kinds[at] = span.kind;
    starts[at] = Number(span.startNanos - origin);
    ends[at] = Number(span.endNanos - origin);
    const host = span.resource['host.id'] ?? span.resource['host.name'] ?? span.resource['hostname'];
    if (host !== undefined && !known.has(host)) known.set(host, known.size);
    hosts[at] = host === undefined ? -1 : (known.get(host) ?? -1);
  });
  return { parents, kinds, starts, ends, hosts };
};

/**
 * OpenTracing's FOLLOWS_FROM, as the compatibility rules of OpenTelemetry write it: a link that says so, to the parent, or, where the
 * span has no parent, to any span of its trace.
 */
const follows = ({ links, traceId, parentSpanId }: Span): boolean =>
  links.length > 0 &&
  links.some(
    (link) =>
      link.attributes?.['opentracing.ref_type'] === 'follows_from' &&
      link.traceId === traceId &&
      (parentSpanId === undefined || link.spanId === parentSpanId),
  );

/** True roots that follow from nothing, by their start, then id; an orphan only where there is no true root. */
const rootsOf = ({ nodes, roots, orphans }: Trace, mode: PathMode): readonly number[] => {
  const orphaned = new Set(orphans);
  const real = roots.filter((root) => !orphaned.has(root));
  const leading = real.filter((root) => {
    const span = nodes[root]?.span;
    return span !== undefined && !follows(span);
  });
  const chosen = leading.length > 0 ? leading : real.length > 0 ? real : [...roots];
  const spanOf = (at: number) => nodes[at]?.span as Span;
  chosen.sort((a, b) => {
    const [one, other] = [spanOf(a), spanOf(b)];
    if (one.startNanos !== other.startNanos) return one.startNanos < other.startNanos ? -1 : 1;
    return one.spanId < other.spanId ? -1 : one.spanId > other.spanId ? 1 : a - b;
  });
  return mode === 'robust' || real.length === 0 ? chosen.slice(0, 1) : chosen;
};
