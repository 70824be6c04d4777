import type { Layer } from '../../model/carrier.ts';
import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { alsoInside } from '../inside.ts';
import { datadogPlace } from '../places.ts';
import { defineLayer, defineSource } from '../source.ts';
import { at, brokerText, indexed, objectAt, stringAt } from '../text.ts';
import { openData } from './kinesis.ts';

type RabbitRecord = Readonly<Record<string, unknown>>;

const headersOf = (record: RabbitRecord): object | undefined => objectAt(record['basicProperties'], 'headers');

const layer: Layer<RabbitRecord> = {
  name: 'rabbitmq',
  places: [
    { path: 'basicProperties.headers', values: headersOf, text: brokerText },
    datadogPlace('basicProperties.headers', headersOf, brokerText),
  ],
  within: (record, bytesLeft, names) => openData('data', record['data'], bytesLeft, names),
};
alsoInside(isRecord, defineLayer(layer));

/** RabbitMQ on Amazon MQ. */
export const rabbitmq = defineSource<{ readonly rmqMessagesByQueue?: unknown }, RabbitRecord>({
  name: 'rabbitmq',
  system: 'rabbitmq',
  trigger: 'pubsub',
  partialFailures: 'none',
  entries: (event) => {
    const queues = objectAt(event, 'rmqMessagesByQueue');
    if (queues === undefined) return undefined;
    return Object.values(queues).flatMap((list) =>
      Array.isArray(list) ? list : typeof list === 'object' && list !== null ? (indexed(list) ?? []) : [],
    ) as RabbitRecord[];
  },
  claims: isRecord,
  layer,
  details: (record, event) => {
    const properties = record['basicProperties'];
    const sent = Date.parse(stringAt(properties, 'timestamp') ?? '');
    return defined<Details>({
      messageId: stringAt(properties, 'messageId'),
      sentAt: Number.isNaN(sent) ? undefined : sent,
      receiveCount: record['redelivered'] === true ? 2 : undefined,
      destination: queueOf(record, event) ?? nameOf(stringAt(event, 'eventSourceArn')),
      arn: stringAt(event, 'eventSourceArn'),
      correlationId: stringAt(properties, 'correlationId'),
    });
  },
  body: (record) => {
    const data = stringAt(record, 'data');
    return data === undefined ? undefined : Buffer.from(data, 'base64');
  },
});

/** The queue is the key that the record stands under, before `::` and the virtual host. */
const queueOf = (record: RabbitRecord, event: unknown): string | undefined => {
  for (const [key, list] of Object.entries(objectAt(event, 'rmqMessagesByQueue') ?? {})) {
    if (Array.isArray(list) && list.includes(record)) return key.split('::')[0];
  }
  return undefined;
};

function isRecord(entry: unknown): boolean {
  return at(entry, 'basicProperties') !== undefined || at(entry, 'eventSource') === 'aws:rmq';
}
