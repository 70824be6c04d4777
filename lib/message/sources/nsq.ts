import type { Details } from '../../model/message.ts';
import { defined } from '../arn.ts';
import { maxTextBytes } from '../layers.ts';
import { defineSource } from '../source.ts';
import { at, bytesOf, numberAt, stringAt } from '../text.ts';
import { openData } from './kinesis.ts';

type NsqMessage = Readonly<Record<string, unknown>>;

interface NsqEvent {
  readonly eventSource?: unknown;
  readonly topic?: unknown;
  readonly messages?: unknown;
}

/** NSQ through a bridge: `{ eventSource: 'nsq', topic, channel, messages: [{ id, timestamp, attempts, body }] }`; no headers, so the envelope. */
export const nsq = defineSource<NsqEvent, NsqMessage>({
  name: 'nsq',
  system: 'nsq',
  trigger: 'pubsub',
  partialFailures: 'none',
  entries: (event) => {
    // A bridge may hand over one at a time.
    const one = isNsq(event) && typeof at(event, 'message') === 'object' ? [at(event, 'message')] : undefined;
    const list = event?.messages ?? one;
    if (!Array.isArray(list)) return undefined;
    // A bridge need not name itself: a topic and messages with attempts are NSQ's alone.
    const known = isNsq(event) || (event.eventSource === undefined && list.length > 0 && isMessage(list[0]));
    return known ? (list as NsqMessage[]) : undefined;
  },
  claims: (entry) => isNsq(entry) || isMessage(entry),
  layer: {
    name: 'nsq',
    places: [],
    within: (message, bytesLeft, names) => {
      const member = message['body'] === undefined ? 'data' : 'body';
      return openData(member, message[member], bytesLeft, names);
    },
  },
  details: (message, event) => {
    const nanos = numberAt(message, 'timestamp');
    return defined<Details>({
      messageId: stringAt(message, 'id'),
      sentAt: nanos === undefined ? undefined : Math.round(nanos > 1e15 ? nanos / 1e6 : nanos),
      receiveCount: numberAt(message, 'attempts'),
      destination: stringAt(event, 'topic'),
    });
  },
  body: (message) => {
    const body = message['body'] ?? message['data'];
    return typeof body === 'string' ? Buffer.from(body, 'base64') : bytesOf(body, maxTextBytes);
  },
});

const isMessage = (entry: unknown): boolean =>
  at(entry, 'attempts') !== undefined && typeof at(entry, 'body') === 'string';

const isNsq = (event: unknown): boolean => {
  const name = stringAt(event, 'eventSource');
  return name !== undefined && /(^|[:.])nsq$/i.test(name);
};
