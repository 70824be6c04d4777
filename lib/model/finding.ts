/** The last two compare with earlier windows, and are silent without a baseline. */
export const findingKinds = ['error-burst', 'long-tail', 'broken-chain', 'new-call', 'missing-call'] as const;
export type FindingKind = (typeof findingKinds)[number];

/** A fault seen in the traces of one window. */
export interface Finding {
  readonly kind: FindingKind;
  readonly service: string;
  /** What was measured (errors or calls per window, seconds, or a share) and what it may be. Counts of sampled spans are estimates. */
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
