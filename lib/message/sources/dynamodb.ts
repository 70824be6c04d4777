import type { Place } from '../../model/carrier.ts';
import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { parsedObject } from '../places.ts';
import { defineSource } from '../source.ts';
import { at, dynamoText, numberAt, objectAt, stringAt } from '../text.ts';

interface StreamRecord {
  readonly eventName?: string;
  readonly dynamodb?: object;
}

type Image = 'NewImage' | 'OldImage';

/** A removed item's context was left by whoever wrote it last: no parent of the removal. */
const imageOf = (record: StreamRecord, image: Image): object | undefined =>
  image === 'NewImage' || objectAt(record.dynamodb, 'NewImage') === undefined
    ? objectAt(record.dynamodb, image)
    : undefined;

const placesOf = (image: Image): Place<StreamRecord>[] => {
  const old = image === 'OldImage' ? ({ stale: true } as const) : {};
  const map = (name: string): Place<StreamRecord> => ({
    path: `${image}.${name}`,
    values: (record) => mapOf(at(imageOf(record, image), name)),
    text: anyText,
    ...old,
  });
  return [
    {
      path: `${image}._tp`,
      values: (record) => {
        const traceparent = dynamoText(at(imageOf(record, image), '_tp'));
        return traceparent === undefined ? undefined : { traceparent };
      },
      text: anyText,
      ...old,
    },
    map('_otel'),
    map('_trace'),
    map('_datadog'),
    map('metadata'),
    map('headers'),
    { path: `${image}`, values: (record) => flattened(imageOf(record, image)), text: anyText, ...old },
  ];
};

function anyText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : dynamoText(value);
}

/** Amazon DynamoDB Streams: context only where the item itself holds it, and only with the new image. */
export const dynamodb = defineSource<{ readonly Records?: unknown }, StreamRecord>({
  name: 'dynamodb',
  system: 'aws.dynamodb',
  trigger: 'datasource',
  partialFailures: 'by-first',
  entries: (event) => {
    const list = event?.Records;
    return Array.isArray(list) && list.length > 0 && isRecord(list[0]) ? list : undefined;
  },
  claims: isRecord,
  layer: { name: 'dynamodb', places: [...placesOf('NewImage'), ...placesOf('OldImage')] },
  details: (record) => {
    const arn = stringAt(record, 'eventSourceARN');
    const written = numberAt(record.dynamodb, 'ApproximateCreationDateTime');
    const sequence = stringAt(record.dynamodb, 'SequenceNumber');
    return defined<Details>({
      failureId: sequence,
      messageId: stringAt(record, 'eventID'),
      sentAt: written === undefined ? undefined : Math.round(written < 1e11 ? written * 1000 : written),
      destination: nameOf(arn),
      offset: sequence,
      arn,
    });
  },
  body: (record) => (record.dynamodb === undefined ? undefined : JSON.stringify(record.dynamodb)),
});

/** An attribute that is a map, or a JSON text. */
const mapOf = (value: unknown): object | undefined => {
  const map = objectAt(value, 'M');
  if (map !== undefined) return map;
  const text = dynamoText(value);
  return text === undefined ? undefined : parsedObject(text);
};

/** Attributes named `_otel.traceparent`, without a map around them, are seen as well. */
const flattened = (image: object | undefined): object | undefined => {
  if (image === undefined || !Object.keys(image).some((name) => name.startsWith('_otel.'))) return image;
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name.replace(/^_otel\./, ''), value]));
};

function isRecord(entry: unknown): boolean {
  return (
    at(entry, 'eventSource') === 'aws:dynamodb' ||
    (at(entry, 'eventSource') === undefined && objectAt(entry, 'dynamodb') !== undefined)
  );
}
