import type { Place } from '../../model/carrier.ts';
import { json, open } from '../layers.ts';
import { jsonPlaces } from '../places.ts';
import { defineSource } from '../source.ts';
import { at, headerText, jsonText, objectAt } from '../text.ts';

const context = Symbol('client context');

/** A payload together with what the caller put into `ClientContext`. */
interface Called {
  readonly payload: unknown;
  readonly [context]: object;
}

export const calledWith = (payload: unknown, custom: object): Called => ({ payload, [context]: custom });

const isCalled = (entry: unknown): entry is Called => typeof entry === 'object' && entry !== null && context in entry;

const contentOf = (entry: unknown): unknown => (isCalled(entry) ? entry.payload : entry);

const payloadOf = (entry: unknown): object | undefined => {
  const payload = contentOf(entry);
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? payload : undefined;
};

const customPlaces: Place<unknown>[] = jsonPlaces('clientContext.custom', (entry: unknown) =>
  isCalled(entry) ? entry[context] : undefined,
);

/** Where callers of certain services may say something: Cognito's client metadata, and the arguments of an S3 batch job. */
const saidPlaces = [
  ['request', 'clientMetadata'],
  ['job', 'userArguments'],
].map(
  ([outer = '', inner = '']): Place<unknown> => ({
    path: `${outer}.${inner}`,
    values: (entry) => objectAt(at(payloadOf(entry), outer), inner),
    text: jsonText,
  }),
);

/** A direct call: a Step Functions task, a schedule's input, an `Invoke` with or without client context, or an event of unknown shape. */
export const invoke = defineSource<unknown, unknown>({
  name: 'invoke',
  system: undefined,
  trigger: 'other',
  partialFailures: 'none',
  // Asked last: every event is at least this.
  entries: (event) => [event],
  claims: () => true,
  layer: {
    name: 'event',
    places: [...jsonPlaces('', payloadOf), ...customPlaces, ...saidPlaces].map((place) => ({
      ...place,
      text: (value) => place.text(value) ?? headerText(value),
    })),
    within: (entry, bytesLeft, names) => {
      const payload = contentOf(entry);
      if (typeof payload === 'string') return open('', payload, bytesLeft, names);
      const object = payloadOf(entry);
      if (object === undefined) return undefined;
      const nested = open('', object, bytesLeft, names);
      // Somebody's plain JSON was read above, as the event itself: what is left is what it wraps.
      return nested?.layer === json ? json.within?.(object, bytesLeft, names) : nested;
    },
  },
  details: () => ({}),
  body: (entry) => {
    const payload = contentOf(entry);
    return typeof payload === 'string' ? payload : JSON.stringify(payload);
  },
});
