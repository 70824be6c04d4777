import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { open } from '../layers.ts';
import { datadogPlace } from '../places.ts';
import { defineSource } from '../source.ts';
import { at, attributeText, numberAt, objectAt, stringAt } from '../text.ts';

interface SqsEvent {
  readonly Records?: unknown;
  readonly Messages?: unknown;
}

/** A record of the Lambda event source, or a message as `ReceiveMessage` answers it: the two differ in their casing. */
type SqsRecord = Readonly<Record<string, unknown>>;

/** Member by member, not by a shared reader: this runs for every record, and a site of its own is a load, not a lookup. */
const attributesOf = (record: SqsRecord): object | undefined => {
  const attributes = record['messageAttributes'];
  if (typeof attributes === 'object' && attributes !== null) return attributes;
  return objectAt(record, 'MessageAttributes');
};

const systemOf = (record: SqsRecord): object | undefined => {
  const attributes = record['attributes'];
  if (typeof attributes === 'object' && attributes !== null) return attributes;
  return objectAt(record, 'Attributes');
};

/** Amazon SQS, from the Lambda event source, from a pipe, or as received by the API. */
export const sqs = defineSource<SqsEvent, SqsRecord>({
  name: 'sqs',
  system: 'aws.sqs',
  trigger: 'pubsub',
  partialFailures: 'by-message',
  entries: (event) => {
    const list = event?.Records ?? event?.Messages;
    return Array.isArray(list) && list.length > 0 && isRecord(list[0]) ? list : undefined;
  },
  claims: (entry) => isRecord(entry),
  layer: {
    name: 'sqs',
    places: [
      { path: 'messageAttributes', values: attributesOf, text: attributeText },
      datadogPlace('messageAttributes', attributesOf, attributeText),
      { path: 'attributes', values: systemOf, text: systemText, broker: true },
    ],
    within: (record, bytesLeft, names) => open('body', record['body'] ?? record['Body'], bytesLeft, names),
  },
  brief: {
    messageId: idOf,
    receiveCount: (record) => numberAt(systemOf(record), 'ApproximateReceiveCount'),
    destination: (record) => nameOf(stringAt(record, 'eventSourceARN')),
  },
  details: (record) => {
    const system = systemOf(record);
    const arn = stringAt(record, 'eventSourceARN');
    const id = idOf(record);
    const sentAt = numberAt(system, 'SentTimestamp');
    const firstReceivedAt = numberAt(system, 'ApproximateFirstReceiveTimestamp');
    const receiveCount = numberAt(system, 'ApproximateReceiveCount');
    const destination = nameOf(arn);
    const groupId = stringAt(system, 'MessageGroupId');
    const deadLetteredFrom = stringAt(system, 'DeadLetterQueueSourceArn');
    const offset = stringAt(system, 'SequenceNumber');
    // Nearly every record has just these: one object of a fixed shape costs half of one that is put together.
    if (groupId === undefined && deadLetteredFrom === undefined && offset === undefined) {
      if (id !== undefined && arn !== undefined && destination !== undefined) {
        if (sentAt !== undefined && firstReceivedAt !== undefined && receiveCount !== undefined) {
          return { failureId: id, messageId: id, sentAt, firstReceivedAt, receiveCount, destination, arn };
        }
      }
    }
    return defined<Details>({
      failureId: id,
      messageId: id,
      groupId,
      sentAt,
      firstReceivedAt,
      receiveCount,
      deadLetteredFrom,
      destination,
      offset,
      arn,
    });
  },
  body: (record) => stringAt(record, 'body') ?? stringAt(record, 'Body'),
});

function idOf(record: SqsRecord): string | undefined {
  return stringAt(record, 'messageId') ?? stringAt(record, 'MessageId');
}

function systemText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const isRecord = (entry: unknown): entry is SqsRecord => {
  const source = at(entry, 'eventSource');
  if (source !== undefined) return source === 'aws:sqs';
  // Received by the API, or written by hand without everything that Lambda adds.
  return (
    (typeof at(entry, 'body') === 'string' && marked(entry, 'messageId', 'receiptHandle', 'messageAttributes')) ||
    (typeof at(entry, 'Body') === 'string' && marked(entry, 'MessageId', 'ReceiptHandle', 'MessageAttributes'))
  );
};

const marked = (entry: unknown, id: string, handle: string, attributes: string): boolean =>
  typeof at(entry, id) === 'string' ||
  typeof at(entry, handle) === 'string' ||
  objectAt(entry, attributes) !== undefined;
