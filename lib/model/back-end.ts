import type { Attributes, Span } from './span.ts';

/** What became of the spans of one export. The two sides add up to the spans that were handed over. */
export interface ExportOutcome {
  /** Spans that the other side has taken. */
  readonly kept: number;
  /** Spans that were lost, by reason: a short word such as `timeout`, `refused`, `throttled`, `rejected` or `queue-full`. */
  readonly dropped: Readonly<Record<string, number>>;
}

/**
 * Somewhere that spans go: an OTLP endpoint, a queue, or a router in front of several. `deadlineMs` is how long it may take at
 * most, from now on, retries included. Never rejects: what went wrong is in the outcome.
 */
export interface BackEnd {
  readonly name: string;
  export(spans: readonly Span[], deadlineMs: number): Promise<ExportOutcome>;
}

/**
 * Asked at the end of each span that the sampler had recorded without sampling it (decision RECORD): undefined lets it go, anything
 * else exports it after all, with these attributes added and this tracestate in place of its own.
 */
export type Promote = (span: Span) => Promotion | undefined;

export interface Promotion {
  readonly attributes?: Attributes;
  readonly traceState?: string;
}
