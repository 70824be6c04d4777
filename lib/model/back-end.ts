import type { Attributes, Span } from './span.ts';

/** What became of the spans of one export. The two sides add up to the spans that were handed over. */
export interface ExportOutcome {
  /** Spans that the other side has taken. */
  readonly kept: number;
  /** Spans that were lost, by reason: a short word such as `timeout`, `refused`, `throttled`, `rejected` or `queue-full`. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Why spans were lost where nobody asked for an endpoint and no Collector listens: said once, and no failure of anything. */
export const absentCollector = 'no-collector';

/**
 * Somewhere that spans go: an OTLP endpoint, a queue, or a router in front of several. `deadlineMs` is how long it may take at
 * most, from now on, retries included. Never rejects: what went wrong is in the outcome.
 */
export interface BackEnd<Item = Span> {
  readonly name: string;
  export(items: readonly Item[], deadlineMs: number): Promise<ExportOutcome>;
}

/** Takes spans of one flush on their way out; rejects with a Failure. */
export type SpanExport = (spans: readonly Span[]) => Promise<void>;

/**
 * Asked at the end of each span that was recorded, sampled or not (bit 0 of its flags tells): undefined leaves it to what was decided at
 * its start, anything else exports it, with these attributes added and this tracestate in place of its own. A root of this process has no
 * parent, or one in another process (bit 9 of its flags).
 */
export type Promote = (span: Span) => Promotion | undefined;

export interface Promotion {
  readonly attributes?: Attributes;
  readonly traceState?: string;
}
