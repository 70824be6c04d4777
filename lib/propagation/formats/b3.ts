import type { Start, TraceContext } from '../../model/trace-context.ts';
import type { Format } from '../format.ts';
import { isId } from '../hex.ts';
import { first } from '../lookup.ts';

/** B3 in one header, `b3: {trace id}-{span id}-{state}-{parent}`, or a decision alone. */
export const b3: Format = {
  name: 'b3',
  family: 'b3',
  fields: ['b3'],
  marks: ['b3'],
  read: (values, text, find) => {
    const header = find(values, text, 'b3');
    return header === undefined ? 'has no text value' : readSingle(first(header));
  },
  write: (context, set) => {
    const state =
      context.debug === true ? '-d' : context.deferred === true ? '' : (context.flags & 1) === 1 ? '-1' : '-0';
    set('b3', `${context.traceId}-${context.spanId}${state}`);
  },
};

const dash = 45;

const readSingle = (header: string): TraceContext | Start | string => {
  if (header === '') return 'is empty';
  if (header.length === 1) return readDecision(header);
  // The spec asks for lower case; ids in upper case are accepted, and lowered so that they never leave us invalid.
  const lower = header.toLowerCase();
  const cut = lower.charCodeAt(16) === dash ? 16 : 32;
  if (lower.charCodeAt(cut) !== dash || !isId(lower, 0, cut)) {
    return 'has a trace id that is not 16 or 32 hex digits, or all zero';
  }
  const state = cut + 17;
  if (!isId(lower, cut + 1, state)) return 'has a span id that is not 16 hex digits, or all zero';
  const size = lower.length;
  if (size !== state && size !== state + 2 && size !== state + 19)
    return 'has something after its ids that is no state';
  if (size > state && lower.charCodeAt(state) !== dash) return 'has something after its ids that is no state';
  if (size > state + 2 && (lower.charCodeAt(state + 2) !== dash || !isId(lower, state + 3, size))) {
    return 'has a parent span id that is not 16 hex digits, or all zero';
  }
  const decision = size === state ? undefined : readDecision(lower.charAt(state + 1));
  if (typeof decision === 'string') return decision;
  return contextOf(lower.slice(0, cut), lower.slice(cut + 1, state), decision);
};

const deny: Start = { sampled: false };
const accept: Start = { sampled: true };
const debug: Start = { sampled: true, debug: true };

const readDecision = (state: string): Start | string => {
  if (state === '1') return accept;
  if (state === '0') return deny;
  if (state === 'd') return debug;
  return 'has a state other than 0, 1 or d';
};

/** The one way in which B3's parts become a context. A 64-bit trace id is padded on the left. */
export const contextOf = (traceId: string, spanId: string, decision: Start | undefined): TraceContext => {
  const ids = { traceId: traceId.length === 16 ? `0000000000000000${traceId}` : traceId, spanId };
  const flags = decision?.sampled === true ? 1 : 0;
  if (decision === undefined) return { ...ids, flags, traceState: undefined, deferred: true };
  if (decision.debug === true) return { ...ids, flags, traceState: undefined, debug: true };
  return { traceId: ids.traceId, spanId, flags, traceState: undefined };
};
