import type { Start, TraceContext } from '../model/trace-context.ts';

/** Spelled text of a value in a carrier; a member of the carrier's place. */
export type Text = (value: unknown) => string | undefined;

/** Finds a name in a carrier: exactly, or whatever its case and however often it occurs. */
export type Find = (values: object, text: Text, name: string) => string | undefined;

/** One way to write a trace context. */
export interface Format {
  /** The name in configuration and in answers. */
  readonly name: string;
  /** What the contract of the command line calls it. */
  readonly family: 'w3c' | 'b3' | 'xray' | 'custom';
  /** The names that `write` may set, most important first. */
  readonly fields: readonly string[];
  /** The names that make `read` worth calling, as usually spelled. Compared without case. */
  readonly marks: readonly string[];
  /** The context, what is said about a trace to start, or a short code that says why it is refused (refusals.ts has the words). Total, and allocates nothing to refuse. */
  readonly read: (values: object, text: Text, find: Find) => TraceContext | Start | string;
  readonly write: (context: TraceContext, set: (name: string, value: string) => unknown) => void;
}

/** A context by its parts, which are checked; a decision of undefined was left open. A 64-bit trace id is padded on the left. */
export const contextOf = (id: string, spanId: string, sampled: boolean | undefined): TraceContext => {
  const traceId = id.padStart(32, '0');
  if (sampled === undefined) return { traceId, spanId, flags: 0, traceState: undefined, deferred: true };
  return { traceId, spanId, flags: sampled ? 1 : 0, traceState: undefined };
};

/** What is said of a trace to start. */
export const startOf = (traceId: string, sampled: boolean | undefined): Start =>
  sampled === undefined ? { traceId } : { traceId, sampled };

export const isContext = (read: TraceContext | Start): read is TraceContext =>
  (read as TraceContext).spanId !== undefined;
