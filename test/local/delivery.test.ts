import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { boot, type Cloud } from '../../local/cloud.ts';
import { startRobot, webhookRobot, wecomRobot } from '../support/robots/index.ts';

/** Alerts from where they really come from, through the deployed bundles, to a robot. */
const root = normalize(join(import.meta.dirname, '../..'));
const folder = mkdtempSync(join(tmpdir(), 'tidemark-delivery-'));
const lines: string[] = [];
let cloud: Cloud;
let robot: Awaited<ReturnType<typeof startRobot>>;
let audit: Awaited<ReturnType<typeof startRobot>>;

before(async () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'examples/shop/app.ts')], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: folder },
  });
  assert.equal(status, 0, stderr?.toString());
  robot = await startRobot(wecomRobot(), { clock: Date.now });
  audit = await startRobot(webhookRobot(), { clock: Date.now });
  cloud = await boot({
    assembly: folder,
    clock: Date.now,
    random: Math.random,
    visibilitySeconds: 5,
    secrets: {
      'secretsmanager:shop/robot-url': robot.url,
      'secretsmanager:shop/audit-url': audit.url,
      'secretsmanager:shop/audit-secret': 'whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0',
      'secretsmanager:shop/alerts-token': 'token-of-the-test',
      'secretsmanager:shop/alerts-hmac': 'key-of-the-test',
    },
    env: { TIDEMARK_ALLOW_LOOPBACK: 'true' },
    log: (line) => void lines.push(line),
  });
});

after(async () => {
  await cloud?.stop();
  await robot?.stop();
  await audit?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const texts = () =>
  robot.received.map(({ body }) => (body['markdown'] as { content: string } | undefined)?.content ?? '');
const until = async (holds: () => boolean, what: string, seconds = 40): Promise<void> => {
  for (let tries = 0; tries < seconds * 10; tries += 1) {
    if (holds()) return;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  assert.fail(`never came: ${what}\n${lines.slice(-15).join('\n')}`);
};
const told = (name: string, status = 'FIRING') =>
  until(() => texts().some((text) => text.includes(`[${status}] ${name}`)), `${status} ${name}`);
const send = (url: string, body: string, headers: Record<string, string>) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const call = request(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
const post = (body: unknown, headers: Record<string, string>) =>
  send(String(cloud.outputs['TidemarkFunctions']?.['DeliverAlertsUrl']), JSON.stringify(body), headers);
const publish = (message: unknown) =>
  send(
    cloud.endpoint,
    new URLSearchParams({
      Action: 'Publish',
      Version: '2010-03-31',
      TopicArn: 'arn:aws:sns:us-east-1:000000000000:shop-alarms',
      Message: typeof message === 'string' ? message : JSON.stringify(message),
    }).toString(),
    {
      'content-type': 'application/x-www-form-urlencoded',
      authorization:
        'AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0',
    },
  );
const token = { authorization: 'Bearer token-of-the-test' };
const webhook = (alertname: string, fields: object = {}) => ({
  version: '4',
  status: 'firing',
  receiver: 'tidemark',
  alerts: [
    {
      status: 'firing',
      labels: { alertname, severity: 'critical' },
      annotations: { summary: 's' },
      startsAt: '2026-01-01T00:00:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      ...fields,
    },
  ],
});

test('what Alertmanager posts with its token comes to the robot, and so does its end', async () => {
  const { status, body } = await post(webhook('FromAlertmanager'), token);
  assert.deepEqual([status, JSON.parse(body)], [202, { accepted: 1 }]);
  await told('FromAlertmanager');
  await post(webhook('FromAlertmanager', { status: 'resolved', endsAt: '2026-01-01T00:10:00Z' }), token);
  await told('FromAlertmanager', 'RESOLVED');
});

test('what Grafana posts with its signature comes to the robot', async () => {
  const payload = { ...webhook('FromGrafana'), version: '1', orgId: 1, state: 'alerting' };
  const signature = createHmac('sha256', 'key-of-the-test').update(JSON.stringify(payload)).digest('hex');
  assert.equal((await post(payload, { 'x-grafana-alerting-signature': signature })).status, 202);
  await told('FromGrafana');
});

test('strangers are turned away, and nothing of theirs is told', async () => {
  assert.equal((await post(webhook('FromStranger'), {})).status, 401);
  assert.equal((await post(webhook('FromStranger'), { authorization: 'Bearer guess' })).status, 401);
  assert.equal((await post(webhook('FromStranger'), { 'x-grafana-alerting-signature': '00' })).status, 401);
  assert.equal((await post('no alert', token)).status, 400);
  assert.equal((await post({ alerts: [], filling: 'x'.repeat(4 * 1024 * 1024) }, token)).status, 413);
  assert.ok(!texts().some((text) => text.includes('FromStranger')));
});

test('the alarm of a CloudWatch rule comes by the default bus, and by SNS into the queue', async () => {
  const bus = new EventBridgeClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
  });
  const alarm = (alarmName: string) => ({
    Source: 'aws.cloudwatch',
    DetailType: 'CloudWatch Alarm State Change',
    Resources: [`arn:aws:cloudwatch:us-east-1:000000000000:alarm:${alarmName}`],
    Detail: JSON.stringify({
      alarmName,
      state: { value: 'ALARM', reason: 'r', timestamp: '2026-01-01T00:00:00.000+0000' },
    }),
  });
  await bus.send(new PutEventsCommand({ Entries: [alarm('TargetTracking-x'), alarm('FromAlarm')] }));
  await told('FromAlarm');
  assert.ok(!texts().some((text) => text.includes('TargetTracking')));
  const { status } = await publish({
    AlarmName: 'FromTopic',
    AlarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:FromTopic',
    NewStateValue: 'ALARM',
    OldStateValue: 'OK',
    NewStateReason: 'r',
    StateChangeTime: '2026-01-01T00:00:00.000+0000',
  });
  assert.equal(status, 200);
  await told('FromTopic');
});

test('what Amazon Managed Prometheus publishes comes to the robot, though it is not quite JSON', async () => {
  await publish(
    '{"receiver": "r","status": "firing","alerts": [{"status": "firing","labels": {"alertname": "FromManaged"},"annotations": {"summary": "the "pod" is down"},"startsAt": "2026-01-01 00:00:00 +0000 UTC","endsAt": "0001-01-01 00:00:00 +0000 UTC"}]}',
  );
  await told('FromManaged');
});
