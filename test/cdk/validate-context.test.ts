import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { App, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { EventBus, EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { DefinitionBody, JsonPath, StateMachine, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { SqsSendMessage } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { hops } from '../../cdk/constructs/hops/index.ts';
import { lostContexts, validateContext } from '../../cdk/constructs/validate-context.ts';

/** A resource with these properties, as CloudFormation has them, and what is said of it. */
const saidOf = (type: string, properties: object) => {
  const stack = new Stack(new App(), 'Users');
  new CfnResource(stack, 'Hop', { type, properties: { ...properties } });
  return lostContexts(stack).map(({ rule, at }) => `${rule} ${at}`);
};

const event = { EventPattern: { source: ['shop'] } };
const target = (more: object) => ({ ...event, Targets: [{ Id: 'x', Arn: 'arn:x', ...more }] });
const transformed = (InputTemplate: unknown, InputPathsMap: object = {}) =>
  target({ InputTransformer: { InputPathsMap, InputTemplate } });
const states = (...list: readonly object[]) => ({
  DefinitionString: JSON.stringify({ States: Object.fromEntries(list.map((state, index) => [`S${index}`, state])) }),
});
const send = { Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage' };
const attributes = { traceparent: { DataType: 'String', 'StringValue.$': '$._trace.traceparent' } };

const cases: Readonly<
  Record<string, { type: string; lost: Readonly<Record<string, object>>; kept: readonly object[] }>
> = {
  'event-rule-drops-detail': {
    type: 'AWS::Events::Rule',
    lost: {
      'Targets/0/Input': target({ Input: '{}' }),
      'Targets/0/InputPath': target({ InputPath: '$.detail.order' }),
      'Targets/0/InputTransformer': transformed('{"id":<id>}', { id: '$.detail.id' }),
      // The path is there and its variable unused; the other way round the event comes without its detail.
      'Targets/0/InputTransformer ': transformed('{"id":"x"}', { trace: '$.detail._trace' }),
      'Targets/0/InputTransformer  ': transformed('{"event":<aws.events.event>}'),
    },
    kept: [
      target({}),
      target({ InputPath: '$' }),
      target({ InputPath: '$.detail' }),
      transformed('{"id":<id>,"_trace":<t>}', { id: '$.detail.id', t: '$.detail._trace' }),
      transformed('{"all":<aws.events.event.json>}'),
      transformed({ 'Fn::Join': ['', ['{"region":"', { Ref: 'AWS::Region' }, '","detail":<d>}']] }, { d: '$.detail' }),
      { ScheduleExpression: 'rate(1 day)', Targets: [{ Id: 'x', Arn: 'arn:x', Input: '{}' }] },
    ],
  },
  'sns-without-raw-delivery': {
    type: 'AWS::SNS::Subscription',
    lost: { RawMessageDelivery: { Protocol: 'sqs', RawMessageDelivery: false, FilterPolicy: { kind: ['a'] } } },
    kept: [
      { Protocol: 'sqs', RawMessageDelivery: true },
      { Protocol: 'sqs', RawMessageDelivery: 'true' },
      { Protocol: 'lambda' },
      { Protocol: 'email' },
    ],
  },
  'pipe-template-drops-context': {
    type: 'AWS::Pipes::Pipe',
    lost: {
      'TargetParameters/InputTemplate': { TargetParameters: { InputTemplate: '{"body":<$.body>}' } },
      'EnrichmentParameters/InputTemplate': { EnrichmentParameters: { InputTemplate: '{"id":<$.messageId>}' } },
    },
    kept: [
      {},
      { TargetParameters: {} },
      { TargetParameters: { InputTemplate: '{"t":<$.messageAttributes.traceparent.stringValue>}' } },
      { TargetParameters: { InputTemplate: '{"all":<aws.pipes.event.json>}' } },
      { TargetParameters: { InputTemplate: '{"headers":<$.headers>}' } },
    ],
  },
  'schedule-with-fixed-context': {
    type: 'AWS::Scheduler::Schedule',
    lost: {
      'Target/Input': { ScheduleExpression: 'rate(1 minute)', Target: { Input: '{"_trace":{"traceparent":"00-"}}' } },
    },
    kept: [
      { ScheduleExpression: 'rate(1 minute)', Target: { Input: '{"tick":"<aws.scheduler.scheduled-time>"}' } },
      // Written for one time: the trace of whoever planned it goes on.
      { ScheduleExpression: 'at(2026-01-01T00:00:00)', Target: { Input: '{"_trace":{"traceparent":"00-"}}' } },
    ],
  },
  'event-subscriber-drops-metadata': {
    type: 'AWS::EventsV2::Subscriber',
    lost: {
      Transformer: {},
      'Transformer ': { Transformer: { Type: 'RAW' } },
      'Transformer/JsonataConfiguration/Expression': {
        Transformer: { Type: 'JSONATA', JsonataConfiguration: { Expression: '{"d":Data,"s":SystemMetadata}' } },
      },
    },
    kept: [
      { Transformer: { Type: 'WITH_METADATA' } },
      { Transformer: { Type: 'JSONATA', JsonataConfiguration: { Expression: '{"d":Data,"_trace":Metadata}' } } },
    ],
  },
  'table-stream-without-new-image': {
    type: 'AWS::DynamoDB::Table',
    lost: {
      'StreamSpecification/StreamViewType': { StreamSpecification: { StreamViewType: 'KEYS_ONLY' } },
      'StreamSpecification/StreamViewType ': { StreamSpecification: { StreamViewType: 'OLD_IMAGE' } },
    },
    kept: [{}, { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } }],
  },
  'state-machine-sends-without-context': {
    type: 'AWS::StepFunctions::StateMachine',
    lost: {
      'Definition/States/S0': states({ ...send, Parameters: { MessageBody: 'x' } }),
      'Definition/States/S0/States/S0': states({
        Type: 'Parallel',
        Branches: [{ States: { S0: { ...send, Parameters: {} } } }],
      }),
      'Definition/States/S0 ': states({
        Resource: 'arn:aws:states:::events:putEvents.waitForTaskToken',
        Parameters: { Entries: [{ Detail: { id: 1 } }] },
      }),
    },
    kept: [
      {},
      { DefinitionString: 'not JSON' },
      states({ ...send, Parameters: { MessageAttributes: attributes } }),
      states({
        Resource: 'arn:aws:states:::events:putEvents',
        Parameters: { Entries: [{ Detail: { '_trace.$': '$._trace' } }] },
      }),
      states({ Resource: 'arn:aws:states:::lambda:invoke', Parameters: {} }),
    ],
  },
};

test('an app of somebody else’s takes the constructs and the check from the package entry', async () => {
  const entry = (await import('tidemark/cdk')) as typeof import('../../cdk/constructs/index.ts');
  const app = new App();
  const stack = new Stack(app, 'Theirs');
  new entry.TracedTopic(stack, 'Topic').deliverTo(new entry.TracedQueue(stack, 'Queue'));
  assert.deepEqual(entry.lostContexts(app), []);
  new Topic(stack, 'Plain').addSubscription(new SqsSubscription(new Queue(stack, 'PlainQueue')));
  assert.deepEqual(
    entry.lostContexts(app).map(({ rule }) => rule),
    ['sns-without-raw-delivery'],
  );
  assert.equal(typeof entry.validateContext, 'function');
});

test('every kind of hop has cases', () => {
  assert.deepEqual(Object.keys(cases).sort(), hops.map(({ rule }) => rule).sort());
});

for (const [rule, { type, lost, kept }] of Object.entries(cases)) {
  for (const [at, properties] of Object.entries(lost)) {
    test(`${rule} is found at ${at.trim()}: ${JSON.stringify(properties)}`, () => {
      assert.deepEqual(saidOf(type, properties), [`${rule} ${at.trim()}`]);
    });
  }
  test(`${rule} is silent where the context survives`, () => {
    for (const properties of kept) assert.deepEqual(saidOf(type, properties), [], JSON.stringify(properties));
  });
}

test("a user's own constructs are read as what they become", () => {
  const stack = new Stack(new App(), 'Users');
  const queue = new Queue(stack, 'Queue');
  new Topic(stack, 'Topic').addSubscription(new SqsSubscription(queue));
  new Rule(stack, 'Rule', {
    eventBus: new EventBus(stack, 'Bus'),
    eventPattern: { source: ['shop'] },
    targets: [new SqsQueue(queue, { message: RuleTargetInput.fromObject({ id: EventField.fromPath('$.detail.id') }) })],
  });
  new StateMachine(stack, 'Machine', {
    definitionBody: DefinitionBody.fromChainable(
      new SqsSendMessage(stack, 'Send', { queue, messageBody: TaskInput.fromJsonPathAt(JsonPath.entirePayload) }),
    ),
  });
  assert.deepEqual(
    lostContexts(stack)
      .map(({ rule, constructPath }) => `${rule} ${constructPath}`)
      .sort(),
    [
      'event-rule-drops-detail Users/Rule/Resource',
      'sns-without-raw-delivery Users/Queue/UsersTopic9C9B5E8F/Resource',
      'state-machine-sends-without-context Users/Machine/Resource',
    ].map((line) =>
      line.replace(
        /UsersTopic\w+/,
        String(queue.node.children.find(({ node }) => node.id.startsWith('UsersTopic'))?.node.id),
      ),
    ),
  );
});

test('synthesis stops and names the hop, unless it is acknowledged', () => {
  for (const acknowledged of [false, true]) {
    const outdir = mkdtempSync(join(tmpdir(), 'tidemark-context-'));
    const exitCode = process.exitCode;
    try {
      const app = new App({ outdir });
      const stack = new Stack(app, 'Users');
      const topic = new Topic(stack, 'Topic');
      const queue = new Queue(stack, 'Queue');
      topic.addSubscription(new SqsSubscription(queue));
      validateContext(app);
      if (acknowledged)
        Validations.of(queue).acknowledge({
          id: 'tidemark::sns-without-raw-delivery',
          reason: 'its reader opens notifications',
        });
      const synthesise = () => app.synth();
      if (acknowledged) synthesise();
      else assert.throws(synthesise, /[Vv]alidation/);
      assert.ok(readdirSync(outdir).includes('validation-report.json'));
      const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as {
        pluginReports: { pluginName: string; violations: { ruleName: string; description: string }[] }[];
      };
      const ours = report.pluginReports.filter(({ pluginName }) => pluginName === 'tidemark');
      assert.equal(ours.length, 1);
      assert.deepEqual(
        ours.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName)),
        acknowledged ? [] : ['sns-without-raw-delivery'],
      );
      if (!acknowledged)
        assert.match(
          ours[0]?.violations[0]?.description ?? '',
          /lost at Users\/Queue\/.*message attributes become text/,
        );
    } finally {
      process.exitCode = exitCode;
      rmSync(outdir, { recursive: true, force: true });
    }
  }
});
