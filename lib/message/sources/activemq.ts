import type { Layer } from '../../model/carrier.ts';
import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { alsoInside } from '../inside.ts';
import { defineLayer, defineSource } from '../source.ts';
import { at, brokerText, numberAt, objectAt, stringAt } from '../text.ts';
import { openData } from './kinesis.ts';

type JmsRecord = Readonly<Record<string, unknown>>;

/** JMS names cannot hold `-`; Java tracers write `__dash__` for it, others `_`. */
const propertiesOf = (record: JmsRecord): object | undefined => {
  const properties = objectAt(record, 'properties');
  if (properties === undefined || !Object.keys(properties).some((name) => dashed(name) !== name)) return properties;
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [dashed(name), value]));
};

const dashed = (name: string): string =>
  /^x_(?:b3|amzn|datadog)_/i.test(name) ? name.replaceAll('_', '-') : name.replaceAll('__dash__', '-');

const layer: Layer<JmsRecord> = {
  name: 'activemq',
  places: [{ path: 'properties', values: propertiesOf, text: brokerText }],
  within: (record, bytesLeft, names) => openData('data', record['data'], bytesLeft, names),
};
alsoInside(isRecord, defineLayer(layer));

/** ActiveMQ on Amazon MQ: JMS messages with their properties. */
export const activemq = defineSource<{ readonly eventSource?: unknown; readonly messages?: unknown }, JmsRecord>({
  name: 'activemq',
  system: 'activemq',
  trigger: 'pubsub',
  partialFailures: 'none',
  entries: (event) =>
    event?.eventSource === 'aws:mq' && Array.isArray(event.messages) ? (event.messages as JmsRecord[]) : undefined,
  claims: isRecord,
  layer,
  details: (record, event) =>
    defined<Details>({
      messageId: stringAt(record, 'messageID'),
      sentAt: numberAt(record, 'timestamp'),
      receiveCount: record['redelivered'] === true ? 2 : undefined,
      destination: stringAt(record['destination'], 'physicalName') ?? nameOf(stringAt(event, 'eventSourceArn')),
      arn: stringAt(event, 'eventSourceArn'),
      correlationId: stringAt(record, 'correlationID'),
    }),
  body: (record) => {
    const data = stringAt(record, 'data');
    return data === undefined ? undefined : Buffer.from(data, 'base64');
  },
});

function isRecord(entry: unknown): boolean {
  return stringAt(entry, 'messageID') !== undefined && at(entry, 'messageType') !== undefined;
}
