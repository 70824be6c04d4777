import type { Hop } from '../hop.ts';

export const snsSubscription: Hop = {
  rule: 'sns-without-raw-delivery',
  resourceTypes: ['AWS::SNS::Subscription'],
  losses: ({ Protocol, RawMessageDelivery }) =>
    ['sqs', 'firehose', 'http', 'https'].includes(String(Protocol)) && `${RawMessageDelivery}` !== 'true'
      ? [
          {
            at: 'RawMessageDelivery',
            loss: 'the message attributes become text inside the notification: only a reader that opens it finds the context',
            fix: 'subscribe with rawMessageDelivery: true, as TracedTopic.deliverTo does; with raw delivery, at most ten attributes',
          },
        ]
      : [],
};
