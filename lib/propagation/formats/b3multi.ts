import type { Start } from '../../model/trace-context.ts';
import type { Find, Format, Text } from '../format.ts';
import { isId } from '../hex.ts';
import { first } from '../lookup.ts';
import { accept, debug, decided, deny } from './b3.ts';

const mixed = ['X-B3-TraceId', 'X-B3-SpanId', 'X-B3-Sampled', 'X-B3-Flags'];
const lower = mixed.map((name) => name.toLowerCase());

/** B3 in several headers, `X-B3-TraceId` and its siblings, or a decision alone. */
export const b3multi: Format = {
  name: 'b3multi',
  family: 'b3',
  fields: lower,
  marks: [...lower, ...mixed],
  read: (values, text, find) => {
    const decision = decisionOf(field(values, text, find, 2), field(values, text, find, 3));
    if (typeof decision === 'string') return decision;
    const traceId = idOf(field(values, text, find, 0));
    const spanId = idOf(field(values, text, find, 1));
    if (traceId === undefined && spanId === undefined) return decision ?? 'none';
    if (traceId === undefined) return 'no-trace';
    if (traceId === '') return 'trace';
    if (spanId === undefined) return 'no-span';
    if (spanId.length !== 16) return 'span';
    return decided(traceId, spanId, decision);
  },
  write: (context, set) => {
    // Ids without each other are malformed: stop at the first that finds no room.
    if (set('x-b3-traceid', context.traceId) === false || set('x-b3-spanid', context.spanId) === false) return;
    if (context.debug) set('x-b3-flags', '1');
    else if (!context.deferred) set('x-b3-sampled', `${context.flags & 1}`);
  },
};

const field = (values: object, text: Text, find: Find, at: number): string | undefined => {
  const value = find(values, text, lower[at] as string) ?? find(values, text, mixed[at] as string);
  return value === undefined ? undefined : first(value);
};

/** The id in lower case; empty when it is none. */
const idOf = (value: string | undefined): string | undefined => {
  if (value === undefined) return undefined;
  // Nearly every id is in lower case, and to lower it would copy it.
  const id = isId(value, 0, value.length) ? value : value.toLowerCase();
  return (id.length === 16 || id.length === 32) && isId(id, 0, id.length) ? id : '';
};

const decisionOf = (sampled: string | undefined, flags: string | undefined): Start | undefined | string => {
  if (flags === '1') return debug;
  if (sampled === undefined) return undefined;
  if (/^(?:1|true)$/i.test(sampled)) return accept;
  return /^(?:0|false)$/i.test(sampled) ? deny : 'state';
};
