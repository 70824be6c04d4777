import type { Start, TraceContext } from '../../model/trace-context.ts';
import type { Find, Format, Text } from '../format.ts';
import { isId } from '../hex.ts';

const spellings = ['AWSTraceHeader', 'x-amzn-trace-id', 'X-Amzn-Trace-Id', 'TraceHeader', '_X_AMZN_TRACE_ID'];

/** AWS X-Ray: `Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled={0|1|?}`, parts in any order, unknown ones ignored. */
export const xray: Format = {
  name: 'xray',
  family: 'xray',
  fields: ['X-Amzn-Trace-Id'],
  marks: spellings,
  read: (values, text, find) => {
    const header = headerIn(values, text, find);
    return header === undefined ? 'has no text value' : readXray(header);
  },
  write: (context, set) => {
    set('X-Amzn-Trace-Id', xrayHeader(context));
  },
};

/** The header's text: also what goes into the SQS system attribute `AWSTraceHeader`. */
export const xrayHeader = (context: TraceContext): string => {
  const sampled = context.deferred === true ? '' : (context.flags & 1) === 1 ? ';Sampled=1' : ';Sampled=0';
  return `Root=1-${context.traceId.slice(0, 8)}-${context.traceId.slice(8)};Parent=${context.spanId}${sampled}`;
};

const headerIn = (values: object, text: Text, find: Find): string | undefined => {
  for (const name of spellings) {
    const header = find(values, text, name);
    if (header !== undefined) return header;
  }
  return undefined;
};

/** Longer headers are not X-Ray's: Lineage is bounded, and AWS caps the whole. */
const maxLength = 2048;

const readXray = (header: string): TraceContext | Start | string => {
  if (header === '') return 'is empty';
  if (header.length > maxLength) return 'is longer than 2048 characters';
  const root = part(header, 'root=')?.toLowerCase();
  if (root === undefined) return 'has no Root';
  if (root.length !== 35 || root.charCodeAt(0) !== 49 || root.charCodeAt(1) !== 45 || root.charCodeAt(10) !== 45) {
    return 'has a Root that is not 1-{8 hex}-{24 hex}';
  }
  const traceId = root.slice(2, 10) + root.slice(11);
  if (!isId(traceId, 0, 32)) return 'has a Root that is not 1-{8 hex}-{24 hex}, or all zero';
  const state = part(header, 'sampled=');
  const spanId = part(header, 'parent=')?.toLowerCase();
  if (spanId === undefined || spanId.length !== 16 || !isId(spanId, 0, 16)) {
    return state === '1' || state === '0' ? { traceId, sampled: state === '1' } : { traceId };
  }
  if (state === '1' || state === '0') return { traceId, spanId, flags: state === '1' ? 1 : 0, traceState: undefined };
  return { traceId, spanId, flags: 0, traceState: undefined, deferred: true };
};

/** The value of `name` (in lower case, with its `=`): what stands between it and the next `;`. */
const part = (header: string, name: string): string | undefined => {
  let start = 0;
  while (start < header.length) {
    const semicolon = header.indexOf(';', start);
    const end = semicolon < 0 ? header.length : semicolon;
    while (start < end && header.charCodeAt(start) === 32) start++;
    if (end - start >= name.length && header.slice(start, start + name.length).toLowerCase() === name) {
      return header.slice(start + name.length, end).trim();
    }
    start = end + 1;
  }
  return undefined;
};
