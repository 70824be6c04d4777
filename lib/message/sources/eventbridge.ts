import type { Details } from '../../model/message.ts';
import { defined } from '../arn.ts';
import { busEvent, busEventV2 } from '../layers.ts';
import { isBusEvent, isBusEventV2 } from '../shapes.ts';
import { defineSource } from '../source.ts';
import { at, stringAt } from '../text.ts';

/** Amazon EventBridge: a classic event bus, or a schedule. */
export const eventbridge = defineSource<unknown, object>({
  name: 'eventbridge',
  system: 'aws.eventbridge',
  trigger: 'pubsub',
  partialFailures: 'none',
  entries: (event) => (isBusEvent(event) ? [event as object] : undefined),
  claims: isBusEvent,
  layer: busEvent,
  details: (event) => {
    const sent = Date.parse(stringAt(event, 'time') ?? '');
    const account = stringAt(event, 'account');
    return defined<Details>({
      messageId: stringAt(event, 'id'),
      sentAt: Number.isNaN(sent) ? undefined : sent,
      destination: stringAt(event, 'detail-type'),
      // The event does not name its bus; what is known of its origin is the account.
      arn:
        account === undefined ? undefined : `arn:aws:events:${stringAt(event, 'region') ?? ''}:${account}:event-bus/`,
    });
  },
  body: (event) => textOf(at(event, 'detail')),
});

/** Amazon EventBridge v2, where the subscriber asked for the metadata. */
export const eventbridgeV2 = defineSource<unknown, object>({
  name: 'eventbridge-v2',
  system: 'aws.eventbridge',
  trigger: 'pubsub',
  partialFailures: 'none',
  entries: (event) => (isBusEventV2(event) ? [event as object] : undefined),
  claims: isBusEventV2,
  layer: busEventV2,
  details: (event) => defined<Details>({ messageId: stringAt(at(event, 'SystemMetadata'), 'aws:EventId') }),
  body: (event) => textOf(at(event, 'Data')),
});

const textOf = (content: unknown): string | undefined => {
  if (content === undefined) return undefined;
  return typeof content === 'string' ? content : JSON.stringify(content);
};
