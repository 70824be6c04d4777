import { jsonPlaces } from '../../message/places.ts';
import type { TraceContext } from '../../model/trace-context.ts';
import { extractFrom } from '../../propagation/extract.ts';
import { inject } from '../../propagation/inject.ts';
import type { Propagation } from '../../propagation/propagation.ts';
import { bytesOf, type Carry } from './client.ts';

/**
 * A JSON object with `_trace` spliced in as its first member, or undefined where the text is no object or there is no room. It is not
 * parsed and printed again: that costs more, and changes numbers that JavaScript cannot hold. First, so that a member of the same
 * name that was overlooked (spelled with escapes, say) wins, as the later one does for every reader.
 */
export const withTrace = (text: string, { context, baggage, using }: Carry, room: number): string | undefined => {
  const open = objectStart(text);
  if (open < 0) return undefined;
  const trace = traceOf({ context, baggage, using });
  const rest = text.slice(open + 1);
  const isEmpty = rest.trimStart().startsWith('}');
  const splice = `"_trace":${JSON.stringify(trace)}${isEmpty ? '' : ','}`;
  return bytesOf(splice) > room ? undefined : text.slice(0, open + 1) + splice + rest;
};

/** What `_trace` holds. */
export const traceOf = ({ context, baggage, using }: Pick<Carry, 'context' | 'baggage' | 'using'>) => {
  const trace: Record<string, string> = {};
  const set = (name: string, value: string): void => {
    trace[name] = value;
  };
  inject(context, set, using, baggage);
  return trace;
};

/** The context that a JSON object holds already. Parsed only where one of the usual names occurs in the text. */
export const carriedInJson = (text: unknown, using: Propagation): TraceContext | 'unreadable' | undefined => {
  if (typeof text !== 'string' || objectStart(text) < 0) return undefined;
  if (!text.includes('"_trace"') && !text.includes('race') && !text.includes('b3')) return undefined;
  const object: unknown = JSON.parse(text);
  if (typeof object !== 'object' || object === null) return undefined;
  for (const place of jsonPlaces('', (entry: unknown) => entry as object)) {
    const values = place.values(object);
    const found =
      values === undefined
        ? undefined
        : extractFrom(values, using, { ...place, values: (entry) => entry as object }).context;
    if (found !== undefined) return found;
  }
  return Object.hasOwn(object, '_trace') ? 'unreadable' : undefined;
};

/** Where the outermost brace of an object opens; -1 where the text is something else. */
const objectStart = (text: string): number => {
  let at = 0;
  while (at < text.length && text.charCodeAt(at) <= 32) at++;
  return text.charCodeAt(at) === 123 && text.trimEnd().endsWith('}') ? at : -1;
};
