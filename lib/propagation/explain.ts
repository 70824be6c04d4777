import type { Place } from '../model/carrier.ts';
import type { Message } from '../model/message.ts';
import { type Extracted, type Start, sampledOf, type TraceContext } from '../model/trace-context.ts';
import { extract, isSameTrace, peelLimits } from './extract.ts';
import { isContext } from './format.ts';
import { type Propagation, standard } from './propagation.ts';
import { wordsOf } from './refusals.ts';

/** One carrier that held something. */
export interface Candidate {
  readonly path: string;
  readonly format: string;
  readonly family: 'w3c' | 'b3' | 'xray' | 'custom';
  readonly context?: TraceContext;
  readonly start?: Start;
  /** Absent for the winner. */
  readonly refused?: string;
}

/** What one record carries and what became of it. */
export interface Explanation {
  readonly index: number;
  readonly source: string;
  readonly extracted: Extracted;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly sampled: boolean | undefined;
  readonly family: Candidate['family'] | undefined;
  readonly winner: Candidate | undefined;
  readonly losers: readonly Candidate[];
}

/** Explains one record: the same readers as `extract`, run to the end, with every candidate and why it was refused. */
export const explain = (message: Message, using: Propagation = standard): Explanation => {
  const seen: (Candidate & { readonly place: Place | undefined })[] = [];
  const extracted = extract(message, using, {
    saw: (path, { name: format, family }, read, place) => {
      const found = { path, format, family, place };
      if (typeof read === 'string') seen.push({ ...found, refused: wordsOf(format, read) });
      else seen.push(isContext(read) ? { ...found, context: read } : { ...found, start: read });
    },
    closed: (path, reason = `is nested more than ${peelLimits.layers} layers deep`) =>
      seen.push({ path, format: '', family: 'custom', place: undefined, refused: reason }),
  });
  const { context, start, path, format } = extracted;
  const isWinner = (candidate: Candidate): boolean => candidate.path === path && candidate.format === format;
  const winner = context === undefined && start === undefined ? undefined : seen.find(isWinner);
  const losers = seen
    .filter((candidate) => candidate !== winner)
    .map(({ place, ...candidate }) => ({
      ...candidate,
      refused: candidate.refused ?? reasonOf(candidate, place, winner, isWinner(candidate) ? extracted : undefined),
    }));
  return {
    index: message.index,
    source: message.source.name,
    extracted,
    traceId: context?.traceId ?? start?.traceId,
    spanId: context?.spanId,
    sampled: context === undefined ? start?.sampled : sampledOf(context),
    family: winner?.family,
    winner: winner === undefined ? undefined : plain(winner),
    losers,
  };
};

const plain = ({ place: _, ...candidate }: Candidate & { readonly place: Place | undefined }): Candidate => candidate;

/** Why something well-formed is not the parent. */
const reasonOf = (
  candidate: Candidate,
  place: Place | undefined,
  winner: Candidate | undefined,
  governed: Extracted | undefined,
): string => {
  if (place?.stale === true) return 'was left by an earlier writer of the item: a link, not the parent';
  if (governed !== undefined) {
    return `is valid, and the policy of its source makes it a link (${governed.links[0]?.reason ?? 'ignored'})`;
  }
  if (winner === undefined) return 'is valid, and the policy of its source drops it';
  if (candidate.context === undefined) return `decides sampling only, and ${winner.path} holds a whole context`;
  const same = winner.context !== undefined && isSameTrace(candidate.context, winner.context);
  if (same) return `agrees with ${winner.path} on the trace, which was read first`;
  return place?.broker === true
    ? `was written by the broker, and the application said ${winner.path}`
    : `lost against ${winner.path}, which comes first in the order of formats and layers`;
};
