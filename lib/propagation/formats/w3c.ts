import type { TraceContext } from '../../model/trace-context.ts';
import type { Format } from '../format.ts';
import { digitAt, isId } from '../hex.ts';

/** Besides the transport's own names those of the CloudEvents extension, which holds the creation context, in binary mode over HTTP, Kafka and AMQP. */
const names = ['', 'ce-', 'ce_', 'cloudEvents:', 'cloudEvents_'].map(
  (prefix) => [`${prefix}traceparent`, `${prefix}tracestate`] as const,
);

/** W3C Trace Context level 2: `traceparent` and `tracestate`. */
export const w3c: Format = {
  name: 'w3c',
  family: 'w3c',
  fields: ['traceparent', 'tracestate'],
  marks: names.map(([parent]) => parent),
  read: (values, text, find) => {
    for (let at = 0; at < names.length; at++) {
      const [parent, state] = names[at] as (typeof names)[number];
      const header = find(values, text, parent);
      if (header !== undefined) return readHeaders(header, find(values, text, state));
    }
    return 'absent';
  },
  write: writeW3c,
};

/** A bad `tracestate` never leaves, and none leaves when `traceparent` found no room. */
export function writeW3c(context: TraceContext, set: (name: string, value: string) => unknown): void {
  if (set('traceparent', traceparent(context)) === false) return;
  if (context.traceState !== undefined && context.traceState !== '') set('tracestate', context.traceState);
}

const readHeaders = (header: string, state: string | undefined): TraceContext | string =>
  refusalOf(header) ?? {
    traceId: header.slice(3, 35),
    spanId: header.slice(36, 52),
    flags: digitAt(header, 54) & 3,
    traceState: state === undefined ? undefined : acceptedState(state),
  };

const endings = ['-00', '-01', '-02', '-03'] as const;

/** Version 00 knows two flags; a deferred decision is written as not sampled, since W3C cannot say it. */
export const traceparent = (context: TraceContext): string =>
  `00-${context.traceId}-${context.spanId}${endings[context.flags & 3]}`;

const dash = 45;

/** Why a `traceparent` is not one; undefined when it is. */
const refusalOf = (header: string): string | undefined => {
  if (header.length !== 55 || header.charCodeAt(0) !== 48 || header.charCodeAt(1) !== 48) {
    const refusal = otherVersion(header);
    if (refusal !== undefined) return refusal;
  }
  if (header.charCodeAt(2) !== dash || header.charCodeAt(35) !== dash || header.charCodeAt(52) !== dash) {
    return 'dashes';
  }
  if (!isId(header, 3, 35)) return 'trace';
  if (!isId(header, 36, 52)) return 'span';
  return (digitAt(header, 53) | digitAt(header, 54)) > 15 ? 'flags' : undefined;
};

/** What is to be said of a header that does not start like one of version 00, or is longer or shorter. */
const otherVersion = (header: string): string | undefined => {
  if (header.length < 55) return header === '' ? 'empty' : 'short';
  const version = header.slice(0, 2);
  if (!/^[0-9a-f]{2}$/.test(version)) return 'version';
  if (version === 'ff') return 'ff';
  if (header.length === 55) return undefined;
  if (version === '00') return header.includes(',') ? 'repeated' : 'long';
  return header.charCodeAt(55) === dash ? undefined : 'tail';
};

/** One member, or nothing, with blanks around it. Nowhere can two parts take the same blank, so that it is matched in linear time. */
const member = '[ \\t]*(?:[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\\--<>-~]{0,255}[!-+\\--<>-~][ \\t]*)?';
const members = new RegExp(`^${member}(?:,${member})*$`);

/** A member has exactly one `=`, and there are 32 members at most. */
const tooMany = /^[^=]*(?:=[^=]*){33}/;

/** A `tracestate` as it came, or undefined: one bad member discards the whole header, since none can be trusted then. */
export const acceptedState = (header: string): string | undefined =>
  header.includes('=') && members.test(header) && (header.length < 99 || !tooMany.test(header)) ? header : undefined;
