export const findingKinds = ['error-burst', 'long-tail', 'broken-chain'] as const;
export type FindingKind = (typeof findingKinds)[number];

/** A fault seen in the traces of one window. */
export interface Finding {
  readonly kind: FindingKind;
  readonly service: string;
  /** What was measured: errors per window, seconds, or a share; and what it may be. */
  readonly value: number;
  readonly threshold: number;
  /** Start of the window, RFC 3339. */
  readonly window: string;
  /** Exemplars, at most three. */
  readonly traceIds: readonly string[];
  /** The span that shows it best. */
  readonly exemplar: { readonly traceId: string; readonly spanId: string };
  /** One sentence for a person. */
  readonly summary: string;
}
