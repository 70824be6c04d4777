import type { Start, TraceContext } from '../../model/trace-context.ts';
import { contextOf, type Format } from '../format.ts';
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
    return header === undefined ? 'absent' : readSingle(first(header));
  },
  write: (context, set) => {
    const state = context.debug ? '-d' : context.deferred ? '' : `-${context.flags & 1}`;
    set('b3', `${context.traceId}-${context.spanId}${state}`);
  },
};

const dash = 45;

/** The spec asks for lower case; ids in upper case are accepted, and lowered so that they never leave us invalid. */
const readSingle = (header: string): TraceContext | Start | string => {
  const read = readLower(header);
  return typeof read === 'string' ? readLower(header.toLowerCase()) : read;
};

const readLower = (header: string): TraceContext | Start | string => {
  const size = header.length;
  if (size < 2) return size === 0 ? 'empty' : (decisions[header] ?? 'state');
  const cut = header.charCodeAt(16) === dash ? 16 : 32;
  if (header.charCodeAt(cut) !== dash || !isId(header, 0, cut)) return 'trace';
  const state = cut + 17;
  if (size < state || !isId(header, cut + 1, state)) return 'span';
  let decision: Start | undefined;
  if (size > state) {
    if ((size !== state + 2 && size !== state + 19) || header.charCodeAt(state) !== dash) return 'tail';
    if (size > state + 2 && (header.charCodeAt(state + 2) !== dash || !isId(header, state + 3, size))) return 'parent';
    decision = decisions[header.charAt(state + 1)];
    if (decision === undefined) return 'state';
  }
  return decided(header.slice(0, cut), header.slice(cut + 1, state), decision);
};

/** Shared: a decision alone allocates nothing. */
export const deny: Start = { sampled: false };
export const accept: Start = { sampled: true };
export const debug: Start = { sampled: true, debug: true };

/** By the character that says it. */
const decisions: Readonly<Record<string, Start | undefined>> = { 0: deny, 1: accept, d: debug };

/** The one way in which B3's parts become a context. */
export const decided = (id: string, spanId: string, decision: Start | undefined): TraceContext => {
  const context = contextOf(id, spanId, decision?.sampled);
  return decision === debug ? { ...context, debug: true } : context;
};
