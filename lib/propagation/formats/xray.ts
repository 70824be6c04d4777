import type { Start, TraceContext } from '../../model/trace-context.ts';
import type { Find, Format, Text } from '../format.ts';
import { isHex, isId } from '../hex.ts';

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
  const read = readLower(header);
  if (typeof read !== 'string') return read;
  const lower = header.toLowerCase();
  return lower === header ? read : readLower(lower);
};

/** Names are taken in any case, hex digits in lower case. */
const readLower = (header: string): TraceContext | Start | string => {
  let root = -1;
  let parent = -1;
  let sampled = -1;
  let rootEnd = 0;
  let parentEnd = 0;
  let sampledEnd = 0;
  for (let start = 0; start < header.length; ) {
    const semicolon = header.indexOf(';', start);
    const next = semicolon < 0 ? header.length : semicolon;
    let end = next;
    while (start < end && header.charCodeAt(start) === 32) start++;
    while (end > start && header.charCodeAt(end - 1) === 32) end--;
    if (root < 0 && isNamed(header, start, end, 'root=')) {
      root = start + 5;
      rootEnd = end;
    } else if (parent < 0 && isNamed(header, start, end, 'parent=')) {
      parent = start + 7;
      parentEnd = end;
    } else if (sampled < 0 && isNamed(header, start, end, 'sampled=')) {
      sampled = start + 8;
      sampledEnd = end;
    }
    start = next + 1;
  }
  if (root < 0) return 'no-trace';
  if (
    rootEnd - root !== 35 ||
    header.charCodeAt(root) !== 49 ||
    header.charCodeAt(root + 1) !== dash ||
    header.charCodeAt(root + 10) !== dash ||
    !isHex(header, root + 2, root + 10) ||
    !isHex(header, root + 11, root + 35)
  ) {
    return 'trace';
  }
  if (!isId(header, root + 2, root + 10) && !isId(header, root + 11, root + 35)) return 'zeros';
  const state = sampled < 0 || sampledEnd - sampled !== 1 ? 0 : header.charCodeAt(sampled);
  const traceId = joined(header, root);
  if (parent < 0 || parentEnd - parent !== 16 || !isId(header, parent, parentEnd)) {
    return state === 49 ? { traceId, sampled: true } : state === 48 ? { traceId, sampled: false } : { traceId };
  }
  const spanId = header.slice(parent, parentEnd);
  if (state === 49 || state === 48) return { traceId, spanId, flags: state - 48, traceState: undefined };
  return { traceId, spanId, flags: 0, traceState: undefined, deferred: true };
};

const dash = 45;

/** Whether the part at `start` begins with `name`, which is in lower case and ends with its `=`. */
const isNamed = (header: string, start: number, end: number, name: string): boolean => {
  if (end - start < name.length) return false;
  for (let at = 0; at < name.length - 1; at++) {
    if ((header.charCodeAt(start + at) | 32) !== name.charCodeAt(at)) return false;
  }
  return header.charCodeAt(start + name.length - 1) === 61;
};

/** Work space for one header, rewritten before every use. */
const scratch = Buffer.allocUnsafeSlow(256);

/** Both halves of a checked Root as one text. Two slices and their concatenation would take twice the memory. */
const joined = (header: string, root: number): string => {
  if (root + 35 > scratch.length) return header.slice(root + 2, root + 10) + header.slice(root + 11, root + 35);
  scratch.write(header, 0, 'latin1');
  for (let at = root + 10; at > root + 2; at--) scratch[at] = scratch[at - 1] as number;
  return scratch.toString('latin1', root + 3, root + 35);
};
