import type { Layer, Nested, Place } from '../model/carrier.ts';
import type { Message } from '../model/message.ts';
import type { BaggageEntry, ContextLink, Extracted, LinkReason, Start, TraceContext } from '../model/trace-context.ts';
import { readBaggage } from './baggage.ts';
import { type Format, isContext } from './format.ts';
import { fieldText, findAny, findExact, irregular, type Name, scan, spelledIn } from './lookup.ts';
import { baggageBit, type Propagation, type Rules, standard } from './propagation.ts';

/** What extraction saw on its way; handed in by `explain`, which thereby runs the same readers to the end. */
export interface Notes {
  readonly saw: (path: string, format: Format, read: TraceContext | Start | string, place: Place) => void;
  /** A layer that stayed closed; without a reason, it lay too deep. */
  readonly closed: (path: string, reason: string | undefined) => void;
}

/** Bounds on what one message may cost: wrappings peeled, and text parsed for them in all: less than twice the longest message. */
export const peelLimits = { layers: 6, bytes: 1.5 * 1024 * 1024 } as const;

/** The answer when there is nothing: shared, so that finding nothing allocates nothing. */
const nothing: Extracted = Object.freeze({
  context: undefined,
  links: Object.freeze([]),
  baggage: undefined,
  format: undefined,
  path: undefined,
});

/**
 * The trace context of one message, as its source's policy has it. Never throws.
 * The application's own words are read first, from the outermost layer inwards; what the broker wrote comes last.
 */
export const extract = (message: Message, using: Propagation = standard, notes?: Notes): Extracted => {
  const { source, entry } = message;
  const rules = using.rulesBySource?.[source.name] ?? using.rules;
  let found = readLayer(using, rules, source.layer, entry, false, undefined, notes);
  if (source.layer.within !== undefined && (found.context === undefined || notes !== undefined)) {
    found = merged(found, peel(using, rules, source.layer, entry, notes));
  }
  if (found.context === undefined || notes !== undefined || using.brokerLinks) {
    found = withBroker(using, found, readLayer(using, rules, source.layer, entry, true, undefined, notes));
  }
  return rules.plain ? found : governed(found, rules, message);
};

/** The contexts that a plain map of names carries: HTTP headers, for one. */
export const extractFrom = (values: object, using: Propagation = standard, place: Place = plainPlace): Extracted =>
  readLayer(using, using.rules, { name: '', places: [place] }, values, false, undefined, undefined);

const plainPlace: Place = {
  path: '',
  values: (entry) => entry as object,
  text: fieldText,
};

/** Layer by layer inwards, until one holds a context. */
const peel = (using: Propagation, rules: Rules, outer: Layer, entry: unknown, notes: Notes | undefined): Extracted => {
  let layer = outer;
  let current = entry;
  let prefix = outer.name;
  let bytesLeft: number = peelLimits.bytes;
  let best = nothing;
  for (let depth = 0; layer.within !== undefined; depth++) {
    const nested: Nested | undefined = layer.within(current, bytesLeft, using.markers);
    if (nested === undefined) break;
    const path = joined(prefix, nested.path);
    if (nested.layer === undefined || depth >= peelLimits.layers) {
      notes?.closed(path, nested.refused);
      break;
    }
    bytesLeft -= nested.bytes;
    prefix = `${path}>${nested.layer.name}`;
    layer = nested.layer;
    current = nested.entry;
    best = merged(best, readLayer(using, rules, layer, current, false, prefix, notes));
    if (best.context !== undefined && notes === undefined) break;
  }
  return best;
};

/** The outer answer, filled up from the inner one. */
const merged = (outer: Extracted, inner: Extracted): Extracted => {
  if (inner === nothing || outer.context !== undefined) return outer;
  if (outer === nothing) return inner;
  const links = outer.links.length === 0 ? inner.links : [...outer.links, ...inner.links];
  const baggage = outer.baggage ?? inner.baggage;
  if (inner.context !== undefined) return { ...inner, links, baggage };
  return { ...(outer.start === undefined ? inner : outer), links, baggage };
};

/** What only the broker wrote: taken when the application said nothing, and a link only where that is asked for. */
const withBroker = (using: Propagation, found: Extracted, broker: Extracted): Extracted => {
  if (broker.context === undefined || found.context === undefined) return merged(found, broker);
  if (!using.brokerLinks || isSameTrace(broker.context, found.context)) return found;
  return { ...found, links: [...found.links, linkTo(broker.context, 'conflict', broker.format, broker.path)] };
};

const linkTo = (
  context: TraceContext,
  reason: LinkReason,
  format: string | undefined,
  path: string | undefined,
): ContextLink => ({ context, reason, format: format ?? '', path: path ?? '' });

/** One layer, all its places and every format in one pass over its keys. Allocates only its answer. */
const readLayer = (
  using: Propagation,
  rules: Rules,
  layer: Layer,
  entry: unknown,
  broker: boolean,
  prefix: string | undefined,
  notes: Notes | undefined,
): Extracted => {
  let context: TraceContext | undefined;
  let start: Start | undefined;
  let rank = using.reads.length;
  let path: string | undefined;
  let baggage: readonly BaggageEntry[] | undefined;
  let links: ContextLink[] | undefined;
  const { places } = layer;
  for (let index = 0; index < places.length; index++) {
    const place = places[index] as Place;
    if ((place.broker ?? false) !== broker) continue;
    const values = place.values(entry);
    if (values === undefined) continue;
    const mask = scan(values, using.names);
    if (mask === 0) continue;
    const find = (mask & irregular) === 0 ? findExact : findAny;
    if ((mask & baggageBit) !== 0 && using.carriesBaggage && baggage === undefined && !place.stale) {
      const header = find(values, place.text, 'baggage');
      if (header !== undefined) baggage = readBaggage(header, rules.baggage);
    }
    for (let at = 0; at < using.reads.length; at++) {
      const bits = mask & (using.bits[at] as number);
      if (bits === 0) continue;
      const format = using.reads[at] as (typeof using.reads)[number];
      // Most often a second format speaks of the same trace: to see that costs less than to read it.
      if (context !== undefined && at >= rank && notes === undefined) {
        const header = find(values, place.text, nameIn(using, bits).spelled);
        if (header !== undefined && speaksOf(header, context.traceId)) continue;
      }
      const read = format.read(values, place.text, find);
      if (notes === undefined && typeof read === 'string') continue;
      const here = pathOf(using, layer, place, values, mask, bits, prefix);
      notes?.saw(here, format, read, place);
      if (typeof read === 'string') continue;
      if (!isContext(read)) {
        if (context === undefined && !place.stale) {
          if (start === undefined) path = here;
          start = { ...read, ...start };
          if (rank > at) rank = at;
        }
        continue;
      }
      if (place.stale) {
        links = [...(links ?? []), linkTo(read, 'stale', format.name, here)];
      } else if (context === undefined || at < rank) {
        if (context !== undefined) links = conflict(using, links, context, rank, path, read);
        context = read;
        rank = at;
        path = here;
      } else {
        links = conflict(using, links, read, at, here, context);
      }
    }
  }
  if (context === undefined && start === undefined && links === undefined && baggage === undefined) return nothing;
  const found = { context, links: links ?? nothing.links, baggage, format: using.reads[rank]?.name, path };
  return context === undefined && start !== undefined ? { ...found, start } : found;
};

/** Whether a header starts with an id, as B3's do, or as X-Ray's `Root=1-` with a dash in it. Cutting the id up would cost memory. */
const speaksOf = (header: string, traceId: string): boolean => {
  if (header.charCodeAt(0) !== 82) return header.startsWith(traceId);
  for (let digit = 0; digit < 32; digit++) {
    if (header.charCodeAt(digit + (digit < 8 ? 7 : 8)) !== traceId.charCodeAt(digit)) return false;
  }
  return true;
};

/** Adds the loser as a link, unless it is of the winner's trace: that is agreement. */
const conflict = (
  using: Propagation,
  links: ContextLink[] | undefined,
  loser: TraceContext,
  rank: number,
  path: string | undefined,
  winner: TraceContext,
): ContextLink[] | undefined => {
  if (!using.conflictLinks || isSameTrace(loser, winner)) return links;
  return [...(links ?? []), linkTo(loser, 'conflict', using.reads[rank]?.name, path)];
};

/** Equal ids; or equal lower halves where one side only knows 64 bits. */
export const isSameTrace = (a: TraceContext, b: TraceContext): boolean => {
  if (a.traceId === b.traceId) return true;
  if (!isHalf(a.traceId) && !isHalf(b.traceId)) return false;
  return a.traceId.endsWith(b.traceId.slice(16));
};

/** 64 bits: an upper half of zeros, or, as Datadog's Java tracer writes into X-Ray, a time and then zeros. */
const isHalf = (traceId: string): boolean => traceId.startsWith('00000000', 8);

/** Where the format's first name was found. Kept as text for places at the top, whose number is fixed. */
const pathOf = (
  using: Propagation,
  layer: Layer,
  place: Place,
  values: object,
  mask: number,
  bits: number,
  prefix: string | undefined,
): string => {
  if (prefix !== undefined || (mask & irregular) !== 0) {
    return joined(prefix ?? layer.name, place.path, spelledIn(values, nameIn(using, bits)));
  }
  return (using.paths.get(place) ?? keepPaths(using, layer, place))[slotOf(bits)] as string;
};

/** The position of the lowest bit. */
const slotOf = (bits: number): number => 31 - Math.clz32(bits & -bits);

const nameIn = (using: Propagation, bits: number): Name => using.names.all[slotOf(bits)] as Name;

/** By itself, since a closure would cost its function a context at every call. */
const keepPaths = (using: Propagation, layer: Layer, place: Place): readonly string[] => {
  const paths = using.names.all.map(({ spelled }) => joined(layer.name, place.path, spelled));
  using.paths.set(place, paths);
  return paths;
};

const joined = (...parts: string[]): string => parts.filter((part) => part !== '').join('.');

/** The policy of a source that does not simply continue. */
const governed = (found: Extracted, rules: Rules, message: Message): Extracted => {
  if (found === nothing) return found;
  if (rules.policy === 'ignore') return nothing;
  const trusted = rules.trustedAccounts === undefined || isTrusted(rules.trustedAccounts, message);
  if (rules.policy === 'continue' && trusted) return found;
  const { context, format, path, links } = found;
  const baggage = trusted ? found.baggage : undefined;
  if (context === undefined) return { context, links, baggage, format: undefined, path: undefined };
  // The trace ends here: its `tracestate` has no meaning in the next one, and its decision does not bind us.
  const ended = linkTo({ ...context, traceState: undefined }, trusted ? 'restarted' : 'untrusted', format, path);
  return { context: undefined, links: [ended, ...links], baggage, format, path };
};

const isTrusted = (accounts: readonly string[], { source, entry, event }: Message): boolean =>
  accounts.includes(source.details(entry, event).arn?.split(':')[4] ?? 'unknown');
