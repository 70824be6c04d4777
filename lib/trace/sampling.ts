import type { Span } from '../model/span.ts';
import type { Trace } from './assemble.ts';

/** Set on spans that were kept for what they are (an error, a slow root), whatever became of the rest of their trace. */
const stratumAttribute = 'tidemark.sampling.stratum';

/** A stratum's spans are all kept, so each stands for itself alone; what is around them may not be there. */
export const isStratum = ({ attributes }: Pick<Span, 'attributes'>): boolean =>
  attributes[stratumAttribute] !== undefined;

/** Hex digits of a threshold or a randomness: 56 bits. */
const digits = 14;
const none = '0'.repeat(digits);
/** The smallest probability that is believed, 2^-20; a smaller one would let one span stand for millions. */
const maxWeight = 2 ** 20;

/** The orphans of a trace whose parents are missing: above a span that was kept for itself alone nothing is. */
export const missedParents = ({ nodes, orphans }: Pick<Trace, 'nodes' | 'orphans'>): readonly number[] =>
  orphans.filter((at) => {
    const span = nodes[at]?.span;
    return span !== undefined && !isStratum(span);
  });

/**
 * The rejection threshold of a span's sampling (OpenTelemetry, `ot=th:…` in tracestate), as 14 hex digits that compare as text; zeros for a
 * span that tells none, or none that can be read.
 */
export const thresholdOf = ({ traceState }: Pick<Span, 'traceState'>): string =>
  memberOf(traceState, 'th', 1)?.padEnd(digits, '0') ?? none;

/** What the threshold is compared with: `ot=rv:…`, else the last 56 bits of the trace id. */
export const randomnessOf = ({ traceState, traceId }: Pick<Span, 'traceState' | 'traceId'>): string =>
  memberOf(traceState, 'rv', digits) ?? traceId.slice(-digits);

/** How many spans one stands for: 2^56 / (2^56 - T). */
export const weightOf = (span: Pick<Span, 'traceState'>): number => {
  if (span.traceState === undefined) return 1;
  const rejected = Number.parseInt(thresholdOf(span), 16) / 2 ** 56;
  const weight = 1 / (1 - rejected);
  return weight <= maxWeight ? weight : 1;
};

const memberOf = (traceState: string | undefined, key: 'th' | 'rv', least: number): string | undefined => {
  if (traceState === undefined) return undefined;
  for (const member of traceState.split(',')) {
    const trimmed = member.trim();
    if (!trimmed.startsWith('ot=')) continue;
    for (const part of trimmed.slice(3).split(';')) {
      if (!part.startsWith(`${key}:`)) continue;
      const value = part.slice(key.length + 1).toLowerCase();
      return value.length >= least && value.length <= digits && /^[0-9a-f]+$/.test(value) ? value : undefined;
    }
  }
  return undefined;
};

/** How many spans were seen, and for how many they stand. Those that stand for themselves alone are counted, the others estimated. */
export interface Tally {
  seen: number;
  /** Spans of weight 1. */
  census: number;
  /** Of the others: the sums of their weights and of the squares of these. */
  sum: number;
  squares: number;
}

export const tally = (spans: Iterable<Pick<Span, 'traceState'>>): Tally => {
  const result: Tally = { seen: 0, census: 0, sum: 0, squares: 0 };
  for (const span of spans) {
    const weight = weightOf(span);
    result.seen += 1;
    if (weight <= 1) result.census += 1;
    else {
      result.sum += weight;
      result.squares += weight * weight;
    }
  }
  return result;
};

/** The estimate: without bias, whatever the weights. */
export const countOf = ({ census, sum }: Tally): number => census + sum;

/** Everything was kept: counts are counts, and no interval applies. */
export const isCensus = ({ sum }: Tally): boolean => sum === 0;

/** One-sided 95 %. */
const z = 1.6449;

/** Lower and upper bound of the count (one-sided 95 % each): Poisson for what is sampled, of as many events as the weights are worth. */
export const countBounds = ({ census, sum, squares }: Tally): readonly [number, number] => {
  if (sum === 0) return [census, census];
  const scale = squares / sum;
  const events = (sum * sum) / squares;
  return [census + scale * poissonBound(events, -z), census + scale * poissonBound(events + 1, z)];
};

/** Half a quantile of chi-squared with 2k degrees of freedom (Wilson and Hilferty), exact to 1 % from k = 1 on. */
const poissonBound = (k: number, quantile: number): number =>
  k * Math.max(0, 1 - 1 / (9 * k) + quantile / (3 * Math.sqrt(k))) ** 3;

/**
 * The share of `hits` in all, and its lower bound (one-sided 95 %). Where nothing is sampled it is the share itself. Where hits are a
 * stratum of their own (all kept, the rest sampled), only the rest is uncertain. Else Wilson's, for as many spans as the weights are worth.
 */
export const shareOf = (hits: Tally, misses: Tally): { readonly share: number; readonly lower: number } => {
  const [hit, missed] = [countOf(hits), countOf(misses)];
  const total = hit + missed;
  if (total === 0) return { share: 0, lower: 0 };
  const share = hit / total;
  if (isCensus(hits) && isCensus(misses)) return { share, lower: share };
  if (isCensus(hits)) return { share, lower: hit / (hit + countBounds(misses)[1]) };
  const squares = hits.squares + misses.squares + hits.census + misses.census;
  return { share, lower: wilson(share, (total * total) / squares) };
};

/** Wilson's lower bound of a share of n. */
export const wilson = (share: number, n: number): number =>
  (share + (z * z) / (2 * n) - z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
