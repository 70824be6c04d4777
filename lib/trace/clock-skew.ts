import { type Span, serviceOf, spanKinds } from '../model/span.ts';
import type { Trace } from './assemble.ts';

/** What the calls between two hosts say of their clocks. */
export interface Skew {
  readonly from: string;
  readonly to: string;
  /** By how much the clock of `to` is ahead; negative: behind. The median over its calls, so that one odd call says nothing. */
  readonly offsetNanos: number;
  readonly calls: number;
  /** Calls whose served side sticks out of the calling side as recorded: proof that the clocks differ. */
  readonly sticking: number;
}

/** Hosts by what is known of a span: its host, else its instance, else its service. */
export const hostOf = ({ resource }: Pick<Span, 'resource'>): string => {
  for (const name of ['host.id', 'host.name', 'service.instance.id']) {
    const value = resource[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return serviceOf({ resource });
};

export const pairOf = (from: string, to: string): string => `${from}→${to}`;

/** Clocks that are read in microseconds stick out by one without being wrong. */
const readingNanos = 2_000;

/**
 * Clock offsets between hosts, from calls that were seen whole (client above server, which must lie inside of it): the distance of the
 * middles, which is the offset where way and way back take equally long. Messages say nothing, since they may wait. Times as recorded
 * are left alone; who looks at a trace decides.
 */
export const estimateSkew = (traces: readonly Trace[]): ReadonlyMap<string, Skew> => {
  const pairs = new Map<string, { from: string; to: string; offsets: number[]; sticking: number }>();
  for (const { nodes } of traces) {
    for (const { span, parent } of nodes) {
      const up = nodes[parent]?.span;
      if (up === undefined || up.kind !== spanKinds.client || span.kind !== spanKinds.server) continue;
      const [from, to] = [hostOf(up), hostOf(span)];
      if (from === to) continue;
      const key = pairOf(from, to);
      let pair = pairs.get(key);
      if (pair === undefined) {
        pair = { from, to, offsets: [], sticking: 0 };
        pairs.set(key, pair);
      }
      const early = Number(span.startNanos - up.startNanos);
      const late = Number(span.endNanos - up.endNanos);
      pair.offsets.push((early + late) / 2);
      if (early < -readingNanos || late > readingNanos) pair.sticking += 1;
    }
  }
  return new Map(
    [...pairs]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { from, to, offsets, sticking }]) => [
        key,
        { from, to, offsetNanos: median(offsets), calls: offsets.length, sticking },
      ]),
  );
};

/** Pairs whose clocks are proven to differ: most of their calls stick out. */
export const provenSkew = (skews: ReadonlyMap<string, Skew>): Skew[] =>
  [...skews.values()].filter(({ calls, sticking }) => sticking * 2 > calls);

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2);
};
