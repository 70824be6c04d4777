import type { Layer } from '../../model/carrier.ts';
import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { notification } from '../layers.ts';
import { defineSource } from '../source.ts';
import { at, objectAt, stringAt } from '../text.ts';

interface SnsRecord {
  readonly Sns?: object;
}

const notificationOf = (record: SnsRecord): object | undefined => objectAt(record, 'Sns');

/** The notification's layer, one step down. */
const layer: Layer<SnsRecord> = {
  name: notification.name,
  places: notification.places.map((place) => ({
    ...place,
    values: (record: SnsRecord) => place.values(notificationOf(record)),
  })),
  within: (record, bytesLeft, names) => notification.within?.(notificationOf(record), bytesLeft, names),
};

/** Amazon SNS, invoking the function directly. */
export const sns = defineSource<{ readonly Records?: unknown }, SnsRecord>({
  name: 'sns',
  system: 'aws.sns',
  trigger: 'pubsub',
  partialFailures: 'none',
  entries: (event) => {
    const list = event?.Records;
    return Array.isArray(list) && list.length > 0 && isRecord(list[0]) ? list : undefined;
  },
  claims: (entry) => isRecord(entry),
  layer,
  details: (record) => {
    const sent = Date.parse(stringAt(record.Sns, 'Timestamp') ?? '');
    const arn = stringAt(record.Sns, 'TopicArn');
    return defined<Details>({
      messageId: stringAt(record.Sns, 'MessageId'),
      sentAt: Number.isNaN(sent) ? undefined : sent,
      destination: nameOf(arn),
      arn,
    });
  },
  body: (record) => stringAt(record.Sns, 'Message'),
});

const isRecord = (entry: unknown): entry is SnsRecord =>
  at(entry, 'EventSource') === 'aws:sns' || objectAt(entry, 'Sns') !== undefined;
