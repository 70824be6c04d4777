import { serviceOf, spanKinds } from '../model/span.ts';
import type { Trace } from './assemble.ts';

/** A span that was not seen, though others name it as their parent, and where it most likely hung. */
export interface Attachment {
  readonly traceId: string;
  /** The id that the orphans name. */
  readonly missingSpanId: string;
  /** Positions of the orphans: siblings under the one missing span. */
  readonly orphans: readonly number[];
  /** Position of the likely parent of the missing span. */
  readonly parent: number;
  /** 0 to 1: how much better the parent fits than the next best one. */
  readonly confidence: number;
}

/** Calls seen whole elsewhere: `<caller's service>|<caller's name>→<callee's service>`. */
export const knownCalls = (traces: readonly Trace[]): ReadonlySet<string> => {
  const known = new Set<string>();
  for (const { nodes } of traces) {
    for (const { span, parent } of nodes) {
      const up = nodes[parent]?.span;
      if (up !== undefined && serviceOf(up) !== serviceOf(span))
        known.add(callOf(serviceOf(up), up.name, serviceOf(span)));
    }
  }
  return known;
};

const callOf = (service: string, name: string, callee: string): string => `${service}|${name}→${callee}`;

/** Times of different hosts differ; a child may stick out of its parent by this and still be its child. */
const toleranceNanos = 5_000_000n;

/**
 * Where the missing parents of a trace's orphans belong. A candidate's interval encloses the orphans; the best one calls (by kind, or
 * because it has no answer), calls that service elsewhere, and is the tightest. The trace itself is left as it was observed: inferred
 * spans never count in rates, durations or errors.
 */
export const reattach = (trace: Trace, known: ReadonlySet<string> = new Set()): Attachment[] => {
  const { nodes, orphans, traceId } = trace;
  const groups = new Map<string, number[]>();
  for (const at of orphans) {
    const id = nodes[at]?.span.parentSpanId;
    if (id === undefined) continue;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [at]);
    else group.push(at);
  }
  const found: Attachment[] = [];
  for (const [missingSpanId, group] of groups) {
    const spans = group.flatMap((at) => nodes[at]?.span ?? []);
    const [sample] = spans;
    if (sample === undefined) continue;
    const start = spans.reduce((least, { startNanos }) => (startNanos < least ? startNanos : least), sample.startNanos);
    const end = spans.reduce((most, { endNanos }) => (endNanos > most ? endNanos : most), sample.endNanos);
    const below = descendants(trace, group);
    const service = serviceOf(sample);
    let best = -1;
    let bestScore = 0;
    let second = 0;
    nodes.forEach(({ span, children }, at) => {
      if (below.has(at)) return;
      if (span.startNanos > start + toleranceNanos || span.endNanos < end - toleranceNanos) {
        // What a producer started may go on after it.
        if (span.kind !== spanKinds.producer || span.startNanos > start) return;
      }
      const caller = serviceOf(span);
      const isCaller = span.kind === spanKinds.client || span.kind === spanKinds.producer;
      const isAnswered = children.some((child) => {
        const below = nodes[child]?.span;
        return below !== undefined && serviceOf(below) !== caller;
      });
      const spare = Number(span.endNanos - span.startNanos - (end - start));
      const tightness = 1 / (1 + Math.abs(spare) / (1 + Number(end - start)));
      const score =
        tightness +
        (known.has(callOf(caller, span.name, service)) ? 4 : 0) +
        (isAnswered ? 0 : 2) +
        (isCaller ? 2 : 0) +
        (span.attributes['peer.service'] === service ? 4 : 0) +
        (caller === service ? 0 : 1) +
        (children.length === 0 ? 1 : 0);
      if (score > bestScore) {
        second = bestScore;
        bestScore = score;
        best = at;
      } else if (score > second) second = score;
    });
    if (best >= 0) {
      found.push({
        traceId,
        missingSpanId,
        orphans: group,
        parent: best,
        confidence: round(1 - second / (bestScore * 2)),
      });
    }
  }
  return found;
};

const round = (value: number): number => Math.round(value * 1000) / 1000;

const descendants = ({ nodes }: Trace, tops: readonly number[]): Set<number> => {
  const seen = new Set(tops);
  const stack = [...tops];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const child of nodes[at]?.children ?? []) {
      if (seen.has(child)) continue;
      seen.add(child);
      stack.push(child);
    }
  }
  return seen;
};
