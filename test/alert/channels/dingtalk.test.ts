import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { dingtalk } from '../../../lib/alert/channels/dingtalk.ts';
import { dingtalkRobot } from '../../support/robots/index.ts';
import { anAlert, bodyOf, now, requestsOf, testLimit, testVerdicts } from './cases.ts';

const retry = { kind: 'retry' } as const;
const permanent = { kind: 'permanent' } as const;
const gone = { kind: 'permanent', disable: true } as const;
const throttled = { kind: 'retry', minDelaySeconds: 60, throttled: true } as const;

testVerdicts(dingtalk, [
  [200, { errcode: 0, errmsg: 'ok' }, { kind: 'ok' }],
  [200, { errcode: 130101, errmsg: 'send too fast, exceed 20 times per minute' }, throttled],
  [200, { errcode: 410100 }, throttled],
  [200, { errcode: 300001, errmsg: 'send too fast' }, throttled],
  [200, { errcode: 300001, errmsg: 'exceed the limit' }, throttled],
  [200, { errcode: 300001, errmsg: 'frequency limited' }, throttled],
  [200, { errcode: 300001, errmsg: 'token is not exist' }, { ...gone, credentials: true }],
  [200, { errcode: 300001 }, { ...gone, credentials: true }],
  [200, { errcode: 130101 }, { ...throttled, minDelaySeconds: 900 }, { 'retry-after': '900' }],
  [200, { errcode: -1, errmsg: '系统繁忙' }, retry],
  [200, { errcode: 460101, errmsg: 'message too long' }, { kind: 'split' }],
  [200, { errcode: 310000, errmsg: 'keywords not in content, more: [https://ding-doc.example]' }, permanent],
  [200, { errcode: 310000, errmsg: 'sign not match, more: [..]' }, { ...permanent, credentials: true }],
  [200, { errcode: 310000, errmsg: 'description:invalid timestamp' }, { ...permanent, credentials: true }],
  [200, { errcode: 310000, errmsg: 'ip 1.2.3.4 not in whitelist' }, permanent],
  ...[40035, 43004, 400105, 430101, 430102, 430103, 430104].map((errcode) => [200, { errcode }, permanent] as const),
  ...[300005, 400101].map((errcode) => [200, { errcode }, { ...gone, credentials: true }] as const),
  ...[400102, 400106, 400013].map((errcode) => [200, { errcode }, gone] as const),
  ...[88, 1, 999999].map((errcode) => [200, { errcode }, retry] as const),
  [200, { errcode: '0' }, retry],
  [200, { status: 1, wait: 10, source: 'x', punish: 'deny' }, retry],
  [200, '', retry],
  [200, '<html>', retry],
  [302, '', permanent],
  [404, '', permanent],
  [413, '', { kind: 'split' }],
  [429, { errcode: 130101 }, throttled],
  [503, '', { ...retry, minDelaySeconds: 30 }, { 'retry-after': '30' }],
]);

testLimit(dingtalk);

test('DingTalk: the signature is in the query, made of the time and the secret, and percent-encoded', () => {
  const secret = 'SECthis+is/a=secret';
  const url = 'https://oapi.dingtalk.com/robot/send?access_token=abc';
  const [sent] = requestsOf(dingtalk, [anAlert()], { url, secrets: [secret, 'SECold'] });
  const sign = createHmac('sha256', secret).update(`${now}\n${secret}`).digest('base64');
  assert.equal(sent?.request.url, `${url}&timestamp=${now}&sign=${encodeURIComponent(sign)}`);
  assert.doesNotMatch(sent?.request.url.split('sign=')[1] ?? '', /[+/=]/);
  assert.equal(requestsOf(dingtalk, [anAlert()], { url })[0]?.request.url, url);
});

test('DingTalk: a robot takes what is signed, and refuses what is not', () => {
  const robot = dingtalkRobot({ secret: 'SECabc' });
  const alerts = Array.from({ length: 300 }, (_, index) =>
    anAlert({ labels: { alertname: `漢字${index}`, severity: 'critical' } }),
  );
  const signed = requestsOf(dingtalk, alerts, { url: robot.url, secrets: ['SECabc'] });
  assert.ok(signed.length >= 3);
  for (const { request } of signed) assert.deepEqual(dingtalk.verdict(robot.answer(request, now), now), { kind: 'ok' });
  const [other] = requestsOf(dingtalk, alerts, { url: robot.url, secrets: ['SECabd'] });
  const verdict = dingtalk.verdict(robot.answer(other?.request ?? { method: 'POST', url: robot.url }, now), now);
  assert.ok(verdict.kind === 'permanent' && verdict.credentials === true && /sign not match/.test(verdict.reason));
});

test('DingTalk: mobile numbers, ids and everyone are mentioned in the text and beside it, where something critical fires', () => {
  const style = { mention: ['138-0000-0000', 'manager', '@all'] };
  const body = bodyOf(dingtalk, [anAlert()], style);
  assert.deepEqual(body.at, { atMobiles: ['138-0000-0000'], atUserIds: ['manager'], isAtAll: true });
  assert.match(body.markdown.text, /\n@138-0000-0000 @manager @all$/);
  const low = bodyOf(dingtalk, [anAlert({ labels: { alertname: 'L', severity: 'info' } })], style);
  assert.deepEqual(low.at, { atMobiles: [], atUserIds: [], isAtAll: false });
});

test('DingTalk: in Chinese, with a digest', () => {
  const labels = (pod: string, severity: string) => ({ alertname: '内存过高', severity, cluster: '生产', pod });
  const alerts = [
    anAlert({ labels: labels('a_1', 'warning'), annotations: { summary: '高' } }),
    anAlert({ labels: labels('a_2', 'critical'), annotations: { summary: '*很高*' } }),
    anAlert({ labels: labels('a_3', 'info'), status: 'resolved' }),
  ];
  const { markdown } = bodyOf(dingtalk, alerts, { language: 'zh' }, { lateMinutes: 7 });
  assert.equal(markdown.title, '🔴 [告警] 3 条告警：内存过高 · 严重 1, 警告 1, 已恢复 1 · 迟到 7 分钟');
  const lines = markdown.text.split('  \n');
  assert.equal(lines[1], '> cluster：生产');
  assert.equal(lines[2], '**\\[告警\\] 严重 (1)**');
  assert.match(lines[3], /^- pod=a_2 · \\\*很高\\\* · 2026-01-01T00:00:00\.000Z · [0-9a-f]{16}$/);
  assert.equal(lines[6], '**\\[已恢复\\] 提示 (1)**');
});
