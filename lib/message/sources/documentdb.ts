import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { json } from '../layers.ts';
import { jsonPlaces } from '../places.ts';
import { defineSource } from '../source.ts';
import { at, numberAt, objectAt, stringAt } from '../text.ts';

type Change = Readonly<Record<string, unknown>>;

/** The document as it is after the change: what a deletion removes, nobody wrote with it. */
const documentOf = (entry: Change): object | undefined => objectAt(entry['event'], 'fullDocument');

/** Change streams of Amazon DocumentDB: context only where the document itself holds it. */
export const documentdb = defineSource<{ readonly eventSourceArn?: unknown; readonly events?: unknown }, Change>({
  name: 'documentdb',
  system: 'aws.documentdb',
  trigger: 'datasource',
  partialFailures: 'none',
  entries: (event) => {
    const list = event?.events;
    return Array.isArray(list) && list.length > 0 && list.every(isChange) ? (list as Change[]) : undefined;
  },
  claims: isChange,
  layer: {
    name: 'documentdb',
    places: jsonPlaces('fullDocument', documentOf),
    within: (entry, bytesLeft, names) => {
      const nested = json.within?.(documentOf(entry), bytesLeft, names);
      return nested === undefined ? undefined : { ...nested, path: `fullDocument.${nested.path}` };
    },
  },
  details: (entry, event) => {
    const change = entry['event'];
    const seconds = numberAt(at(at(change, 'clusterTime'), '$timestamp'), 't');
    return defined<Details>({
      messageId: stringAt(at(change, '_id'), '_data'),
      sentAt: seconds === undefined ? undefined : seconds * 1000,
      destination: stringAt(at(change, 'ns'), 'coll') ?? nameOf(stringAt(event, 'eventSourceArn')),
      arn: stringAt(event, 'eventSourceArn'),
    });
  },
  body: (entry) => {
    const document = documentOf(entry);
    return document === undefined ? undefined : JSON.stringify(document);
  },
});

function isChange(entry: unknown): boolean {
  const change = at(entry, 'event');
  return typeof at(change, 'operationType') === 'string' && objectAt(change, 'ns') !== undefined;
}
