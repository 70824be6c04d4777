import type { Start, TraceContext } from '../../model/trace-context.ts';
import { contextOf, type Find, type Format, startOf, type Text } from '../format.ts';
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
    return header === undefined ? 'absent' : readXray(header);
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
  if (header === '') return 'empty';
  if (header.length > maxLength) return 'long';
  return readUsual(header) ?? readParts(header.toLowerCase());
};

/** As AWS writes it: parts in the usual order, lower case. */
const usual = /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01](?:;|$)/;

const readUsual = (header: string): TraceContext | undefined => {
  if (!usual.test(header) || !isId(header, 48, 64)) return undefined;
  const traceId = joined(header, 5);
  if (!isId(traceId, 0, 32)) return undefined;
  return contextOf(traceId, header.slice(48, 64), header.charCodeAt(73) === 49);
};

/** Parts in any order, with blanks around them; the first of a name counts. `header` is in lower case. */
const readParts = (header: string): TraceContext | Start | string => {
  const parts = new Map<string, string>();
  for (const part of header.split(';').reverse()) {
    const [name = '', value = ''] = part.trim().split('=', 2);
    parts.set(name, value);
  }
  const root = parts.get('root');
  if (root === undefined) return 'no-trace';
  if (!/^1-[0-9a-f]{8}-[0-9a-f]{24}$/.test(root)) return 'trace';
  const traceId = joined(root, 0);
  if (!isId(traceId, 0, 32)) return 'zeros';
  const state = parts.get('sampled') ?? '?';
  if (!/^[01?]$/.test(state)) return 'state';
  const sampled = state === '?' ? undefined : state === '1';
  const parent = parts.get('parent');
  if (parent === undefined) return startOf(traceId, sampled);
  return parent.length === 16 && isId(parent, 0, 16) ? contextOf(traceId, parent, sampled) : 'span';
};

/** Work space for one header, rewritten before every use. */
const scratch = Buffer.allocUnsafeSlow(42);

/** Both halves of a checked Root as one text. Two slices and their concatenation would take twice the memory. */
const joined = (header: string, root: number): string => {
  scratch.write(header, 'latin1');
  scratch.copyWithin(root + 3, root + 2, root + 10);
  return scratch.toString('latin1', root + 3, root + 35);
};
