import type { TraceContext } from '../trace-context.ts';

/** The `propagation` section of tidemark.config.ts. */
export interface PropagationConfig {
  /**
   * Formats that are read, in the order of preference: `custom`, `w3c`, `b3`, `b3multi`, `datadog`, `xray`.
   * @default all, in this order; `custom` only when it is configured. `OTEL_PROPAGATORS` replaces the default.
   */
  readonly extract?: readonly FormatWord[];
  /** Formats that are written, most important first. @default `['w3c']`, or what `OTEL_PROPAGATORS` says */
  readonly inject?: readonly FormatWord[];
  /** The format of your own. @default none */
  readonly custom?: CustomFormat;
  /** What becomes of a context that arrives. @default `continue` */
  readonly policy?: PolicyWord;
  /** Whether contexts that lost are given as links when their trace differs. @default true */
  readonly conflictLinks?: boolean;
  /** Whether a context that only the broker wrote (`AWSTraceHeader`) may be a link; it is dead when AWS X-Ray is not your backend. @default false */
  readonly brokerLinks?: boolean;
  /** What becomes of arriving baggage. @default all of it is taken, within the limits */
  readonly baggage?: BaggagePolicy;
  /** What differs for one source, by its name (`sqs`, `http`, …). @default nothing */
  readonly sources?: Readonly<Record<string, SourcePolicy>>;
}

export type FormatWord = 'custom' | 'w3c' | 'b3' | 'b3multi' | 'datadog' | 'xray';

/** `continue`: it becomes the parent. `restart`: a new trace starts, with a link. `ignore`: it is dropped. */
export type PolicyWord = 'continue' | 'restart' | 'ignore';

/** What one source does differently. */
export interface SourcePolicy {
  /** What becomes of a context from this source. @default the section's `policy` */
  readonly policy?: PolicyWord;
  /** AWS accounts whose contexts are trusted; others, and records without an ARN, restart with a link. @default every account */
  readonly trustedAccounts?: readonly string[];
  /** What becomes of baggage from this source. @default the section's `baggage` */
  readonly baggage?: BaggagePolicy;
}

/** `all`, `none`, or the keys that are allowed. */
export type BaggagePolicy = 'all' | 'none' | readonly string[];

/** A format of your own: by names of fields, or by a pair of functions. */
export interface CustomFormat {
  /** The names that carry the parts. Without `spanId` the trace id's field holds the whole: `00-<trace id>-<span id>-<01|00>`. @default none: `decode` and `encode` do the work */
  readonly fields?: CustomFields;
  /** How the values are spelled: `hex` or `decimal` digits, or `base64` of the bytes. @default `hex` */
  readonly encoding?: 'hex' | 'base64' | 'decimal';
  /** Names that `decode` wants to see and `encode` may write, besides those of `fields`. @default none */
  readonly names?: readonly string[];
  /** Reads the values of those names that are present; ids in hex. Undefined refuses. @default by `fields` */
  readonly decode?: (
    values: Readonly<Record<string, string>>,
  ) => { readonly traceId: string; readonly spanId?: string; readonly sampled?: boolean } | undefined;
  /** Writes a context as names and values. @default by `fields` */
  readonly encode?: (context: TraceContext) => Readonly<Record<string, string>>;
}

/** Names of the fields of a custom format. */
export interface CustomFields {
  /** Field of the trace id, or of the whole. */
  readonly traceId: string;
  /** Field of the span id. @default the trace id's field holds the whole */
  readonly spanId?: string;
  /** Field of the decision: 1 or 0. @default the decision is left open */
  readonly sampled?: string;
}
