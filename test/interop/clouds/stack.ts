/** A queue with a consumer and a bus with rules: what the comparison of clouds deploys to each that takes a template. */
import { join } from 'node:path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { EventBus, EventField, type EventPattern, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Architecture, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { entryCode } from '../../../cdk/tidemark.ts';
import { patterns } from './patterns.ts';

const app = new App();
const stack = new Stack(app, 'Clouds', { env: { account: '000000000000', region: 'us-east-1' } });
const queue = (name: string, more: object = {}) =>
  new Queue(stack, name, { queueName: `clouds-${name}`, removalPolicy: RemovalPolicy.DESTROY, ...more });

const seen = queue('seen');
const dead = queue('dead');
const jobs = queue('jobs', {
  visibilityTimeout: Duration.seconds(2),
  deadLetterQueue: { queue: dead, maxReceiveCount: 2 },
});
const consumer = new LambdaFunction(stack, 'Consumer', {
  functionName: 'clouds-consumer',
  runtime: Runtime.NODEJS_24_X,
  architecture: process.arch === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
  handler: 'index.handler',
  code: entryCode(join(import.meta.dirname, 'consumer.ts')),
  timeout: Duration.seconds(2),
  memorySize: 256,
  environment: { SEEN_QUEUE: seen.queueUrl },
});
seen.grantSendMessages(consumer);
consumer.addEventSource(
  new SqsEventSource(jobs, { batchSize: 10, maxBatchingWindow: Duration.seconds(1), reportBatchItemFailures: true }),
);

const bus = new EventBus(stack, 'Bus', { eventBusName: 'clouds' });
const rule = (name: string, eventPattern: EventPattern, message?: RuleTargetInput) => {
  const target = queue(`rule-${name}`);
  new Rule(stack, `Rule-${name}`, {
    eventBus: bus,
    eventPattern,
    targets: [new SqsQueue(target, message === undefined ? {} : { message })],
  });
};
rule('plain', { detailType: ['plain'] });
rule('path', { detailType: ['path'] }, RuleTargetInput.fromEventPath('$.detail.inner'));
rule(
  'transformed',
  { detailType: ['transformed'] },
  RuleTargetInput.fromObject({
    note: EventField.fromPath('$.detail.note'),
    count: EventField.fromPath('$.detail.count'),
    from: EventField.source,
    text: `order ${EventField.fromPath('$.detail.id')} placed`,
  }),
);
for (const { name, detail } of patterns) {
  rule(`pattern-${name}`, { detailType: Match.exactString(`pattern-${name}`) as never, detail: detail as never });
}
new CfnOutput(stack, 'Deployed', { value: 'true' });
