import type { Details } from '../../model/message.ts';
import { defined } from '../arn.ts';
import { defineSource } from '../source.ts';
import { at, objectAt, stringAt } from '../text.ts';

type EdgeRecord = Readonly<Record<string, unknown>>;

const requestOf = (record: EdgeRecord): object | undefined => objectAt(record['cf'], 'request');

/** CloudFront: Lambda@Edge. Names are in lower case, each with a list of `{ key, value }`. */
export const edge = defineSource<{ readonly Records?: unknown }, EdgeRecord>({
  name: 'edge',
  system: undefined,
  trigger: 'http',
  partialFailures: 'none',
  entries: (event) => {
    const list = event?.Records;
    return Array.isArray(list) && list.length > 0 && isRecord(list[0]) ? list : undefined;
  },
  claims: isRecord,
  layer: {
    name: 'edge',
    places: [{ path: 'request.headers', values: (record) => objectAt(requestOf(record), 'headers'), text: edgeText }],
  },
  details: (record) =>
    defined<Details>({
      messageId: stringAt(at(record['cf'], 'config'), 'requestId'),
      destination: stringAt(requestOf(record), 'uri'),
    }),
  body: (record) => {
    const body = at(requestOf(record), 'body');
    const data = stringAt(body, 'data');
    return data !== undefined && at(body, 'encoding') === 'base64' ? Buffer.from(data, 'base64') : data;
  },
});

function edgeText(value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = value.map((each) => stringAt(each, 'value')).filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join(',');
}

function isRecord(entry: unknown): boolean {
  return objectAt(at(entry, 'cf'), 'request') !== undefined;
}
