import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Tidemark } from '../../cdk/tidemark.ts';
import shop from '../../examples/shop/tidemark.config.ts';
import config from '../../tidemark.config.ts';

type Resources = Record<string, { readonly Type: string; readonly Properties: Record<string, never> }>;

/** All resources of all stacks, with the shop's configuration, which refers to queues, secrets and clusters. */
const resourcesOf = (given: object): Resources => {
  const app = new App();
  const { messaging, state, functions } = new Tidemark(app, 'Tidemark', { config: given, bundling: false });
  const all: Resources = {};
  for (const stack of [messaging, state, functions] as Stack[]) {
    const { Resources = {} } = Template.fromStack(stack).toJSON() as { Resources?: Resources };
    for (const [id, resource] of Object.entries(Resources)) all[`${stack.stackName}/${id}`] = resource;
  }
  return all;
};

const resources = resourcesOf(shop);
const ofType = (type: string) => {
  const found = Object.entries(resources).filter(([, resource]) => resource.Type === type);
  assert.ok(found.length > 0, `saw no ${type}: the assertion would hold on nothing`);
  return found.map(([id, { Properties }]) => ({ id, properties: Properties as Record<string, unknown> }));
};

test('every queue that is consumed has a dead-letter queue', () => {
  const queues = ofType('AWS::SQS::Queue');
  const last = queues
    .filter(({ properties }) => properties['RedrivePolicy'] === undefined)
    .map(({ properties }) => String(properties['QueueName']));
  assert.equal(queues.length, 11);
  assert.ok(
    last.every((name) => name.endsWith('-dead-letters') || name === 'tidemark-undeliverable'),
    String(last),
  );
});

test('every queue, the table and the bucket are encrypted', () => {
  for (const { id, properties } of ofType('AWS::SQS::Queue'))
    assert.equal(properties['SqsManagedSseEnabled'], true, id);
  for (const { properties } of ofType('AWS::S3::Bucket')) {
    assert.ok(properties['BucketEncryption'] !== undefined);
    assert.deepEqual(Object.values(properties['PublicAccessBlockConfiguration'] as object), [true, true, true, true]);
  }
});

test('the table is on demand, expires items by ttl and can be restored to a point in time', () => {
  for (const { properties } of ofType('AWS::DynamoDB::Table')) {
    assert.equal(properties['BillingMode'], 'PAY_PER_REQUEST');
    assert.deepEqual(properties['TimeToLiveSpecification'], { AttributeName: 'ttl', Enabled: true });
    assert.equal(
      (properties['PointInTimeRecoverySpecification'] as { PointInTimeRecoveryEnabled: boolean })
        .PointInTimeRecoveryEnabled,
      true,
    );
  }
});

test('every event source mapping reports partial batch failures', () => {
  const mappings = ofType('AWS::Lambda::EventSourceMapping');
  assert.equal(mappings.length, 5);
  for (const { id, properties } of mappings)
    assert.deepEqual(properties['FunctionResponseTypes'], ['ReportBatchItemFailures'], id);
});

test('a queue hides a message at least six times as long as its function may run', () => {
  const timeouts = new Map(
    ofType('AWS::Lambda::Function').map(({ properties }) => [
      String(properties['FunctionName']),
      Number(properties['Timeout']),
    ]),
  );
  const consumers = {
    'tidemark-ticks': 'tidemark-evaluate-watermarks',
    'tidemark-readings': 'tidemark-evaluate-watermarks',
    'tidemark-spans': 'tidemark-collect-spans',
    'tidemark-windows': 'tidemark-score-traces',
    'tidemark-alerts': 'tidemark-deliver-alerts',
  };
  for (const [queue, consumer] of Object.entries(consumers)) {
    const found = ofType('AWS::SQS::Queue').find(({ properties }) => properties['QueueName'] === queue);
    const timeout = timeouts.get(consumer);
    assert.ok(timeout !== undefined && Number(found?.properties['VisibilityTimeout']) >= 6 * timeout, queue);
  }
});

test('no policy allows a wildcard action, and wildcard resources are only prefixes of our own bucket', () => {
  const statements = [...ofType('AWS::IAM::Policy'), ...ofType('AWS::IAM::ManagedPolicy')].flatMap(
    ({ properties }) =>
      (
        properties['PolicyDocument'] as {
          Statement: { Action: string | string[]; Resource: unknown; Effect: string }[];
        }
      ).Statement,
  );
  assert.ok(statements.length > 10);
  for (const { Action, Resource } of statements) {
    for (const action of [Action].flat()) assert.ok(!action.includes('*'), action);
    for (const resource of [Resource].flat()) {
      const text = JSON.stringify(resource);
      if (text.includes('*')) assert.match(text, /"\/(spans|reports)\/\*"/);
    }
  }
});

test('functions run Node 24 on arm64, log JSON into groups that expire, and know what was deployed', () => {
  const functions = ofType('AWS::Lambda::Function');
  assert.equal(functions.length, 4);
  for (const { id, properties } of functions) {
    assert.equal(properties['Runtime'], 'nodejs24.x', id);
    assert.deepEqual(properties['Architectures'], ['arm64'], id);
    assert.equal((properties['LoggingConfig'] as { LogFormat: string }).LogFormat, 'JSON', id);
    assert.ok('TIDEMARK_TABLE' in (properties['Environment'] as { Variables: object }).Variables, id);
  }
  for (const { properties } of ofType('AWS::Logs::LogGroup')) assert.equal(properties['RetentionInDays'], 30);
});

test('two ticks a minute: at once and after 30 seconds', () => {
  const inputs = ofType('AWS::Scheduler::Schedule').map(({ properties }) =>
    JSON.stringify((properties['Target'] as { Input: unknown }).Input),
  );
  assert.deepEqual(inputs.map((input) => /\\"DelaySeconds\\":(\d+)/.exec(input)?.[1]).sort(), ['0', '30']);
  assert.ok(inputs.every((input) => input.includes('<aws.scheduler.scheduled-time>')));
});

test('the span collector asks for IAM; only the delivery endpoint, which checks callers itself, does not', () => {
  assert.deepEqual(
    ofType('AWS::Lambda::Url')
      .map(({ properties }) => properties['AuthType'])
      .sort(),
    ['AWS_IAM', 'NONE'],
  );
});

test('without a token or key in the configuration the delivery endpoint asks for IAM, too', () => {
  const urls = Object.values(resourcesOf(config)).filter(({ Type }) => Type === 'AWS::Lambda::Url');
  assert.deepEqual(
    urls.map(({ Properties }) => Properties['AuthType']),
    ['AWS_IAM', 'AWS_IAM'],
  );
});

test('alarms are taken from the default bus, and topics by subscription, as far as the configuration says', () => {
  const inbound = (given: object) => {
    const alerts = { ...shop.alerts, inbound: given };
    const found = Object.values(resourcesOf({ alerts }));
    const rules = found.filter(
      ({ Type, Properties }) => Type === 'AWS::Events::Rule' && !('EventBusName' in Properties),
    );
    return {
      patterns: rules.map(({ Properties }) =>
        JSON.stringify((Properties['EventPattern'] as unknown as { detail: unknown }).detail),
      ),
      topics: found
        .filter(({ Type }) => Type === 'AWS::SNS::Subscription')
        .map(({ Properties }) => [Properties['TopicArn'], Properties['Protocol']]),
    };
  };
  assert.deepEqual(inbound({}), {
    patterns: ['{"alarmName":[{"anything-but":{"prefix":"TargetTracking-"}}]}'],
    topics: [],
  });
  assert.deepEqual(inbound({ cloudwatchAlarms: false }).patterns, []);
  assert.deepEqual(inbound({ cloudwatchAlarms: ['shop-', 'core-'] }).patterns, [
    '{"alarmName":[{"prefix":"shop-"},{"prefix":"core-"}]}',
  ]);
  const topic = 'arn:aws:sns:us-east-1:000000000000:alarms';
  assert.deepEqual(inbound({ topics: [topic] }).topics, [[topic, 'sqs']]);
  const bare = Object.values(resourcesOf(config)).filter(
    ({ Type, Properties }) => Type === 'AWS::Events::Rule' && !('EventBusName' in Properties),
  );
  assert.equal(bare.length, 0, 'nothing is taken where nothing is delivered');
});

test('only where a receiver shows pictures may alerts read reports, and nothing else of the bucket', () => {
  const policies = (picture: boolean) =>
    Object.entries(
      resourcesOf({ alerts: { receivers: { a: { channel: 'wecom', url: 'ssm:url', picture } }, default: ['a'] } }),
    ).filter(([id]) => id.includes('ReadReports'));
  assert.deepEqual(policies(false), []);
  const [policy, ...more] = policies(true);
  assert.equal(more.length, 0);
  const text = JSON.stringify(policy);
  assert.match(text, /"s3:GetObject"/);
  assert.match(text, /reports\/\*/);
  assert.doesNotMatch(text, /s3:Put|s3:List|s3:Delete|"s3:\*"/);
});

test('grants follow the configuration: queues and secrets that it names, and nothing without it', () => {
  const text = JSON.stringify(ofType('AWS::IAM::Policy'));
  assert.match(text, /sqs:GetQueueAttributes/);
  assert.match(text, /:shop-orders"/);
  assert.match(text, /:secret:shop\/robot-url-\?\?\?\?\?\?/);
  const bare = JSON.stringify(resourcesOf(config));
  assert.ok(!bare.includes('secretsmanager:GetSecretValue'));
});

test('keys and headers of telemetry are granted to what exports or passes on, and X-Ray only where it is written to', () => {
  const telemetry = {
    redaction: { strict: { tokenKey: 'secretsmanager:shop/token-key' } },
    backEnds: {
      vendor: {
        url: 'https://otlp.example/v1/traces',
        redaction: 'strict',
        secretHeaders: { 'api-key': 'ssm:/vendor/key' },
      },
    },
  };
  const readers = (given: object, action: string) =>
    Object.entries(resourcesOf(given))
      .filter(([, { Type, Properties }]) => Type === 'AWS::IAM::Policy' && JSON.stringify(Properties).includes(action))
      .map(([id]) => /\/(\w+?)role/.exec(id)?.[1])
      .sort();
  const exporting = ['collectspans', 'deliveralerts', 'evaluatewatermarks'];
  assert.deepEqual(readers({ telemetry }, 'shop/token-key-??????'), exporting);
  assert.deepEqual(readers({ telemetry }, 'parameter/vendor/key'), exporting);
  assert.deepEqual(readers({ telemetry }, 'xray:'), []);
  const xray = { url: 'https://xray.eu-central-1.amazonaws.com/v1/traces', signFor: 'xray' };
  assert.deepEqual(readers({ telemetry: { backEnds: { xray } } }, 'xray:PutTraceSegments'), exporting);
});

test('metrics may be read only where a rule needs them, and a managed Prometheus by its workspace', () => {
  const rule = { gauge: 'queue-age', high: 0.9 };
  const url = 'https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-12345678-0000-4000-8000-000000000000';
  const given = {
    watermarks: {
      rules: { Age: rule, Load: { gauge: 'prometheus', query: 'up', high: 0.9 } },
      queues: [{ arn: 'arn:aws:sqs:us-east-1:000000000000:q', capacity: 1, maxAgeSeconds: 60 }],
      prometheus: { main: { url, sigv4Region: 'eu-central-1' } },
    },
  };
  const text = JSON.stringify(resourcesOf(given));
  assert.match(text, /cloudwatch:GetMetricData/);
  assert.match(text, /aps:QueryMetrics/);
  assert.match(text, /workspace\/ws-12345678/);
  assert.ok(!JSON.stringify(resourcesOf(shop)).includes('GetMetricData'));
});
