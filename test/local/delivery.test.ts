import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { boot, type Cloud } from '../../local/cloud.ts';
import { type Robot, webhookRobot, wecomRobot } from '../support/robots/index.ts';

/** Alerts from where they really come from, through the deployed bundles, to a robot. */
const root = normalize(join(import.meta.dirname, '../..'));
const folder = mkdtempSync(join(tmpdir(), 'tidemark-delivery-'));
const lines: string[] = [];
let cloud: Cloud;
let robot: Awaited<ReturnType<typeof behindFaults>>;
let audit: Awaited<ReturnType<typeof behindFaults>>;
let spans: Server;
const exported: string[] = [];
/** Shares of what goes wrong between the functions and the robots; none until a test says so. */
const faults = { serverErrors: 0, errorCodes: 0, resets: 0, silences: 0 };
const happened = { serverErrors: 0, errorCodes: 0, resets: 0, silences: 0 };

/** A robot behind a socket that fails as networks and platforms do: before it is reached, instead of an answer, and after it has taken all. */
const behindFaults = async (machine: Robot) => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      let dice = Math.random();
      const is = (fault: keyof typeof faults) => {
        dice -= faults[fault];
        if (dice >= 0 || dice < -faults[fault]) return false;
        happened[fault] += 1;
        return true;
      };
      if (is('resets')) return void request.socket.destroy();
      if (is('serverErrors')) return void response.writeHead(503).end('sorry');
      // Only a robot says so inside of a 200; to a webhook that is a success.
      if (is('errorCodes'))
        return void response
          .writeHead(machine.name === 'wecom' ? 200 : 429)
          .end(JSON.stringify({ errcode: -1, errmsg: 'system busy' }));
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const url = new URL(request.url ?? '/', machine.url).href;
      const answer = machine.answer(
        { method: 'POST', url, headers, body: Buffer.concat(chunks).toString() },
        Date.now(),
      );
      if (is('silences')) return;
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { pathname, search } = new URL(machine.url);
  return {
    ...machine,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}${search}`,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};

before(async () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'examples/shop/app.ts')], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: folder },
  });
  assert.equal(status, 0, stderr?.toString());
  robot = await behindFaults(wecomRobot({ minuteSeconds: 1 }));
  audit = await behindFaults(webhookRobot());
  spans = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => void exported.push(chunk.toString('latin1')));
    request.on('end', () => void response.end('{}'));
  });
  await new Promise<void>((done) => spans.listen(0, '127.0.0.1', done));
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
    env: {
      TIDEMARK_ALLOW_LOOPBACK: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(spans.address() as AddressInfo).port}`,
      OTEL_TRACES_SAMPLER: 'always_on',
    },
    log: (line) => void lines.push(line),
  });
});

after(async () => {
  await cloud?.stop();
  await robot?.stop();
  await audit?.stop();
  spans?.close();
  spans?.closeAllConnections();
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

test('with faults, and processes that are killed all the while, no alert is lost or told out of order', async () => {
  Object.assign(faults, { serverErrors: 0.1, errorCodes: 0.05, resets: 0.02, silences: 0.05 });
  const names = Array.from({ length: 40 }, (_, at) => `Chaos${String(at).padStart(2, '0')}`);
  let [kills, isOver] = [0, false];
  const killing = (async () => {
    while (!isOver) {
      await new Promise((resume) => setTimeout(resume, 150 + Math.random() * 400));
      if (kills < 12 && cloud.killOne('tidemark-deliver-alerts')) kills += 1;
    }
  })();
  try {
    const body = (status: string, at: number) => ({
      version: '4',
      alerts: names.slice(at, at + 10).map((alertname) => ({
        status,
        labels: { alertname, severity: 'warning' },
        annotations: { summary: alertname },
        startsAt: '2026-01-01T00:00:00Z',
        ...(status === 'resolved' ? { endsAt: '2026-01-01T01:00:00Z' } : {}),
      })),
    });
    const posted = async (status: string, at: number): Promise<void> => {
      // A process may be killed while it takes a request: a sender tries again, as Alertmanager does after a 5xx.
      for (let tries = 0; tries < 20; tries += 1) if ((await post(body(status, at), token)).status === 202) return;
      assert.fail('never taken');
    };
    for (let at = 0; at < names.length; at += 10) await posted('firing', at);
    const isTold = (name: string, word: string) =>
      robot.received.some((each) => says(each, name, word)) && audit.received.some((each) => says(each, name, word));
    await until(() => names.every((name) => isTold(name, 'firing')), 'every alert at both robots', 120);
    for (let at = 0; at < 20; at += 10) await posted('resolved', at);
    await until(() => names.slice(0, 20).every((name) => isTold(name, 'resolved')), 'every end at both robots', 120);
  } finally {
    isOver = true;
    await killing;
    Object.assign(faults, { serverErrors: 0, errorCodes: 0, resets: 0, silences: 0 });
  }
  assert.ok(
    kills >= 5 && happened.serverErrors > 0 && happened.silences + happened.resets > 0,
    JSON.stringify({ kills, happened }),
  );
  for (const [list, isIdempotent] of [
    [robot.received, false],
    [audit.received, true],
  ] as const) {
    let repeated = 0;
    const known = new Set<string>();
    for (const each of list) {
      const told = names.flatMap((name) =>
        ['firing', 'resolved'].flatMap((word) => (says(each, name, word) ? [`${name} ${word}`] : [])),
      );
      if (told.some((state) => known.has(state))) repeated += 1;
      for (const state of told) {
        assert.ok(
          !(state.endsWith('firing') && known.has(state.replace('firing', 'resolved'))),
          `${state} after its end`,
        );
        known.add(state);
      }
    }
    assert.ok(
      repeated <= (isIdempotent ? 0 : happened.silences + kills),
      `${repeated} repeated, ${JSON.stringify({ kills, happened })}`,
    );
  }
});

/** Whether a message tells a state of an alert: in the words of the robot, alone or in a list, or in the fields of the webhook. */
const says = ({ body }: { readonly body: Record<string, unknown> }, name: string, status: string): boolean => {
  const { markdown, data } = body as {
    readonly markdown?: { readonly content: string };
    readonly data?: { readonly alerts?: readonly Told[] } & Told;
  };
  if (markdown === undefined)
    return (data?.alerts ?? [data]).some((each) => each?.status === status && each.labels['alertname'] === name);
  let section = '';
  return markdown.content.split('\n').some((line) => {
    section = /\[(FIRING|RESOLVED)\]/.exec(line)?.[1]?.toLowerCase() ?? section;
    return section === status && new RegExp(`\\b${name}\\b`).test(line);
  });
};

interface Told {
  readonly status: string;
  readonly labels: Record<string, string>;
}

test('no secret is in any log line, span, item of the table or dead letter, whatever has gone wrong', async () => {
  const dynamodb = new DynamoDBClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
  });
  const { Items = [] } = await dynamodb.send(
    new ScanCommand({ TableName: String(cloud.outputs['TidemarkState']?.['TableName']) }),
  );
  dynamodb.destroy();
  await until(() => exported.length > 0, 'spans');
  const told = { lines: lines.join('\n'), spans: exported.join('\n'), table: JSON.stringify(Items) };
  const key = new URL(robot.url).searchParams.get('key') ?? '';
  assert.ok(key.length > 8);
  for (const [where, text] of Object.entries(told)) {
    assert.ok(text.length > 1000, `${where}: there is something to look at`);
    for (const secret of ['token-of-the-test', 'key-of-the-test', 'c2VjcmV0c2VjcmV0', key, 'Bearer guess'])
      assert.ok(!text.includes(secret), `${secret} in ${where}`);
  }
});
