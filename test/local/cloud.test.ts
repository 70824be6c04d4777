import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { boot, type Cloud } from '../../local/cloud.ts';

/** A hand-written assembly: one function behind a queue with a dead-letter queue, a bus with a rule, a function URL. */
const folder = mkdtempSync(join(tmpdir(), 'tidemark-cloud-test-'));
const queue = (name: string, more: object = {}) => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: name, VisibilityTimeout: 1, ...more },
});
const template = {
  Resources: {
    Dead: queue('dead'),
    Jobs: queue('jobs', {
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 2 },
    }),
    Out: queue('out'),
    Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'bus' } },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventBusName: { Ref: 'Bus' },
        EventPattern: { source: ['me'] },
        Targets: [{ Arn: { 'Fn::GetAtt': ['Out', 'Arn'] }, Id: 'x' }],
      },
    },
    Fn: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: 'worker',
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Timeout: 2,
        MemorySize: 128,
        Code: { S3Bucket: 'assets', S3Key: 'code.zip' },
        Environment: { Variables: { OUT: { Ref: 'Out' }, WHERE: { 'Fn::Sub': '${AWS::Region}/${Bus.Arn}' } } },
      },
    },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Jobs', 'Arn'] },
        FunctionName: { Ref: 'Fn' },
        BatchSize: 5,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
    Url: {
      Type: 'AWS::Lambda::Url',
      Properties: { AuthType: 'AWS_IAM', TargetFunctionArn: { 'Fn::GetAtt': ['Fn', 'Arn'] } },
    },
  },
  Outputs: { UrlOut: { Value: { 'Fn::GetAtt': ['Url', 'FunctionUrl'] } } },
};
const code = `
exports.handler = async (event, context) => {
  if (event.requestContext) return { statusCode: 201, body: JSON.stringify({ body: event.body, path: event.rawPath }) };
  if (event.slow) await new Promise((resume) => setTimeout(resume, 60000));
  if (event.throws) throw new RangeError('on purpose');
  if (event.Records) {
    console.log(JSON.stringify({ level: 'info', message: 'batch', bodies: event.Records.map((r) => r.body) }));
    if (event.Records.some((r) => r.body === 'hang')) await new Promise((resume) => setTimeout(resume, 800));
    return { batchItemFailures: event.Records.filter((r) => r.body === 'bad').map((r) => ({ itemIdentifier: r.messageId })) };
  }
  return { echo: event, remaining: context.getRemainingTimeInMillis() > 1000, where: process.env.WHERE, name: context.functionName, trace: process.env._X_AMZN_TRACE_ID };
};`;

let cloud: Cloud;
const lines: string[] = [];
const seen: unknown[] = [];
let sqs: SQSClient;
const client = () => ({
  endpoint: cloud.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
});
const url = (name: string) => cloud.queues.get(name)?.url ?? '';
const until = async (holds: () => Promise<boolean> | boolean, what: string) => {
  for (let tries = 0; tries < 150; tries += 1) {
    if (await holds()) return;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  assert.fail(`never came: ${what}`);
};
const receive = async (name: string) =>
  (
    await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url(name),
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
        VisibilityTimeout: 0,
      }),
    )
  ).Messages ?? [];
const count = async (name: string) => {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url(name), AttributeNames: ['All'] }),
  );
  return (
    Number(Attributes?.['ApproximateNumberOfMessages']) + Number(Attributes?.['ApproximateNumberOfMessagesNotVisible'])
  );
};

before(async () => {
  mkdirSync(join(folder, 'asset.code'));
  writeFileSync(join(folder, 'asset.code', 'index.js'), code);
  writeFileSync(join(folder, 'asset.code', 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(folder, 'Test.template.json'), JSON.stringify(template));
  writeFileSync(
    join(folder, 'Test.assets.json'),
    JSON.stringify({
      files: { a: { source: { path: 'asset.code' }, destinations: { d: { objectKey: 'code.zip' } } } },
    }),
  );
  cloud = await boot({
    assembly: folder,
    clock: Date.now,
    random: Math.random,
    secrets: { 'secretsmanager:s': 'hush' },
    log: (line) => void lines.push(line),
    onEvent: (_, event) => void seen.push(event),
  });
  sqs = new SQSClient({ ...client(), useQueueUrlAsEndpoint: false });
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a function runs in a process of its own with its environment, deadline and trace header', async () => {
  const outcome = await cloud.invoke('worker', '{"a":1}');
  assert.ok(outcome.ok);
  const answer = JSON.parse(outcome.answer) as Record<string, unknown>;
  assert.deepEqual(answer['echo'], { a: 1 });
  assert.equal(answer['remaining'], true);
  assert.equal(answer['name'], 'worker');
  assert.equal(answer['where'], 'us-east-1/arn:aws:events:us-east-1:000000000000:event-bus/bus');
  assert.match(String(answer['trace']), /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=/);
});

test('a throw and a timeout are errors of that invocation alone', async () => {
  assert.deepEqual(await cloud.invoke('worker', '{"throws":true}'), {
    ok: false,
    errorType: 'RangeError',
    errorMessage: 'on purpose',
  });
  const slow = await cloud.invoke('worker', '{"slow":true}');
  assert.ok(!slow.ok && /timed out after 2.00 seconds/.test(slow.errorMessage));
  assert.ok((await cloud.invoke('worker', '{}')).ok);
});

test('only the failed record of a batch comes again, and ends in the dead letters', async () => {
  for (const body of ['good', 'bad', 'fine'])
    await sqs.send(new SendMessageCommand({ QueueUrl: url('jobs'), MessageBody: body }));
  await until(async () => (await count('dead')) === 1, 'the dead letter');
  assert.equal((await receive('dead'))[0]?.Body, 'bad');
  const handled = lines.flatMap((line) =>
    line.includes('"batch"') ? (JSON.parse(line) as { bodies: string[] }).bodies : [],
  );
  assert.deepEqual(
    [
      handled.filter((b) => b === 'good').length,
      handled.filter((b) => b === 'fine').length,
      handled.filter((b) => b === 'bad').length,
    ],
    [1, 1, 2],
  );
});

test('a process killed in the middle of a batch loses no message', async () => {
  await sqs.send(new SendMessageCommand({ QueueUrl: url('jobs'), MessageBody: 'hang' }));
  await until(() => lines.some((line) => line.includes('"hang"')), 'the batch');
  assert.ok(cloud.killOne('worker'));
  await until(() => lines.filter((line) => line.includes('"hang"')).length >= 2, 'the second delivery');
  await until(async () => (await count('jobs')) === 0, 'the empty queue');
  assert.ok(lines.some((line) => line.includes('the process ended with SIGKILL')));
});

test('an event on the bus reaches its target without the trace header that was sent with it, whose trace id the message keeps', async () => {
  const events = new EventBridgeClient(client());
  const put = (Entries: object[]) => events.send(new PutEventsCommand({ Entries: Entries as never }));
  const good = {
    EventBusName: 'bus',
    Source: 'me',
    DetailType: 't',
    Detail: '{"n":1}',
    TraceHeader: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
  };
  const answer = await put([good, { ...good, Detail: '[1]' }, { ...good, EventBusName: 'none' }]);
  assert.deepEqual(
    answer.Entries?.map(({ ErrorCode }) => ErrorCode),
    [undefined, 'MalformedDetail', 'ResourceNotFoundException'],
  );
  await until(async () => (await count('out')) === 1, 'the event');
  const [message] = await receive('out');
  assert.deepEqual((JSON.parse(message?.Body ?? '') as { detail: unknown }).detail, { n: 1 });
  assert.ok(!message?.Body?.includes('Root='));
  assert.match(
    String(message?.Attributes?.['AWSTraceHeader' as never]),
    /^Root=1-5759e988-bd862e3fe1be46a994272793;Parent=(?!53995c3f42cd8ad8)[0-9a-f]{16};Sampled=1$/,
  );
  assert.equal(seen.length, 1);
});

test('AWSTraceHeader survives a queue, and the eleventh attribute is refused', async () => {
  const header = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: url('dead'),
      MessageBody: 'traced',
      MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: header } },
    }),
  );
  const found = (await receive('dead')).find(({ Body }) => Body === 'traced');
  assert.equal(found?.Attributes?.['AWSTraceHeader' as never], header);
  const attributes = Object.fromEntries(
    Array.from({ length: 11 }, (_, n) => [`a${n}`, { DataType: 'String', StringValue: 'x' }]),
  );
  await assert.rejects(
    sqs.send(new SendMessageCommand({ QueueUrl: url('out'), MessageBody: 'x', MessageAttributes: attributes })),
    /exceeds the allowed maximum/,
  );
});

test('a function URL asks for a signature and speaks payload 2.0; secrets are answered by name', async () => {
  const address = String(cloud.outputs['Test']?.['UrlOut']);
  assert.equal((await fetch(address, { method: 'POST', body: 'x' })).status, 403);
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=x', 'content-type': 'text/plain' };
  const answer = await fetch(`${address}some/path`, { method: 'POST', body: 'hällo', headers });
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), { body: 'hällo', path: '/some/path' });
  const secrets = new SecretsManagerClient(client());
  assert.equal((await secrets.send(new GetSecretValueCommand({ SecretId: 's' }))).SecretString, 'hush');
  await assert.rejects(secrets.send(new GetSecretValueCommand({ SecretId: 'none' })), /can't find/);
});
