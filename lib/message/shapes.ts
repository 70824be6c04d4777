import { at, objectAt, stringAt } from './text.ts';

/** What an SNS topic wraps a message in, unless delivery is raw. */
export const isNotification = (object: unknown): boolean =>
  typeof at(object, 'Message') === 'string' &&
  (at(object, 'Type') === 'Notification' || typeof at(object, 'TopicArn') === 'string');

/** An event of a classic event bus. */
export const isBusEvent = (object: unknown): boolean =>
  typeof at(object, 'detail-type') === 'string' && at(object, 'detail') !== undefined;

/** An event of EventBridge v2 whose subscriber asked for the metadata. */
export const isBusEventV2 = (object: unknown): boolean =>
  at(object, 'Data') !== undefined &&
  (objectAt(object, 'Metadata') !== undefined || objectAt(object, 'SystemMetadata') !== undefined);

/** A CloudEvent in structured mode. */
export const isCloudEvent = (object: unknown): boolean =>
  stringAt(object, 'specversion') !== undefined &&
  (at(object, 'type') !== undefined || at(object, 'source') !== undefined);

/** `{"payload":…,"metadata":{…}}` and nothing that only somebody else's message would have. */
export const isEnvelopeTwin = (object: unknown): boolean =>
  at(object, 'payload') !== undefined && objectAt(object, 'metadata') !== undefined;

/** A record of an SQS event, or a message as the API gives it. */
export const isQueueRecord = (object: unknown): boolean =>
  (objectAt(object, 'messageAttributes') ?? objectAt(object, 'MessageAttributes')) !== undefined &&
  (at(object, 'body') ?? at(object, 'Body')) !== undefined;
