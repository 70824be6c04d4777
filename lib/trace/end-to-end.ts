import { type Span, serviceOf, spanKinds } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { type CriticalPath, columnsOf, criticalPath, type Section } from './critical-path.ts';
import { type PathMode, walkPath } from './walk-path.ts';

/** Message hops that are followed back at most; each costs one pass over the trace. */
const maxHops = 64;

/**
 * The critical path from the root's start to the end of the last consumer that its messages set off, with the time between a message's
 * sending and its consumer's start as sections of the kind `queue`. Where no consumer outlives the root it is the root's own path.
 * The sections tile the interval exactly.
 */
export const endToEndPath = (trace: Trace, mode: PathMode = 'robust'): CriticalPath => {
  const { nodes, roots, traceId } = trace;
  const root = roots[0];
  const first = nodes[root ?? -1]?.span;
  if (root === undefined || first === undefined) return criticalPath(trace, mode);
  let consumer = lastConsumer(trace, root);
  if (consumer < 0) return criticalPath(trace, mode);
  const origin = first.startNanos;
  const columns = columnsOf(trace, origin);
  const backwards: Section[] = [];
  const end = columns.ends[consumer] as number;
  let limit = end;
  for (let hop = 0; ; hop += 1) {
    const isRoot = consumer === root || hop > maxHops;
    const top = isRoot ? root : consumer;
    const ends = columns.ends.map((each) => Math.min(each, limit));
    ends[top] = limit;
    const walked = walkPath({ ...columns, ends }, top, mode);
    for (let index = walked.length - 1; index >= 0; index -= 1) {
      const span = nodes[walked.at[index] as number]?.span as Span;
      backwards.push(section(span, origin, walked.from[index] as number, walked.to[index] as number, 'work'));
    }
    if (isRoot) break;
    const started = columns.starts[consumer] as number;
    const sender = nodes[consumer]?.parent ?? -1;
    // A sender may return after its message has already arrived: then nothing waited.
    limit = Math.max(Math.min(columns.ends[sender] as number, started), columns.starts[sender] as number);
    const above = topOf(trace, sender, root);
    limit = Math.max(limit, columns.starts[above] as number);
    // Clocks that contradict each other: there is no chain to tell.
    if (limit > started) return criticalPath(trace, mode);
    const span = nodes[consumer]?.span as Span;
    if (started > limit) backwards.push(section(span, origin, limit, started, 'queue'));
    consumer = above;
  }
  return { traceId, durationNanos: BigInt(end), sections: backwards.reverse() };
};

const section = (span: Span, origin: bigint, from: number, to: number, kind: Section['kind']): Section => ({
  spanId: span.spanId,
  service: serviceOf(span),
  name: kind === 'queue' ? String(span.attributes['messaging.destination.name'] ?? span.name) : span.name,
  startNanos: origin + BigInt(from),
  endNanos: origin + BigInt(to),
  kind,
});

const isMessage = ({ nodes }: Trace, at: number): boolean => {
  const node = nodes[at];
  const sender = nodes[node?.parent ?? -1];
  return (
    node?.span.kind === spanKinds.consumer &&
    sender?.span.kind === spanKinds.producer &&
    // A consumer that starts before its message was being sent has a clock of its own.
    node.span.startNanos >= sender.span.startNanos
  );
};

/** The consumer that ends last, after the root, below that root; -1 for none. */
const lastConsumer = (trace: Trace, root: number): number => {
  let found = -1;
  let latest = trace.nodes[root]?.span.endNanos ?? 0n;
  trace.nodes.forEach(({ span }, at) => {
    if (span.endNanos <= latest || !isMessage(trace, at) || !isBelow(trace, at, root)) return;
    latest = span.endNanos;
    found = at;
  });
  return found;
};

const isBelow = ({ nodes }: Trace, at: number, root: number): boolean => {
  let above = at;
  while (above >= 0 && above !== root) above = nodes[above]?.parent ?? -1;
  return above === root;
};

/** The consumer that a span works for, or the root. */
const topOf = (trace: Trace, at: number, root: number): number => {
  let above = at;
  while (above !== root && !isMessage(trace, above)) above = trace.nodes[above]?.parent ?? root;
  return above;
};
