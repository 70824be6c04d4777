import { sources } from '#tidemark.sources';
import type { Details, Message, Source } from '../model/message.ts';
import { calledWith, invoke } from './sources/invoke.ts';
import { at, objectAt } from './text.ts';

/** The part of a Lambda context that messages can come from. */
export interface CallContext {
  readonly clientContext?: unknown;
}

/**
 * The records of an event, in order; an event of unknown shape is one record of source `invoke`. Never throws.
 * The source is decided record by record: pipes and replays mix them. Nothing is parsed or copied here.
 */
export const recordsOf = (event: unknown, context?: CallContext): readonly Message[] =>
  recordsAs(event, context, (source, index, entry, whole) => ({ source, index, entry, event: whole }));

/** The same, as whatever the caller makes of them. */
export const recordsAs = <Made>(
  event: unknown,
  context: CallContext | undefined,
  make: (source: Source, index: number, entry: unknown, event: unknown) => Made,
): Made[] => {
  if (Array.isArray(event)) return event.map((entry, index) => make(claimedBy(entry), index, entry, event));
  const records = at(event, 'Records') ?? at(event, 'Messages');
  const custom = context === undefined ? undefined : customOf(context.clientContext);
  for (const source of sources) {
    const entries = source === invoke ? undefined : source.entries(event);
    if (entries === undefined) continue;
    // Only `Invoke` has a client context: a payload shaped like somebody's event is still the payload of a call.
    if (custom !== undefined && entries[0] === event) break;
    const messages: Made[] = [];
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      const own = typeof entry === 'object' && entry !== null && (entries !== records || source.claims(entry));
      messages.push(make(own ? source : claimedBy(entry), index, entry, event));
    }
    return messages;
  }
  if (Array.isArray(records)) return records.map((entry, index) => make(claimedBy(entry), index, entry, event));
  if (custom !== undefined) return [make(invoke, 0, calledWith(event, custom), event)];
  return [make(claimedBy(event), 0, event, event)];
};

/** What is known of a message besides its content. Worked out at each call: keep it. */
export const detailsOf = ({ source, entry, event }: Message): Details => source.details(entry, event);

/** The content, as a handler wants it: text, or bytes where the transport carries bytes. */
export const bodyOf = ({ source, entry }: Message): string | Uint8Array | undefined => source.body(entry);

const claimedBy = (entry: unknown): Source => {
  if (typeof entry !== 'object' || entry === null) return invoke;
  return sources.find((source) => source.claims(entry)) ?? invoke;
};

/** What the caller of `Invoke` said: `custom`, in the casing of whichever client, as an object or as JSON or base64 of it. */
const customOf = (clientContext: unknown): object | undefined => {
  const context = typeof clientContext === 'string' ? parsedContext(clientContext) : clientContext;
  const custom = objectAt(context, 'custom') ?? objectAt(context, 'Custom');
  if (custom !== undefined) return custom;
  return typeof context === 'object' && context !== null ? context : undefined;
};

const parsedContext = (text: string): unknown => {
  try {
    const plain = text.trimStart().startsWith('{') ? text : Buffer.from(text, 'base64').toString('utf8');
    return JSON.parse(plain);
  } catch {
    return undefined;
  }
};
