import type { Layer, Nested, Place } from '../../model/carrier.ts';
import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { alsoInside } from '../inside.ts';
import { headerOf, parsedObject } from '../places.ts';
import { defineLayer, defineSource } from '../source.ts';
import { at, dynamoText, numberAt, objectAt, stringAt } from '../text.ts';
import { openData } from './kinesis.ts';

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
        const value = at(imageOf(record, image), '_tp');
        const traceparent = anyText(value);
        return traceparent === undefined ? mapOf(value) : { traceparent };
      },
      text: anyText,
      ...old,
    },
    map('_otel'),
    map('_trace'),
    map('_datadog'),
    map('metadata'),
    map('headers'),
    map('trace'),
    map('traceContext'),
    map('trace_context'),
    { path: `${image}`, values: (record) => flattened(imageOf(record, image)), text: anyText, ...old },
  ];
};

function anyText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : dynamoText(value);
}

/** Attributes in which an outbox keeps the message itself. */
const contents = ['payload', 'body', 'data', 'message', 'event', 'detail', 'envelope'];

/** Only of the new image: a removed item's message was sent long ago. */
const openContent = (record: StreamRecord, bytesLeft: number, names: readonly string[]): Nested | undefined => {
  const image = objectAt(record.dynamodb, 'NewImage');
  for (const name of image === undefined ? [] : contents) {
    const nested = openData(`NewImage.${name}`, plainOf(at(image, name), 0), bytesLeft, names);
    if (nested !== undefined) return nested;
  }
  return undefined;
};

/** An attribute value as plain JSON, a few levels deep: context never lies deeper. */
const plainOf = (value: unknown, depth: number): unknown => {
  const map = objectAt(value, 'M');
  if (map === undefined) return at(value, 'B') ?? dynamoText(value);
  return depth > 3
    ? undefined
    : Object.fromEntries(Object.entries(map).map(([name, each]) => [name, plainOf(each, depth + 1)]));
};

const layer: Layer<StreamRecord> = {
  name: 'dynamodb',
  places: [...placesOf('NewImage'), ...placesOf('OldImage')],
  within: openContent,
};
alsoInside(isRecord, defineLayer(layer));

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
  layer,
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
  return text === undefined ? undefined : (parsedObject(text) ?? headerOf(text));
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
