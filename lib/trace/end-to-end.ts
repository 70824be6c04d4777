import { type Span, serviceOf, spanKinds } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { type CriticalPath, columnsOf, criticalPath, type Section } from './critical-path.ts';
import { type PathMode, walkPath } from './walk-path.ts';

/** Message hops that are followed back at most; each costs one pass over the trace. */
const maxHops = 64;

/**
 * For each consumer the span that sent its message: its parent, or a link within the trace, as batches have it. -1 for what is no consumer,
 * and for one that starts before its message was being sent: its clock is its own.
 */
const sendersOf = ({ nodes }: Trace): Int32Array => {
  const senders = new Int32Array(nodes.length).fill(-1);
  let positions: Map<string, number> | undefined;
  nodes.forEach(({ span, parent }, at) => {
    if (span.kind !== spanKinds.consumer) return;
    let sender = nodes[parent]?.span.kind === spanKinds.producer ? parent : -1;
    if (sender < 0 && span.links.length > 0) {
      positions ??= new Map(
        nodes.flatMap((node, position) =>
          node.span.kind === spanKinds.producer ? [[node.span.spanId, position] as const] : [],
        ),
      );
      for (const link of span.links) {
        const found = link.traceId === span.traceId ? positions.get(link.spanId) : undefined;
        // Of several messages in a batch, the one that was sent last let it begin.
        if (found !== undefined && (sender < 0 || startOf(nodes, found) > startOf(nodes, sender))) sender = found;
      }
    }
    if (sender >= 0 && span.startNanos >= startOf(nodes, sender)) senders[at] = sender;
  });
  return senders;
};

const startOf = (nodes: Trace['nodes'], at: number): bigint => nodes[at]?.span.startNanos ?? 0n;

/** What the root set off, by calls and by messages. */
const reachedFrom = ({ nodes }: Trace, root: number, senders: Int32Array): Uint8Array => {
  const received = new Map<number, number[]>();
  senders.forEach((sender, at) => {
    if (sender < 0 || nodes[at]?.parent === sender) return;
    const own = received.get(sender);
    if (own === undefined) received.set(sender, [at]);
    else own.push(at);
  });
  const reached = new Uint8Array(nodes.length);
  const stack = [root];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (reached[at] === 1) continue;
    reached[at] = 1;
    for (const child of nodes[at]?.children ?? []) stack.push(child);
    for (const consumer of received.get(at) ?? []) stack.push(consumer);
  }
  return reached;
};

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
  const senders = sendersOf(trace);
  let consumer = lastConsumer(trace, root, senders);
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
    const sender = senders[consumer] as number;
    // A sender may return after its message has already arrived: then nothing waited.
    limit = Math.max(Math.min(columns.ends[sender] as number, started), columns.starts[sender] as number);
    const above = topOf(trace, sender, root, senders);
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

/** The consumer that ends last, after the root, of those that the root set off; -1 for none. */
const lastConsumer = (trace: Trace, root: number, senders: Int32Array): number => {
  let found = -1;
  let latest = trace.nodes[root]?.span.endNanos ?? 0n;
  if (!senders.some((sender) => sender >= 0)) return found;
  const reached = reachedFrom(trace, root, senders);
  trace.nodes.forEach(({ span }, at) => {
    if (senders[at] === -1 || reached[at] === 0 || span.endNanos <= latest) return;
    latest = span.endNanos;
    found = at;
  });
  return found;
};

/** The consumer that a span works for, or the root. */
const topOf = ({ nodes }: Trace, at: number, root: number, senders: Int32Array): number => {
  let above = at;
  while (above >= 0 && above !== root && senders[above] === -1) above = nodes[above]?.parent ?? -1;
  return above < 0 ? root : above;
};
