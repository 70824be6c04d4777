import assert from 'node:assert/strict';
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { Channel } from '../../lib/alert/channel.ts';
import { channels } from '../../lib/alert/channels/index.ts';
import type { HttpRequest } from '../../lib/model/ports.ts';
import {
  answered,
  dingtalkRobot,
  feishuRobot,
  opsgenieRobot,
  pagerdutyRobot,
  type Robot,
  slackRobot,
  startRobot,
  teamsRobot,
  webhookRobot,
  wecomRobot,
} from '../support/robots/index.ts';
import { anAlert, requestsOf } from './channels/cases.ts';

const now = Date.parse('2026-01-01T00:10:00Z');

const post = (
  robot: Robot,
  body: unknown,
  at = now,
  url = robot.url,
): { status: number; body: string; headers: object } => {
  const request: HttpRequest = { method: 'POST', url, body: typeof body === 'string' ? body : JSON.stringify(body) };
  const answer = robot.answer(request, at);
  return { ...answer, body: Buffer.from(answer.body).toString() };
};
const code = (robot: Robot, body: unknown, at?: number, url?: string): unknown => {
  const answer = JSON.parse(post(robot, body, at, url).body) as { errcode?: number; code?: number };
  return answer.errcode ?? answer.code;
};

test('the WeCom robot: limits in bytes to the byte, twenty in any sixty seconds, images by type, size and md5', () => {
  const markdown = (content: string) => ({ msgtype: 'markdown', markdown: { content } });
  const robot = wecomRobot();
  assert.equal(code(robot, markdown(`${'界'.repeat(1365)}x`)), 0);
  assert.equal(code(robot, markdown(`${'界'.repeat(1365)}xx`)), 40058);
  assert.equal(code(robot, { msgtype: 'text', text: { content: 'x'.repeat(2048) } }), 0);
  assert.equal(code(robot, { msgtype: 'text', text: { content: 'x'.repeat(2049) } }), 40058);
  assert.equal(code(robot, markdown('')), 44004);
  assert.equal(code(robot, { msgtype: 'voice' }), 40008);
  assert.equal(code(robot, '{'), 47001);
  assert.equal(code(robot, markdown('x'), now, robot.url.replace(/key=.*/, 'key=other')), 93000);
  const png = Buffer.concat([Buffer.from('89504e47', 'hex'), Buffer.alloc(100)]);
  const image = (bytes: Buffer, md5 = createHash('md5').update(bytes).digest('hex')) => ({
    msgtype: 'image',
    image: { base64: bytes.toString('base64'), md5 },
  });
  assert.equal(code(robot, image(png)), 0);
  assert.equal(code(robot, image(png, 'other')), 301019);
  assert.equal(code(robot, image(Buffer.from('GIF89a'))), 40005);
  assert.equal(code(robot, image(Buffer.concat([png, Buffer.alloc(2 * 1024 * 1024)]))), 40009);
  const busy = wecomRobot();
  const answers = Array.from({ length: 22 }, (_, at) => code(busy, markdown('x'), now + at * 1000));
  assert.deepEqual(answers, [...Array.from({ length: 20 }, () => 0), 45009, 45009]);
  assert.equal(code(busy, markdown('x'), now + 60_000), 0, 'the first has left the window');
  assert.equal(code(busy, markdown('x'), now + 60_500), 45009);
});

test('the DingTalk robot shuts for ten minutes after the 21st message of a minute', () => {
  const robot = dingtalkRobot();
  const text = { msgtype: 'text', text: { content: 'x' } };
  for (let sent = 0; sent < 20; sent += 1) assert.equal(code(robot, text), 0);
  assert.equal(code(robot, text, now + 1), 130101);
  assert.equal(code(robot, text, now + 599_000), 130101);
  assert.equal(code(robot, text, now + 600_001), 0);
  assert.equal(code(robot, { msgtype: 'markdown', markdown: { text: 'x' } }, now + 700_000), 40035, 'no title');
  assert.equal(code(robot, { ...text, pad: 'x'.repeat(20_000) }, now + 700_000), 460101);
  assert.equal(code(robot, text, now, robot.url.replace('566', '567')), 300005);
  assert.equal(code(dingtalkRobot({ keywords: ['alert'] }), text), 310000);
  const signed = dingtalkRobot({ secret: 'SEC' });
  const url = (at: number) =>
    `${signed.url}&timestamp=${at}&sign=${encodeURIComponent(createHmac('sha256', 'SEC').update(`${at}\nSEC`).digest('base64'))}`;
  assert.equal(code(signed, text), 310000);
  assert.equal(code(signed, text, now, url(now - 3_600_000)), 0);
  assert.equal(code(signed, text, now, url(now - 3_600_001)), 310000, 'older than an hour');
});

test('the Feishu robot: 20 KB, five a second, and every other request of a busy minute', () => {
  const robot = feishuRobot();
  const text = (content: string) => ({ msg_type: 'text', content: { text: content } });
  const size = (bytes: number) => text('x'.repeat(bytes - JSON.stringify(text('')).length));
  assert.equal(code(robot, size(20 * 1024)), 0);
  assert.equal(code(robot, size(20 * 1024 + 1)), 19036);
  for (let sent = 1; sent < 5; sent += 1) assert.equal(code(robot, text('x')), 0);
  assert.equal(code(robot, text('x')), 11232);
  const half = Date.parse('2026-01-01T00:30:10Z');
  assert.deepEqual([code(robot, text('x'), half), code(robot, text('x'), half)], [11232, 0]);
  assert.equal(code(robot, { msg_type: 'interactive' }, now + 5000), 9499);
  assert.equal(code(feishuRobot({ keyword: 'alert' }), text('x')), 19024);
});

test('the Slack, Teams, PagerDuty and Opsgenie robots refuse in their own words', () => {
  const slack = slackRobot();
  assert.deepEqual([post(slack, {}).status, post(slack, {}).body], [400, 'no_text']);
  assert.equal(post(slack, { text: 'x' }).body, 'ok');
  const limited = post(slack, { text: 'x' });
  assert.deepEqual([limited.status, (limited.headers as Record<string, string>)['retry-after']], [429, '1']);
  assert.equal(post(slack, { text: 'x' }, now, 'https://hooks.slack.com/services/T/B/other').body, 'no_service');
  const card = { type: 'message', attachments: [] };
  assert.equal(post(teamsRobot(), card).status, 202);
  assert.equal(post(teamsRobot({ legacy: true }), card).body, '1');
  assert.match(post(teamsRobot({ legacy: true }), { ...card, pad: 'x'.repeat(30_000) }).body, /HTTP error 413/);
  assert.equal(post(teamsRobot(), card, now, teamsRobot({ sig: 'other' }).url).status, 401);
  const pagerduty = pagerdutyRobot();
  assert.match(post(pagerduty, { routing_key: 'x' }).body, /'routing_key' is invalid.*'event_action' is invalid/);
  assert.equal(post(opsgenieRobot(), {}).status, 403);
});

test('the webhook robot verifies v1a signatures, too', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const half = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32).toString('base64');
  const robot = webhookRobot({ secret: `whpk_${half}` });
  const [sent] = requestsOf(channels.webhook, [anAlert()], { url: robot.url, secrets: [`whsk_${seed}`] });
  const [other] = requestsOf(channels.webhook, [anAlert()], { url: robot.url, secrets: [`whsec_${seed}`] });
  assert.ok(sent !== undefined && other !== undefined);
  assert.equal(robot.answer(sent.request, now).status, 204);
  assert.equal(robot.answer(other.request, now).status, 401);
  assert.equal(robot.answer(sent.request, now + 300_001).status, 401, 'five minutes later');
});

test('behind a socket a robot answers as it does without', async () => {
  const robot = await startRobot(
    wecomRobot({ fault: (count) => (count === 2 ? answered(502, 'bad gateway') : undefined) }),
    {
      clock: () => now,
    },
  );
  try {
    const channel: Channel = channels.wecom;
    const [sent] = requestsOf(channel, [anAlert()], { url: robot.url });
    const send = () => fetch(robot.url, { method: 'POST', body: String(sent?.request.body) });
    assert.deepEqual(await (await send()).json(), { errcode: 0, errmsg: 'ok' });
    assert.equal((await send()).status, 502);
    assert.equal(robot.received.length, 1);
    assert.equal(robot.requests(), 2);
  } finally {
    await robot.stop();
  }
});
