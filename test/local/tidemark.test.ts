import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startCluster } from '../../examples/shop/kubernetes.ts';
import { type Alert, alert } from '../../lib/model/alert.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { boot, type Cloud } from '../../local/cloud.ts';
import { aSpan } from '../support/a-span.ts';
import { startRobot, webhookRobot, wecomRobot } from '../support/robots/index.ts';

/** The deployed bundles, in processes that are really killed and fed what they must not choke on. */
const root = normalize(join(import.meta.dirname, '../..'));
const folder = mkdtempSync(join(tmpdir(), 'tidemark-e2e-'));
const lines: string[] = [];
let cloud: Cloud;
let robot: Awaited<ReturnType<typeof startRobot>>;
let audit: Awaited<ReturnType<typeof startRobot>>;
let cluster: Awaited<ReturnType<typeof startCluster>>;
let sqs: SQSClient;
let auditUrl = 'http://127.0.0.1:9/';

before(async () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'examples/shop/app.ts')], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: folder },
  });
  assert.equal(status, 0, stderr?.toString());
  // Slow to answer, so that a process can be killed while it waits.
  robot = await startRobot(wecomRobot(), { clock: Date.now, delayMs: 300 });
  audit = await startRobot(webhookRobot(), { clock: Date.now });
  cluster = await startCluster({ clock: Date.now, token: 't' });
  auditUrl = audit.url;
  cloud = await boot({
    assembly: folder,
    clock: Date.now,
    random: Math.random,
    compress: 1 / 60,
    visibilitySeconds: 4,
    secrets: {
      'secretsmanager:shop/robot-url': robot.url,
      'secretsmanager:shop/audit-url': auditUrl,
      'secretsmanager:shop/audit-secret': 'whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0',
      'secretsmanager:shop/alerts-token': 'token-of-the-test',
      'secretsmanager:shop/alerts-hmac': 'hmac-of-the-test',
      'secretsmanager:shop/kubernetes-token': 't',
    },
    env: {
      TIDEMARK_ALLOW_LOOPBACK: 'true',
      TIDEMARK_WINDOW_SECONDS: '2',
      TIDEMARK_WINDOW_SLACK_SECONDS: '1',
      SHOP_KUBERNETES_API: cluster.url,
    },
    log: (line) => void lines.push(line),
  });
  sqs = new SQSClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    useQueueUrlAsEndpoint: false,
  });
});

after(async () => {
  await cloud?.stop();
  await robot?.stop();
  await audit?.stop();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const url = (name: string): string => cloud.queues.get(name)?.url ?? '';
const until = async (holds: () => Promise<boolean> | boolean, what: string, seconds = 40): Promise<void> => {
  for (let tries = 0; tries < seconds * 10; tries += 1) {
    if (await holds()) return;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  assert.fail(`never came: ${what}\n${lines.slice(-15).join('\n')}`);
};
const said = (text: RegExp) => lines.filter((line) => text.test(line));
const deadLetter = async (queue: string, includes: string): Promise<boolean> => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url(queue), MaxNumberOfMessages: 10, VisibilityTimeout: 1 }),
  );
  return Messages.some(({ Body }) => Body?.includes(includes));
};
const anAlert = (name: string): Alert =>
  alert({
    status: 'firing',
    labels: { alertname: name, severity: 'info' },
    annotations: { summary: name },
    startsAt: '2026-01-01T00:00:00.000Z',
  });
const raise = async (alerts: readonly Alert[]): Promise<void> => {
  const bus = new EventBridgeClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
  });
  const Entries = alerts.map((each) => ({
    EventBusName: 'tidemark',
    Source: 'tidemark.test',
    DetailType: 'Alert',
    Detail: JSON.stringify(each),
  }));
  await bus.send(new PutEventsCommand({ Entries }));
};
const texts = () => robot.received.map(({ body }) => (body['markdown'] as { content: string }).content);
const otlp = (traceId: string) =>
  encodeJson([
    aSpan({ traceId, startNanos: BigInt(Date.now()) * 1_000_000n, endNanos: BigInt(Date.now() + 5) * 1_000_000n }),
  ]);
const post = (body: string | Buffer, headers: Record<string, string>) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const address = new URL('/v1/traces', String(cloud.outputs['TidemarkFunctions']?.['CollectSpansUrl']));
    const call = request(
      address,
      { method: 'POST', headers: { authorization: 'AWS4-HMAC-SHA256 Credential=x', ...headers } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      },
    );
    call.on('error', reject);
    call.end(body);
  });

test('deliver-alerts killed in the middle of a batch loses no alert', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `killed-${at}`);
  await raise(names.map(anAlert));
  await until(() => cloud.killOne('tidemark-deliver-alerts'), 'a process at work');
  await until(() => names.every((name) => texts().some((text) => text.includes(name))), 'all alerts at the robot', 60);
  assert.ok(said(/the process ended with SIGKILL/).length > 0);
});

test('collect-spans and score-traces killed at work lose no window', async () => {
  const ids = Array.from({ length: 6 }, (_, at) => (at + 1).toString(16).padStart(32, 'a'));
  for (const id of ids)
    await sqs.send(new SendMessageCommand({ QueueUrl: url('tidemark-spans'), MessageBody: otlp(id) }));
  await until(() => cloud.killOne('tidemark-collect-spans') || said(/window scored/).length > 0, 'a collector at work');
  await until(() => cloud.killOne('tidemark-score-traces') || said(/window scored/).length > 0, 'a scorer at work');
  const spans = () => said(/window scored/).map((line) => JSON.parse(line) as { window: string; spans: number });
  const total = () =>
    Object.values(Object.fromEntries(spans().map(({ window, spans: count }) => [window, count]))).reduce(
      (sum, count) => sum + count,
      0,
    );
  await until(() => total() >= ids.length, 'every span in a scored window', 60);
});

test('a message that is no JSON gives one line with the reason, goes to the dead letters and disturbs no neighbour', async () => {
  const before_ = lines.length;
  await sqs.send(new SendMessageCommand({ QueueUrl: url('tidemark-spans'), MessageBody: 'no {json' }));
  await sqs.send(new SendMessageCommand({ QueueUrl: url('tidemark-spans'), MessageBody: otlp('b'.repeat(32)) }));
  await until(
    () => lines.slice(before_).some((line) => /record failed/.test(line) && /neither JSON nor base64/.test(line)),
    'the line',
  );
  await until(() => deadLetter('tidemark-spans-dead-letters', 'no {json'), 'the dead letter', 60);
});

test('an alert of unknown shape gives one line with the reason, and its neighbours are delivered', async () => {
  await sqs.send(new SendMessageCommand({ QueueUrl: url('tidemark-alerts'), MessageBody: '{"hello":"world"}' }));
  await raise([anAlert('neighbour')]);
  await until(() => texts().some((text) => text.includes('neighbour')), 'the neighbour');
  await until(() => said(/alerts refused.*status is neither firing nor resolved/).length > 0, 'the line');
});

test('a tick is evaluated once, however often and late it is delivered, and leaves the pressure of its queues', async () => {
  const tick = (offsetSeconds: number) => JSON.stringify({ tick: '2026-01-01T00:00:00Z', offsetSeconds });
  const evaluated = () =>
    said(/"tick evaluated"/).map(
      (line) => JSON.parse(line) as { offsetSeconds: number; evaluated: boolean; series: number },
    );
  for (const offset of [0, 0, 30, 30, 0])
    await sqs.send(new SendMessageCommand({ QueueUrl: url('tidemark-ticks'), MessageBody: tick(offset) }));
  await until(() => evaluated().length === 5, 'five deliveries');
  const done = evaluated().filter((each) => each.evaluated);
  assert.deepEqual(done.map(({ offsetSeconds }) => offsetSeconds).sort(), [0, 30]);
  assert.ok(
    done.every(({ series }) => series === 3),
    'the pod and both queues were measured',
  );
  const dynamodb = new DynamoDBClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
  });
  const TableName = String(cloud.outputs['TidemarkState']?.['TableName']);
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName, Key: { pk: { S: 'pressure' }, sk: { S: 'shop-orders' } } }),
  );
  assert.equal(Item?.['level']?.S, 'normal');
});

test('an OTLP body cut in half is answered 400, one without a signature 403, one of another type 415', async () => {
  const half = otlp('c'.repeat(32)).slice(0, 200);
  const cut = await post(half, { 'content-type': 'application/json' });
  assert.equal(cut.status, 400);
  assert.match(cut.body, /is not JSON/);
  assert.equal(said(/request was refused.*is not JSON/).length, 1);
  assert.equal((await post(half, { 'content-type': 'application/x-protobuf' })).status, 400);
  assert.equal((await post(half, { 'content-type': 'application/json', 'content-encoding': 'gzip' })).status, 400);
  assert.equal((await post('x', { 'content-type': 'text/plain' })).status, 415);
  assert.equal((await post('x', { authorization: 'none' })).status, 403);
});

test('a malformed reading and an unknown event give one line each and do not stop what comes after', async () => {
  const before_ = lines.length;
  await sqs.send(new SendMessageCommand({ QueueUrl: url('tidemark-readings'), MessageBody: '{"gauge":"pushed"}' }));
  await until(
    () => lines.slice(before_).some((line) => /evaluate-watermarks/.test(line) && /record failed/.test(line)),
    'the line',
  );
  const outcome = await cloud.invoke('tidemark-score-traces', '{"what":"is this"}');
  assert.ok(!outcome.ok);
  assert.ok((await cloud.invoke('tidemark-collect-spans', JSON.stringify({ Records: [] }))).ok);
});
