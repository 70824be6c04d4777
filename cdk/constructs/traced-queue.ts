import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

export interface TracedQueueProps extends Omit<QueueProps, 'visibilityTimeout' | 'deadLetterQueue' | 'encryption'> {
  /** How long the function that consumes it may run; messages are hidden six times as long. @default 30 s */
  readonly consumerTimeout?: Duration;
  /** Times that a message is received before it is a dead letter. @default 5 */
  readonly maxReceiveCount?: number;
  /** @default a queue of its own, kept for 14 days */
  readonly deadLetters?: Queue;
}

/**
 * A queue, encrypted and reached by TLS only, with a dead-letter queue. Context travels in its message attributes; a redrive
 * from the dead-letter queue keeps them, so a message that is sent again goes on in its trace.
 */
export class TracedQueue extends Queue {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: TracedQueueProps = {}) {
    const { consumerTimeout = Duration.seconds(30), maxReceiveCount = 5, deadLetters: given, ...rest } = props;
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    const deadLetters =
      given ??
      new Queue(scope, `${id}DeadLetters`, {
        ...common,
        retentionPeriod: Duration.days(14),
        ...(props.fifo === true ? { fifo: true } : {}),
        ...(props.queueName === undefined
          ? {}
          : { queueName: props.queueName.replace(/(\.fifo)?$/, (fifo) => `-dead-letters${fifo}`) }),
      });
    super(scope, id, {
      ...common,
      ...rest,
      // Six times, as AWS advises for event source mappings: polls that are throttled must not use up receives.
      visibilityTimeout: Duration.seconds(consumerTimeout.toSeconds() * 6),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount },
    });
    this.deadLetters = deadLetters;
  }
}
