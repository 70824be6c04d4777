import { Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { EventBus, type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { InboundConfig } from '../../lib/model/config/alerts.ts';
import type { BucketSource } from '../../lib/model/config/traces.ts';
import type { Config } from '../../lib/model/config.ts';
import { functionTimeouts } from './timeouts.ts';

export interface MessagingStackProps extends StackProps {
  readonly config: Config;
}

/** The bus and the queues, each with its dead-letter queue. */
export class MessagingStack extends Stack {
  readonly bus: EventBus;
  readonly ticks: Queue;
  readonly readings: Queue;
  readonly spans: Queue;
  readonly windows: Queue;
  readonly alerts: Queue;
  readonly alertsDeadLetters: Queue;
  /** Where a bus rule puts what it could not hand to its queue. */
  readonly undeliverable: Queue;

  constructor(scope: Construct, id: string, props: MessagingStackProps) {
    super(scope, id, props);
    this.bus = new EventBus(this, 'Bus', { eventBusName: 'tidemark' });
    this.undeliverable = this.#plain('Undeliverable', 'tidemark-undeliverable');
    // A tick is worth nothing once the next two are there.
    this.ticks = this.#queue('Ticks', 'tidemark-ticks', functionTimeouts.evaluateWatermarks, 2);
    this.readings = this.#queue('Readings', 'tidemark-readings', functionTimeouts.evaluateWatermarks, 5);
    this.spans = this.#queue('Spans', 'tidemark-spans', functionTimeouts.collectSpans, 5);
    this.windows = this.#queue('Windows', 'tidemark-windows', functionTimeouts.scoreTraces, 5);
    // Throttled alerts are re-enqueued and do not use this count up; it is spent by crashes alone.
    this.alerts = this.#queue('Alerts', 'tidemark-alerts', functionTimeouts.deliverAlerts, 10);
    this.alertsDeadLetters = this.alerts.deadLetterQueue?.queue as Queue;
    this.#rule('AlertsRule', this.alerts, { detailType: ['Alert', 'CloudWatch Alarm State Change'] });
    this.#rule('ReadingsRule', this.readings, { detailType: ['Reading'] });
    if (props.config.alerts !== undefined) this.#inbound(props.config.alerts.inbound ?? {});
    const { buckets = [] } = props.config.traces?.sources ?? {};
    for (const [index, bucket] of buckets.entries()) this.#notify(`SpanObjects${index}`, bucket);
  }

  /** Tells the queue of spans about new objects. EventBridge notifications of S3 are on the default bus. */
  #notify(id: string, { name, prefix, via = 'eventbridge' }: BucketSource): void {
    if (via === 'eventbridge') {
      const key = prefix === undefined ? {} : { object: { key: [{ prefix }] } };
      new Rule(this, id, {
        eventPattern: {
          source: ['aws.s3'],
          detailType: ['Object Created'],
          detail: { bucket: { name: [name] }, ...key },
        },
        targets: [new SqsQueue(this.spans, { deadLetterQueue: this.undeliverable })],
      });
    }
    if (via === 'queue') {
      this.spans.addToResourcePolicy(
        new PolicyStatement({
          sid: id,
          principals: [new ServicePrincipal('s3.amazonaws.com')],
          actions: ['sqs:SendMessage'],
          resources: [this.spans.queueArn],
          conditions: {
            ArnEquals: { 'aws:SourceArn': `arn:${this.partition}:s3:::${name}` },
            StringEquals: { 'aws:SourceAccount': this.account },
          },
        }),
      );
    }
  }

  /** Alerts of others: AWS puts alarms on the default bus alone, and those who publish to a topic know no bus. */
  #inbound({ topics = [], cloudwatchAlarms = true }: InboundConfig): void {
    if (cloudwatchAlarms !== false) {
      const alarmName = Array.isArray(cloudwatchAlarms)
        ? cloudwatchAlarms.map((prefix: string) => ({ prefix }))
        : // Target tracking scales by alarms that are in ALARM as a matter of course.
          [{ 'anything-but': { prefix: 'TargetTracking-' } }];
      const pattern = {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change', 'CloudWatch Alarm Contributor State Change'],
        detail: { alarmName },
      };
      this.#rule('AlarmsRule', this.alerts, pattern, 'default');
    }
    for (const [at, arn] of topics.entries())
      Topic.fromTopicArn(this, `Topic${at}`, arn).addSubscription(
        // What cannot be handed over is kept; in its envelope a message names its topic and time.
        new SqsSubscription(this.alerts, { deadLetterQueue: this.undeliverable }),
      );
  }

  #rule(id: string, queue: Queue, eventPattern: EventPattern, busName?: 'default'): void {
    new Rule(this, id, {
      ...(busName === undefined ? { eventBus: this.bus } : {}),
      eventPattern,
      targets: [new SqsQueue(queue, { deadLetterQueue: this.undeliverable })],
    });
  }

  #queue(id: string, queueName: string, timeout: Duration, maxReceiveCount: number): Queue {
    return new Queue(this, id, {
      queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // Six times the consumer's timeout, as AWS advises for event source mappings: throttled polls must not use up receives.
      visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6),
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { maxReceiveCount, queue: this.#plain(`${id}DeadLetters`, `${queueName}-dead-letters`) },
    });
  }

  /** A queue that nobody consumes: the longest retention, since a person looks at it. */
  #plain(id: string, queueName: string): Queue {
    const queue = new Queue(this, id, {
      queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const reason =
      'This queue is itself the last place for dead letters; nothing consumes it, so nothing can fail here.';
    Validations.of(queue).acknowledge(
      { id: 'AwsSolutions::AwsSolutions-SQS3', reason },
      { id: 'Serverless::Serverless-SQSRedrivePolicy', reason },
    );
    return queue;
  }
}
