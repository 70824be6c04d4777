/** OpenTelemetry span kinds by their OTLP numbers. */
export const spanKinds = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;
/** OTLP status codes. */
export const statusCodes = { unset: 0, ok: 1, error: 2 } as const;

/** Every kind of value that OTLP has: a bigint is a 64-bit integer, an integral number one as well, null the empty value. */
export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue }
  | null;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState?: string;
  /** As `Span.flags`, of the span linked to. */
  readonly flags?: number;
  readonly attributes?: Attributes;
  readonly droppedAttributesCount?: number;
}

export interface SpanEvent {
  readonly name: string;
  readonly timeNanos: bigint;
  readonly attributes: Attributes;
  readonly droppedAttributesCount?: number;
}

/** The instrumentation that made a span. */
export interface Scope {
  readonly name: string;
  readonly version?: string;
}

/** One finished span. Times in nanoseconds since the epoch. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Absent for a root. */
  readonly parentSpanId?: string | undefined;
  readonly traceState?: string | undefined;
  /** OTLP `flags`: W3C trace flags in bits 0 to 7; bit 8 set when bit 9 tells whether the parent is in another process. */
  readonly flags?: number | undefined;
  readonly name: string;
  readonly kind: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly status: number;
  readonly statusMessage?: string | undefined;
  /** Attributes of the resource: one object, shared by all spans of a batch. */
  readonly resource: Attributes;
  readonly attributes: Attributes;
  readonly links: readonly SpanLink[];
  readonly events: readonly SpanEvent[];
  /** What a limit on attributes, events or links left out; absent for none. */
  readonly droppedAttributesCount?: number | undefined;
  readonly droppedEventsCount?: number | undefined;
  readonly droppedLinksCount?: number | undefined;
  /** One object, shared by all spans of an instrumentation. @default `tidemark` without a version */
  readonly scope?: Scope | undefined;
}

/** `service.name`; `unknown_service` when the resource has none, as OpenTelemetry prescribes. */
export const serviceOf = (span: Pick<Span, 'resource'>): string => {
  const name = span.resource['service.name'];
  return typeof name === 'string' && name !== '' ? name : 'unknown_service';
};
