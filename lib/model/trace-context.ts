/** A span of somebody else, as a message carried it. */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. Formats with 64-bit ids are padded with zeros on the left. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero. */
  readonly spanId: string;
  /** The W3C bits: 1 sampled, 2 random trace id. */
  readonly flags: number;
  /** The `tracestate` header as it came, checked whole. */
  readonly traceState?: string | undefined;
  /** The sender left the sampling decision open (B3 without a state, X-Ray without `Sampled` or with `?`). */
  readonly deferred?: true;
  /** B3's debug mark: sampled, and carried on as `d`. */
  readonly debug?: true;
}

/** What a carrier says about a trace that is yet to start: B3's decision-only header, or X-Ray's `Root` without `Parent`. */
export interface Start {
  readonly traceId?: string;
  readonly sampled?: boolean;
  readonly debug?: true;
}

/** The decision that travelled with a context; undefined when it was left open. */
export const sampledOf = (context: TraceContext): boolean | undefined =>
  context.deferred === true ? undefined : (context.flags & 1) === 1;

/** Why a context is a link and not the parent. */
export type LinkReason = 'conflict' | 'restarted' | 'untrusted' | 'stale';

export interface ContextLink {
  readonly context: TraceContext;
  readonly reason: LinkReason;
  /** The format it was written in. */
  readonly format: string;
  /** Where it was found, such as `sqs.attributes.AWSTraceHeader`. */
  readonly path: string;
}

/** One member of W3C Baggage. The value is percent-decoded; `properties` is what followed the first `;`, untouched. */
export interface BaggageEntry {
  readonly key: string;
  readonly value: string;
  readonly properties?: string;
}

/** What extraction answers. Where nothing was found every field is undefined and `links` is empty. */
export interface Extracted {
  /** The parent to continue from. */
  readonly context: TraceContext | undefined;
  /** Contexts that were found and are not the parent. */
  readonly links: readonly ContextLink[];
  readonly baggage: readonly BaggageEntry[] | undefined;
  /** Name of the format that won. */
  readonly format: string | undefined;
  /** Where the winner was found, such as `sqs.body>sns.Message>eb.detail._trace.traceparent`. */
  readonly path: string | undefined;
  /** Present only when no parent was found, yet something was said about the trace to start. */
  readonly start?: Start;
}
