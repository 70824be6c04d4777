import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { feishu } from '../../../lib/alert/channels/feishu.ts';
import { feishuRobot } from '../../support/robots/index.ts';
import { anAlert, bodyOf, now, requestsOf, testVerdicts } from './cases.ts';

const retry = { kind: 'retry' } as const;
const permanent = { kind: 'permanent' } as const;
const throttled = { kind: 'retry', minDelaySeconds: 5, throttled: true } as const;

testVerdicts(feishu, [
  [200, { code: 0, msg: 'success', StatusCode: 0, data: {} }, { kind: 'ok' }],
  [200, { code: 11232, msg: 'frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]' }, throttled],
  [200, { code: 11232 }, { ...throttled, minDelaySeconds: 40 }, { 'retry-after': '40' }],
  [200, { code: 9499, msg: 'too many request' }, throttled],
  [200, { code: 9499, msg: 'frequency limited psm[x]' }, throttled],
  [200, { code: 77777, msg: 'Rate limit exceeded' }, throttled],
  [200, { code: 9499, msg: 'Bad Request', data: {} }, permanent],
  [200, { code: 19036, msg: 'too large' }, { kind: 'split' }],
  [
    200,
    { code: 19001, msg: 'param invalid: incoming webhook access token invalid' },
    { ...permanent, credentials: true },
  ],
  [200, { code: 19001, msg: 'param invalid' }, permanent],
  [200, { code: 19002 }, permanent],
  [200, { code: 19021, msg: 'sign match fail' }, { ...permanent, credentials: true }],
  [200, { code: 19022, msg: 'Ip Not Allowed' }, permanent],
  [200, { code: 19024, msg: 'Key Words Not Found' }, permanent],
  ...[1, 230001, -1, 99991400].map((code) => [200, { code }, retry] as const),
  [200, { StatusCode: 0, StatusMessage: 'success' }, retry],
  [200, { code: '0' }, retry],
  [200, '', retry],
  [200, '{"code":0', retry],
  [400, { code: 9499, msg: 'Bad Request' }, permanent],
  [400, { code: 11232 }, throttled],
  [429, { code: 11232 }, throttled],
  [403, '', { ...permanent, credentials: true }],
  [413, '', { kind: 'split' }],
  [500, { code: 19021 }, retry],
  [302, '', permanent],
]);

// The room that a signature takes is kept where there is none, too: the limit is met with one.
test('Feishu: a signed message holds 20,000 bytes at most, and an unsigned one no fewer than 19,880', () => {
  const alerts = Array.from({ length: 180 }, (_, index) =>
    anAlert({
      labels: { alertname: '内存', severity: 'info', index: `${index}` },
      annotations: { summary: '界*'.repeat(30) },
    }),
  );
  const sizes = requestsOf(feishu, alerts, { secrets: ['s'] }).map(({ request }) => feishu.measure(request));
  assert.ok(sizes.length > 2 && sizes.every((size) => size <= 20_000), sizes.join(' '));
  for (const size of sizes.slice(0, -1)) assert.ok(size > 19_600, `${size} leaves room for another alert`);
});

test('Feishu: the key of the signature is the time in seconds and the secret, its message is empty', () => {
  const body = bodyOf(feishu, [anAlert()], { secrets: ['abc', 'old'] });
  const timestamp = String(now / 1000);
  assert.equal(body.timestamp, timestamp);
  assert.equal(body.sign, createHmac('sha256', `${timestamp}\nabc`).update('').digest('base64'));
  const unsigned = bodyOf(feishu, [anAlert()]);
  assert.ok(!('sign' in unsigned) && !('timestamp' in unsigned));
});

test('Feishu: a robot takes what is signed, and refuses what is not', () => {
  const robot = feishuRobot({ secret: 'abc' });
  const [signed] = requestsOf(feishu, [anAlert()], { url: robot.url, secrets: ['abc'] });
  const [other] = requestsOf(feishu, [anAlert()], { url: robot.url, secrets: ['abd'] });
  assert.ok(signed !== undefined && other !== undefined);
  assert.deepEqual(feishu.verdict(robot.answer(signed.request, now), now), { kind: 'ok' });
  const verdict = feishu.verdict(robot.answer(other.request, now), now);
  assert.ok(verdict.kind === 'permanent' && verdict.credentials === true);
});

test('Feishu: a card in the colour of the worst, with markup of others as entities and mentions as tags', () => {
  const { card } = bodyOf(feishu, [anAlert({ annotations: { summary: '<at id=all></at> **b** & [a](b)' } })], {
    mention: ['ou_1', '@all', 'a@b.example'],
  });
  assert.equal(card.header.template, 'red');
  assert.equal(card.header.title.content, '[FIRING] High · critical');
  assert.equal(
    card.elements[0].content,
    '&#60;at id=all&#62;&#60;/at&#62; &#42;&#42;b&#42;&#42; &#38; &#91;a&#93;(b)\npod: pod-1\n<at id=ou_1></at>\n<at id=all></at>\n<at email=a@b.example></at>',
  );
  const colour = (fields: object) => bodyOf(feishu, [anAlert(fields)]).card.header.template;
  assert.equal(colour({ labels: { alertname: 'a', severity: 'warning' } }), 'orange');
  assert.equal(colour({ labels: { alertname: 'a', severity: 'info' } }), 'blue');
  assert.equal(colour({ status: 'resolved' }), 'green');
});
