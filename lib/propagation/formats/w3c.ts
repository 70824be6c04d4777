import type { TraceContext } from '../../model/trace-context.ts';
import type { Find, Format, Text } from '../format.ts';
import { digitAt, isId } from '../hex.ts';

/** W3C Trace Context level 2: `traceparent` and `tracestate`. */
export const w3c: Format = {
  name: 'w3c',
  family: 'w3c',
  fields: ['traceparent', 'tracestate'],
  marks: ['traceparent', 'ce-traceparent', 'ce_traceparent', 'cloudEvents:traceparent', 'cloudEvents_traceparent'],
  read: (values, text, find) => {
    const header = find(values, text, 'traceparent');
    if (header === undefined) return readCloudEvent(values, text, find);
    const refusal = refusalOf(header);
    if (refusal !== undefined) return refusal;
    return contextOf(header, find(values, text, 'tracestate'));
  },
  write: (context, set) => {
    // A bad `tracestate` never leaves, and none leaves when `traceparent` found no room.
    if (set('traceparent', traceparent(context)) === false) return;
    if (context.traceState !== undefined && context.traceState !== '') set('tracestate', context.traceState);
  },
};

/** What CloudEvents in binary mode put before their attributes: HTTP, Kafka, AMQP. */
const cloudEventPrefixes = ['ce-', 'ce_', 'cloudEvents:', 'cloudEvents_'] as const;

/** The distributed-tracing extension of CloudEvents: the creation context, asked when the transport carries none of its own. */
const readCloudEvent = (values: object, text: Text, find: Find): TraceContext | string => {
  for (const prefix of cloudEventPrefixes) {
    const header = find(values, text, `${prefix}traceparent`);
    if (header === undefined) continue;
    const refusal = refusalOf(header);
    return refusal ?? contextOf(header, find(values, text, `${prefix}tracestate`));
  }
  return 'absent';
};

const contextOf = (header: string, state: string | undefined): TraceContext => ({
  traceId: header.slice(3, 35),
  spanId: header.slice(36, 52),
  flags: digitAt(header, 54) & 3,
  traceState: state === undefined ? undefined : acceptedState(state),
});

const endings = ['-00', '-01', '-02', '-03'] as const;

/** Version 00 knows two flags; a deferred decision is written as not sampled, since W3C cannot say it. */
export const traceparent = (context: TraceContext): string =>
  `00-${context.traceId}-${context.spanId}${endings[context.flags & 3]}`;

const dash = 45;

/** Why a `traceparent` is not one; undefined when it is. */
const refusalOf = (header: string): string | undefined => {
  if (header.length < 55) return header === '' ? 'empty' : 'short';
  const major = digitAt(header, 0);
  const minor = digitAt(header, 1);
  if (major > 15 || minor > 15) return 'version';
  if (major === 15 && minor === 15) return 'ff';
  if (header.length > 55) {
    if (major === 0 && minor === 0) {
      return header.includes(',') ? 'repeated' : 'long';
    }
    if (header.charCodeAt(55) !== dash) return 'tail';
  }
  if (header.charCodeAt(2) !== dash || header.charCodeAt(35) !== dash || header.charCodeAt(52) !== dash) {
    return 'dashes';
  }
  if (!isId(header, 3, 35)) return 'trace';
  if (!isId(header, 36, 52)) return 'span';
  if (digitAt(header, 53) > 15 || digitAt(header, 54) > 15) return 'flags';
  return undefined;
};

/** A `tracestate` as it came, or undefined: one bad member discards the whole header, since none can be trusted then. */
export const acceptedState = (header: string): string | undefined => {
  let members = 0;
  let start = 0;
  for (let at = 0; at <= header.length; at++) {
    if (at < header.length && header.charCodeAt(at) !== 44) continue;
    const kind = memberKind(header, start, at);
    if (kind === bad) return undefined;
    if (kind === good && ++members > 32) return undefined;
    start = at + 1;
  }
  return members === 0 ? undefined : header;
};

const empty = 0;
const good = 1;
const bad = 2;

const isBlank = (code: number): boolean => code === 32 || code === 9;

const memberKind = (header: string, from: number, to: number): typeof empty | typeof good | typeof bad => {
  while (from < to && isBlank(header.charCodeAt(from))) from++;
  while (to > from && isBlank(header.charCodeAt(to - 1))) to--;
  if (from === to) return empty;
  let at = from;
  for (; at < to; at++) {
    const code = header.charCodeAt(at);
    if (code === 61) break;
    if (!isKeyCode(code, at === from)) return bad;
  }
  if (at === to || at === from || at - from > 256) return bad;
  const size = to - at - 1;
  if (size < 1 || size > 256) return bad;
  for (at++; at < to; at++) {
    const code = header.charCodeAt(at);
    if (code < 32 || code > 126 || code === 61) return bad;
  }
  return good;
};

const isKeyCode = (code: number, isFirst: boolean): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 48 && code <= 57) ||
  (!isFirst && (code === 95 || code === 45 || code === 42 || code === 47 || code === 64));
