import { Topic, type TopicProps } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription, type SqsSubscriptionProps } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** A topic, reached by TLS only, whose queues get messages raw: the attributes stay attributes, the context among them. */
export class TracedTopic extends Topic {
  constructor(scope: Construct, id: string, props: TopicProps = {}) {
    super(scope, id, { enforceSSL: true, ...props });
  }

  /** Raw delivery discards a message of more than ten attributes; `traceSns` injects only where there is room. */
  deliverTo(queue: IQueue, props: Omit<SqsSubscriptionProps, 'rawMessageDelivery'> = {}): void {
    this.addSubscription(new SqsSubscription(queue, { ...props, rawMessageDelivery: true }));
  }
}
