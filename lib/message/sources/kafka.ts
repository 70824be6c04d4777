import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { datadogPlace, headerMap } from '../places.ts';
import { defineSource } from '../source.ts';
import { at, brokerText, indexed, numberAt, objectAt, stringAt } from '../text.ts';
import { openData } from './kinesis.ts';

type KafkaRecord = Readonly<Record<string, unknown>>;

interface KafkaEvent {
  readonly eventSource?: unknown;
  readonly eventSourceArn?: unknown;
  readonly records?: unknown;
}

const headersOf = (record: KafkaRecord): object | undefined => {
  const headers = objectAt(record, 'headers');
  return headers === undefined ? undefined : headerMap(headers);
};

/** Apache Kafka: Amazon MSK or self-managed, or flattened by a pipe. */
export const kafka = defineSource<KafkaEvent, KafkaRecord>({
  name: 'kafka',
  system: 'kafka',
  trigger: 'pubsub',
  partialFailures: 'by-first',
  entries: (event) => {
    const topics = objectAt(event, 'records');
    if (topics === undefined || Array.isArray(topics) || !isKafka(event?.eventSource)) return undefined;
    return Object.values(topics).flatMap((list) =>
      Array.isArray(list) ? list : typeof list === 'object' && list !== null ? (indexed(list) ?? []) : [],
    ) as KafkaRecord[];
  },
  claims: (entry) =>
    stringAt(entry, 'topic') !== undefined && at(entry, 'partition') !== undefined && at(entry, 'offset') !== undefined,
  layer: {
    name: 'kafka',
    places: [{ path: 'headers', values: headersOf, text: brokerText }, datadogPlace('headers', headersOf, brokerText)],
    within: (record, bytesLeft, names) => openData('value', record['value'], bytesLeft, names),
  },
  details: (record, event) => {
    const topic = stringAt(record, 'topic');
    const partition = numberAt(record, 'partition');
    const offset = numberAt(record, 'offset');
    const place = topic === undefined || partition === undefined ? undefined : `${topic}-${partition}`;
    const arn = stringAt(event, 'eventSourceArn') ?? stringAt(record, 'eventSourceArn');
    return defined<Details>({
      failureId: place === undefined || offset === undefined ? undefined : `${place}:${offset}`,
      messageId: undefined,
      groupId: place,
      sentAt: numberAt(record, 'timestamp'),
      destination: topic ?? nameOf(arn),
      partition: partition === undefined ? undefined : String(partition),
      offset: offset === undefined ? undefined : String(offset),
      arn,
      attributes: offset === undefined ? undefined : { 'messaging.kafka.offset': offset },
    });
  },
  body: (record) => {
    const value = stringAt(record, 'value');
    return value === undefined ? undefined : Buffer.from(value, 'base64');
  },
});

const isKafka = (name: unknown): boolean => name === undefined || (typeof name === 'string' && /kafka|msk/i.test(name));
