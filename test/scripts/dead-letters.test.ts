import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { dynamodbTable } from '../../lib/adapters/dynamodb.ts';
import { note } from '../../lib/alert/ledger.ts';
import { alert } from '../../lib/model/alert.ts';
import { createStateTable } from '../support/state-table.ts';

const script = join(import.meta.dirname, '../../scripts/tidemark.ts');
const credentials = { accessKeyId: 'x', secretAccessKey: 'y' };
const faux = buildApp({ logger: false });
const dynamo = dynalite({ createTableMs: 0 });
let endpoint = '';
let tableEndpoint = '';
let sqs: SQSClient;
const queues: Record<string, string> = {};

before(async () => {
  endpoint = await faux.listen({ port: 0, host: '127.0.0.1' });
  await new Promise<void>((done) => dynamo.listen(0, '127.0.0.1', done));
  tableEndpoint = `http://127.0.0.1:${(dynamo.address() as { port: number }).port}`;
  sqs = new SQSClient({ endpoint, region: 'us-east-1', credentials, useQueueUrlAsEndpoint: false });
  for (const name of ['alerts', 'dead'])
    queues[name] = (await sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? '';
});

after(async () => {
  await faux.close();
  await new Promise<void>((done) => dynamo.close(() => done()));
});

const run = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  new Promise<{ code: number | null; out: string; err: string }>((settle) => {
    const child = spawn(process.execPath, [script, ...args], {
      env: {
        PATH: process.env['PATH'],
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'y',
        ...env,
      },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text: Buffer) => void (out += text.toString()));
    child.stderr.on('data', (text: Buffer) => void (err += text.toString()));
    child.on('close', (code) => settle({ code, out, err }));
  });
const replay = (...args: string[]) =>
  run(['replay-dlq', '--rate', '1000', ...args], {
    AWS_ENDPOINT_URL: endpoint,
    TIDEMARK_ALERTS_QUEUE: queues['alerts'] ?? '',
    TIDEMARK_ALERTS_DEAD_LETTERS: queues['dead'] ?? '',
  });

const anAlert = (name: string) =>
  alert({
    status: 'firing',
    labels: { alertname: name, severity: 'info' },
    annotations: {},
    startsAt: '2026-01-01T00:00:00.000Z',
  });
const bury = (name: string, receiver: string, reason: string, deadAt: string) =>
  sqs.send(
    new SendMessageCommand({
      QueueUrl: queues['dead'],
      MessageBody: JSON.stringify({
        letter: {
          receiver,
          reason,
          deadAt,
          entries: [{ alert: anAlert(name), rank: 1, group: 'g', groupKey: '{}:{}', groupLabels: {}, since: 0 }],
        },
      }),
      MessageAttributes: { reason: { DataType: 'String', StringValue: reason } },
    }),
  );
const arrived = async () => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queues['alerts'], MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
  );
  return Messages.map(({ Body = '' }) => /"alertname":"(\w+)"/.exec(Body)?.[1] ?? Body).sort();
};

test('dead letters are sent again by receiver, time and reason; the others stay, for the next one who looks, too', async () => {
  await bury('A', 'chat', 'errcode 93000: invalid webhook url', '2026-01-01T00:00:00Z');
  await bury('B', 'chat', 'HTTP 400', '2026-01-02T00:00:00Z');
  await bury('C', 'pager', 'HTTP 400', '2026-01-03T00:00:00Z');
  await sqs.send(new SendMessageCommand({ QueueUrl: queues['dead'], MessageBody: 'no alert' }));
  const dry = await replay('--dry-run');
  assert.match(dry.out, /would send 4 of 4 dead letters/, dry.err);
  assert.deepEqual(await arrived(), []);
  assert.match(
    (await replay('--dest', 'chat', '--reason', '93000')).out,
    /2026-01-01T00:00:00\.000Z {2}chat {2}A {2}errcode 93000.*\nsent 1 of 4/,
  );
  assert.deepEqual(await arrived(), ['A']);
  assert.match((await replay('--dest', 'nobody')).out, /sent 0 of 3/);
  assert.deepEqual(JSON.parse((await replay('--dest', 'pager', '--dry-run', '--json')).out), [
    { at: '2026-01-03T00:00:00.000Z', receiver: 'pager', alerts: ['C'], reason: 'HTTP 400', sent: false },
  ]);
  assert.match((await replay('--since', '2026-01-02T00:00:00Z', '--reason', 'HTTP')).out, /sent 2 of 3/);
  assert.deepEqual(await arrived(), ['B', 'C']);
  assert.match((await replay()).out, /\(unread\).*\nsent 1 of 1/);
  assert.deepEqual(await arrived(), ['no alert']);
  assert.match((await replay()).out, /sent 0 of 0/);
});

test('what replay-dlq does not understand is one line', async () => {
  for (const [args, why] of [
    [['--dest'], /--dest needs a value/],
    [['--since', 'yesterday'], /not an RFC 3339 time/],
    [['--rate', '0'], /a number from above 0/],
    [['--all'], /unknown option --all/],
  ] as const) {
    const { code, err } = await run(['replay-dlq', ...args], {});
    assert.equal(code, 2);
    assert.match(err, why);
  }
});

test('explain prints the chain of an alert, in its order', async () => {
  const dynamodb = new DynamoDBClient({ endpoint: tableEndpoint, region: 'us-east-1', credentials });
  await createStateTable(dynamodb);
  dynamodb.destroy();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: tableEndpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'y',
  });
  const given = { ...anAlert('Slow'), trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) } };
  let now = Date.now();
  const ports = { table: dynamodbTable({ tableName: 'state', clock: Date.now }), clock: () => (now += 1000) };
  await note(ports, given, 'received', 'g', { groupKey: '{}:{alertname="Slow"}' });
  await note(ports, given, 'queued', 'chat', { receiver: 'chat', groupKey: '{}:{alertname="Slow"}' });
  await note(ports, given, 'attempt', 'd#0', {
    receiver: 'chat',
    groupKey: '{}',
    attempt: 1,
    verdict: 'retry',
    reason: 'HTTP 500',
    deliveryId: 'd',
  });
  await note(ports, given, 'attempt', 'd#1', {
    receiver: 'chat',
    groupKey: '{}',
    attempt: 2,
    verdict: 'ok',
    deliveryId: 'd',
  });
  const env = { AWS_ENDPOINT_URL: tableEndpoint, TIDEMARK_TABLE: 'state' };
  const { code, out, err } = await run(['explain', given.fingerprint.toUpperCase()], env);
  assert.equal(code, 0, err);
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/\d{4}-\S+Z/, 'T')),
    [
      `Slow ${given.fingerprint}`,
      `  trace ${'a'.repeat(32)}`,
      '  T  received · firing · group {}:{alertname="Slow"}',
      '  T  queued · firing · chat · group {}:{alertname="Slow"}',
      '  T  attempt · firing · chat · attempt 1 · retry · HTTP 500 · delivery d',
      '  T  attempt · firing · chat · attempt 2 · ok · delivery d',
    ],
  );
  const steps = JSON.parse((await run(['explain', given.fingerprint, '--json'], env)).out) as { step: string }[];
  assert.deepEqual(
    steps.map(({ step }) => step),
    ['received', 'queued', 'attempt', 'attempt'],
  );
  assert.match((await run(['explain', '0'.repeat(16)], env)).out, /no alert with fingerprint/);
  assert.equal((await run(['explain', 'xyz'], env)).code, 2);
});
