import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { problemsOf } from '../../cdk/config.ts';
import { Tidemark } from '../../cdk/tidemark.ts';
import { spanSources as sources } from '../support/span-sources.ts';

type Properties = Readonly<Record<string, unknown>>;

const resourcesOf = (traces: object): { readonly type: string; readonly properties: Properties }[] => {
  const { messaging, state, functions } = new Tidemark(new App(), 'Tidemark', { config: { traces }, bundling: false });
  return ([messaging, state, functions] as Stack[]).flatMap((stack) =>
    Object.values(
      (Template.fromStack(stack).toJSON() as { Resources?: Record<string, { Type: string; Properties: Properties }> })
        .Resources ?? {},
    ).map(({ Type, Properties }) => ({ type: Type, properties: Properties })),
  );
};
const found = resourcesOf({ sources });
const ofType = (type: string): Properties[] =>
  found.filter((each) => each.type === type).map(({ properties }) => properties);
const text = (value: unknown): string => JSON.stringify(value);

test('every stream, topic and queue is mapped once, reports failures record by record, and ends its retries', () => {
  const mappings = ofType('AWS::Lambda::EventSourceMapping');
  const own = mappings.filter((mapping) =>
    /stream\/spans|cluster\/telemetry|:other-spans|bootstrap/i.test(text(mapping)),
  );
  assert.equal(own.length, 4);
  for (const mapping of own) assert.deepEqual(mapping['FunctionResponseTypes'], ['ReportBatchItemFailures']);
  for (const mapping of own.filter(({ StartingPosition }) => StartingPosition !== undefined)) {
    assert.equal(mapping['MaximumRetryAttempts'], 3);
    assert.equal(mapping['BisectBatchOnFunctionError'], true);
    assert.match(text(mapping['DestinationConfig']), /SpansDeadLetters/);
  }
  assert.match(text(own), /"StartingPosition":"TRIM_HORIZON"/);
  assert.match(text(own), /SASL_SCRAM_512_AUTH.*secret:kafka\/reader/);
});

test('log groups may invoke the function by their own ARN in this account only, and filter what is no span', () => {
  const filters = ofType('AWS::Logs::SubscriptionFilter');
  assert.deepEqual(
    filters.map(({ LogGroupName, FilterPattern }) => [LogGroupName, FilterPattern]),
    [
      ['aws/spans', ''],
      ['/aws/lambda/orders', '{ $.__otel_otlp_stdout = * }'],
    ],
  );
  const permissions = ofType('AWS::Lambda::Permission').filter(({ Principal }) => /logs|s3/.test(text(Principal)));
  assert.equal(permissions.length, 3);
  for (const permission of permissions) {
    assert.ok(permission['SourceAccount'] !== undefined && permission['SourceArn'] !== undefined);
    assert.match(text(permission['SourceArn']), /log-group:(aws\/spans|\/aws\/lambda\/orders):\*|:s3:::direct"/);
  }
});

test('buckets tell of new objects by the default bus, by the queue, or by the function, as configured', () => {
  const rules = ofType('AWS::Events::Rule').map(({ EventPattern }) => text(EventPattern));
  assert.ok(
    rules.includes(
      text({
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: ['telemetry'] }, object: { key: [{ prefix: 'traces/' }] } },
      }),
    ),
  );
  const policies = text(ofType('AWS::SQS::QueuePolicy'));
  assert.match(policies, /"s3.amazonaws.com"/);
  assert.match(policies, /"aws:SourceArn":.*:s3:::by-queue/);
});

test('the function is granted what is named, and nothing of it without', () => {
  const granted = text(ofType('AWS::IAM::Policy'));
  for (const wanted of [
    /kinesis:GetRecords/,
    /arn:aws:kinesis:eu-west-1:111122223333:stream\/spans/,
    /:topic\/telemetry\/[^"]*\/otlp_spans/,
    /:group\/telemetry\/[^"]*\/tidemark/,
    /sqs:ReceiveMessage/,
    /:s3:::telemetry\/traces\/\*/,
    /:s3:::by-queue\/\*/,
    /secret:kafka\/reader-\?\?\?\?\?\?/,
    /"kms:Decrypt"[^}]*:key\/1234/,
  ]) {
    assert.match(granted, wanted);
  }
  assert.ok(!/kinesis:\*|s3:\*|kafka:\*/.test(granted));
  const bare = text(resourcesOf({}).filter(({ type }) => type === 'AWS::IAM::Policy'));
  for (const action of ['kinesis:', 'kafka', 's3:::', 'ec2:', 'kms:']) assert.ok(!bare.includes(action), action);
});

test('what is wrong with sources is told all at once, with path and what is allowed', () => {
  const problems = problemsOf({
    traces: {
      sources: {
        logGroups: [{ name: 'a b' }, 'aws/spans'],
        streams: [
          { arn: 'spans', batchSize: 0, from: 'now' },
          { arn: sources.streams[0]?.arn },
          { arn: sources.streams[0]?.arn },
        ],
        kafka: [
          { topics: [] },
          { cluster: 'c', bootstrapServers: ['b'], topics: ['t'], secret: 'hunter2', subnets: ['subnet-1'] },
        ],
        queues: [{ arn: 'https://sqs' }],
        buckets: [{ name: 'UPPER', prefix: 'a*', via: 'post', keyArn: 'k', more: 1 }],
        topics: [],
      },
    },
  });
  const paths = problems.map(({ path }) => path.replace('traces.sources.', ''));
  for (const path of [
    'topics',
    'logGroups[0].name',
    'logGroups[1]',
    'streams[0].arn',
    'streams[0].batchSize',
    'streams[0].from',
    'streams[2]',
    'kafka[0]',
    'kafka[0].topics',
    'kafka[1]',
    'kafka[1].cluster',
    'kafka[1].bootstrapServers[0]',
    'kafka[1].secret',
    'kafka[1].subnets',
    'queues[0].arn',
    'buckets[0].name',
    'buckets[0].prefix',
    'buckets[0].via',
    'buckets[0].keyArn',
    'buckets[0].more',
  ]) {
    assert.ok(paths.includes(path), path);
  }
  assert.ok(!text(problems).includes('hunter2'), 'a secret in the wrong place is not repeated');
  assert.deepEqual(problemsOf({ traces: { sources } }), []);
});
