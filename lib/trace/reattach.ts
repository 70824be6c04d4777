import { type Span, serviceOf, spanKinds } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { hostOf, pairOf, type Skew } from './clock-skew.ts';
import { isStore } from './hops.ts';
import { isStratum } from './sampling.ts';

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

/** A call seen whole elsewhere: how far what the called side does lies inside of the caller's span, in nanoseconds. */
export interface UsualCall {
  /** From the caller's start to the first thing that the called side does, and from the last one's end to the caller's; medians. */
  readonly lead: number;
  readonly tail: number;
  /** Median deviation of both together. */
  readonly spread: number;
}

/** Calls seen whole, by `<caller's service>|<caller's name>→<callee's service>`. */
export const usualCalls = (
  traces: readonly Trace[],
  skews: ReadonlyMap<string, Skew> = new Map(),
): ReadonlyMap<string, UsualCall> => {
  const seen = new Map<string, { leads: number[]; tails: number[] }>();
  for (const { nodes } of traces) {
    for (const { span, parent, children } of nodes) {
      const up = nodes[parent]?.span;
      if (up === undefined || serviceOf(up) === serviceOf(span)) continue;
      const key = callOf(serviceOf(up), up.name, serviceOf(span));
      let call = seen.get(key);
      if (call === undefined) {
        call = { leads: [], tails: [] };
        seen.set(key, call);
      }
      if (children.length === 0 || call.leads.length >= maxSamples) continue;
      const skew = skews.get(pairOf(hostOf(up), hostOf(span)))?.offsetNanos ?? 0;
      const within = children.flatMap((child) => nodes[child]?.span ?? []);
      const lead = within.reduce((least, each) => Math.min(least, Number(each.startNanos - up.startNanos)), Infinity);
      const tail = within.reduce((least, each) => Math.min(least, Number(up.endNanos - each.endNanos)), Infinity);
      call.leads.push(lead - skew);
      call.tails.push(tail + skew);
    }
  }
  return new Map(
    [...seen].map(([key, { leads, tails }]) => {
      const [lead, tail] = [median(leads), median(tails)];
      const spread = median(leads.map((each, at) => Math.abs(each - lead) + Math.abs((tails[at] as number) - tail)));
      return [key, { lead, tail, spread }];
    }),
  );
};

/** A median of so many is as good as that of all. */
const maxSamples = 1000;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;

const callOf = (service: string, name: string, callee: string): string => `${service}|${name}→${callee}`;

/** Times of different hosts differ; a child may stick out of its parent by this and still be its child. */
const toleranceNanos = 5_000_000;

/** Pairs of a missing span and a possible parent that are looked at in one trace; of the rest nothing is said. */
const maxPairs = 4_000_000;

/** Differences below this are jitter. */
const leastScale = 20_000;

interface Gap {
  readonly missingSpanId: string;
  readonly orphans: readonly number[];
  /** Offsets from the trace's first start. */
  readonly start: number;
  readonly end: number;
  readonly service: string;
  readonly host: string;
  readonly below: ReadonlySet<number>;
}

interface Pair {
  readonly gap: Gap;
  readonly parent: number;
  readonly score: number;
}

/**
 * Where the missing parents of a trace's orphans belong. A candidate's interval encloses the orphans; the best one calls (by kind, or
 * because it has no answer), calls that service elsewhere, and is the tightest, the clocks' offsets taken off. A call has one other side, so pairs are made from the
 * surest on, and a caller that is taken is no candidate any more. The trace itself is left as it was observed: inferred spans never
 * count in rates, durations or errors.
 */
export const reattach = (
  trace: Trace,
  known: ReadonlyMap<string, UsualCall> = new Map(),
  skews: ReadonlyMap<string, Skew> = new Map(),
): Attachment[] => {
  const { nodes, traceId } = trace;
  if (trace.orphans.length === 0) return [];
  const origin = nodes[0]?.span.startNanos ?? 0n;
  const callers = nodes.map(({ span }) => serviceOf(span));
  const hosts = nodes.map(({ span }) => hostOf(span));
  const isAnswered = nodes.map(({ children }, at) => children.some((child) => callers[child] !== callers[at]));
  const starts = Float64Array.from(nodes, ({ span }) => Number(span.startNanos - origin));
  const ends = Float64Array.from(nodes, ({ span }) => Number(span.endNanos - origin));
  const pairs: Pair[] = [];
  for (const gap of gapsOf(trace, starts, ends).slice(0, Math.ceil(maxPairs / nodes.length))) {
    for (let at = 0; at < nodes.length; at += 1) {
      if (gap.below.has(at)) continue;
      const score = fit(gap, at);
      if (score > 0) pairs.push({ gap, parent: at, score });
    }
  }
  pairs.sort(
    (a, b) => b.score - a.score || (a.gap.missingSpanId < b.gap.missingSpanId ? -1 : 1) || a.parent - b.parent,
  );
  const taken = new Map<number, Gap>();
  const chosen = new Map<Gap, Pair>();
  for (const pair of pairs) {
    if (chosen.has(pair.gap) || taken.has(pair.parent)) continue;
    chosen.set(pair.gap, pair);
    if (isCaller(pair.parent)) taken.set(pair.parent, pair.gap);
  }
  // What else a gap could have had: parents that no other gap took.
  const second = new Map<Gap, number>();
  for (const { gap, parent, score } of pairs) {
    const best = chosen.get(gap);
    if (best === undefined || best.parent === parent || (taken.has(parent) && taken.get(parent) !== gap)) continue;
    second.set(gap, Math.max(second.get(gap) ?? 0, score));
  }
  return [...chosen.values()]
    .map(({ gap, parent, score }) => ({
      traceId,
      missingSpanId: gap.missingSpanId,
      orphans: gap.orphans,
      parent,
      confidence: round(1 - Math.min(1, (second.get(gap) ?? 0) / score) / 2),
    }))
    .sort((a, b) => (a.orphans[0] ?? 0) - (b.orphans[0] ?? 0));

  function isCaller(at: number): boolean {
    const kind = nodes[at]?.span.kind;
    return kind === spanKinds.client || kind === spanKinds.producer;
  }

  /** 0 where the span cannot have been the parent. */
  function fit({ start: begun, end: ended, service, host }: Gap, at: number): number {
    const span = nodes[at]?.span as Span;
    if (isStore(span)) return 0;
    const skew = skews.get(pairOf(hosts[at] as string, host))?.offsetNanos ?? 0;
    const [start, end] = [begun - skew, ended - skew];
    const [from, to] = [starts[at] as number, ends[at] as number];
    const late = Math.max(0, from - start);
    // What a producer started may go on after it.
    const early = span.kind === spanKinds.producer ? 0 : Math.max(0, end - to);
    if (late > toleranceNanos || early > toleranceNanos) return 0;
    const caller = callers[at] as string;
    const usual = known.get(callOf(caller, span.name, service));
    const length = end - start;
    const [off, scale] =
      usual === undefined
        ? [Math.max(0, to - from - length), length]
        : [Math.abs(start - from - usual.lead) + Math.abs(to - end - usual.tail), 2 * usual.spread];
    return (
      3 / (1 + off / (leastScale + scale)) +
      3 * (1 - (late + early) / (2 * toleranceNanos)) * (late + early === 0 ? 1 : 0.5) +
      (usual === undefined ? 0 : 4) +
      (isAnswered[at] ? 0 : 2) +
      (isCaller(at) ? 2 : 0) +
      (span.attributes['peer.service'] === service ? 4 : 0) +
      (caller === service ? 0 : 1) +
      ((nodes[at]?.children.length ?? 0) === 0 ? 1 : 0)
    );
  }
};

/** The spans that orphans name as their parents, in the order of the first orphan. */
const gapsOf = (trace: Trace, starts: Float64Array, ends: Float64Array): Gap[] => {
  const { nodes, orphans } = trace;
  const groups = new Map<string, number[]>();
  for (const at of orphans) {
    const span = nodes[at]?.span;
    // Kept for itself alone (an error, a slow root): what is above it was not sampled, and is not missing.
    if (span?.parentSpanId === undefined || isStratum(span)) continue;
    const group = groups.get(span.parentSpanId);
    if (group === undefined) groups.set(span.parentSpanId, [at]);
    else group.push(at);
  }
  return [...groups].map(([missingSpanId, group]) => {
    const sample = nodes[group[0] ?? -1]?.span as Span;
    return {
      missingSpanId,
      orphans: group,
      start: group.reduce((least, at) => Math.min(least, starts[at] as number), Number.POSITIVE_INFINITY),
      end: group.reduce((most, at) => Math.max(most, ends[at] as number), Number.NEGATIVE_INFINITY),
      service: serviceOf(sample),
      host: hostOf(sample),
      below: descendants(trace, group),
    };
  });
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
