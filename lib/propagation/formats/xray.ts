import type { Start, TraceContext } from '../../model/trace-context.ts';
import { contextOf, type Format, startOf } from '../format.ts';
import { isId } from '../hex.ts';

const spellings = ['AWSTraceHeader', 'x-amzn-trace-id', 'X-Amzn-Trace-Id', 'TraceHeader', '_X_AMZN_TRACE_ID'];

/** AWS X-Ray: `Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled={0|1|?}`, parts in any order, unknown ones ignored. */
export const xray: Format = {
  name: 'xray',
  family: 'xray',
  fields: ['X-Amzn-Trace-Id'],
  marks: spellings,
  read: (values, text, find) => {
    for (const name of spellings) {
      const header = find(values, text, name);
      if (header !== undefined) return readXray(header);
    }
    return 'absent';
  },
  write: (context, set) => {
    set('X-Amzn-Trace-Id', xrayHeader(context));
  },
};

/** The header's text: also what goes into the SQS system attribute `AWSTraceHeader`. */
export const xrayHeader = (context: TraceContext): string => {
  const sampled = context.deferred ? '' : `;Sampled=${context.flags & 1}`;
  return `Root=1-${context.traceId.slice(0, 8)}-${context.traceId.slice(8)};Parent=${context.spanId}${sampled}`;
};

/** Longer headers are not X-Ray's: Lineage is bounded, and AWS caps the whole. */
const maxLength = 2048;

const readXray = (header: string): TraceContext | Start | string => {
  if (header === '') return 'empty';
  if (header.length > maxLength) return 'long';
  return readUsual(header) ?? readParts(header.toLowerCase());
};

/** As AWS writes it: parts in the usual order, lower case. */
const readUsual = (header: string): TraceContext | undefined => {
  const decision = header.charCodeAt(73) - 48;
  const end = header.charCodeAt(74);
  if (!header.startsWith(';Parent=', 40) || !header.startsWith(';Sampled=', 64)) return undefined;
  if ((decision !== 0 && decision !== 1) || (end !== 59 && header.length > 74)) return undefined;
  const traceId = header.startsWith('Root=') ? rootOf(header, 5) : undefined;
  return traceId === undefined || !isId(header, 48, 64)
    ? undefined
    : contextOf(traceId, header.slice(48, 64), decision === 1);
};

/** `1-{8 hex}-{24 hex}` from there on, as one id; undefined when it is none, or zero. */
const rootOf = (text: string, at: number): string | undefined => {
  if (!text.startsWith('1-', at) || text.charCodeAt(at + 10) !== 45) return undefined;
  for (let digit = 0; digit < 32; digit++) {
    // What is no byte must not become one.
    scratch[digit] = Math.min(text.charCodeAt(at + digit + (digit < 8 ? 2 : 3)), 255);
  }
  const id = scratch.latin1Slice(0, 32);
  return isId(id, 0, 32) ? id : undefined;
};

/** Work space for one id, rewritten before every use. Cut and put together again, an id in pieces would be twice as large. */
const scratch = Buffer.allocUnsafeSlow(32) as Buffer & { latin1Slice(start: number, end: number): string };

/** Parts in any order, with blanks around them; the first of a name counts. `header` is in lower case. */
const readParts = (header: string): TraceContext | Start | string => {
  const parts = new Map<string, string>();
  for (const part of header.split(';').reverse()) {
    const [name = '', value = ''] = part.trim().split('=', 2);
    parts.set(name, value);
  }
  const root = parts.get('root');
  if (root === undefined) return 'no-trace';
  const traceId = root.length === 35 ? rootOf(root, 0) : undefined;
  if (traceId === undefined) return 'trace';
  const state = parts.get('sampled') ?? '?';
  if (!/^[01?]$/.test(state)) return 'state';
  const sampled = state === '?' ? undefined : state === '1';
  const parent = parts.get('parent');
  if (parent === undefined) return startOf(traceId, sampled);
  return parent.length === 16 && isId(parent, 0, 16) ? contextOf(traceId, parent, sampled) : 'span';
};
