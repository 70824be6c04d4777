import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeCrypto } from '../../lib/adapters/crypto.ts';
import type { Channel } from '../../lib/alert/channel.ts';
import { channels } from '../../lib/alert/channels/index.ts';
import { sendChunk } from '../../lib/alert/send.ts';
import { retryAfterSeconds } from '../../lib/alert/verdict.ts';
import type { ReceiverConfig } from '../../lib/model/config/alerts.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { Http, HttpRequest, HttpResponse } from '../../lib/model/ports.ts';
import { dingtalkRobot, feishuRobot, pagerdutyRobot, type Robot, webhookRobot } from '../support/robots/index.ts';
import { anAlert, notificationOf, now, reply } from './channels/cases.ts';

/** Sends one alert; a secret is one text, or what is cached and what is read afresh. */
const send = async (
  configured: ReceiverConfig,
  http: Http | Robot,
  secrets: Readonly<Record<string, string | readonly [cached: string, fresh: string]>> = {},
) => {
  const channel: Channel = channels[configured.channel];
  const requests: HttpRequest[] = [];
  const [chunk] = channel.plan(notificationOf([anAlert()]), configured, {});
  assert.ok(chunk !== undefined);
  const verdict = await sendChunk(
    chunk,
    configured,
    { deliveryId: '0123456789abcdef' },
    {
      http: async (request) => {
        requests.push(request);
        return typeof http === 'function' ? http(request) : http.answer(request, now);
      },
      secrets: async (reference, { fresh = false } = {}) => {
        const found = secrets[reference];
        if (found === undefined) throw new Failure('not-found', 'there is no such secret', { where: reference });
        return typeof found === 'string' ? found : (found[fresh ? 1 : 0] as string);
      },
      clock: () => now,
      crypto: nodeCrypto,
    },
  );
  return { verdict, requests };
};

const answering =
  (...answers: readonly HttpResponse[]): Http =>
  async () =>
    answers[0] as HttpResponse;

test('a secret that was rotated since it was read costs no attempt, for each kind of signature', async () => {
  const dingtalk = dingtalkRobot({ secret: 'SECnew' });
  const feishu = feishuRobot({ secret: 'new' });
  const pagerduty = pagerdutyRobot({ routingKey: 'n'.repeat(32) });
  const hook = webhookRobot({ secret: `whsec_${Buffer.from('the new secret').toString('base64')}` });
  const old = `whsec_${Buffer.from('the old secret').toString('base64')}`;
  for (const [channel, robot, secret] of [
    ['dingtalk', dingtalk, ['SECold', 'SECnew']],
    ['feishu', feishu, ['old', 'new']],
    ['pagerduty', pagerduty, ['o'.repeat(32), 'n'.repeat(32)]],
    ['webhook', hook, [old, `whsec_${Buffer.from('the new secret').toString('base64')}`]],
  ] as const) {
    const { verdict, requests } = await send({ channel, url: 'ssm:url', secret: 'ssm:secret' }, robot, {
      'ssm:url': robot.url,
      'ssm:secret': secret,
    });
    assert.deepEqual(verdict, { kind: 'ok' }, channel);
    assert.equal(requests.length, 2, channel);
    assert.equal(robot.received.length, 1, channel);
  }
});

test('while one secret replaces the other, the one that is known is found; a webhook is sent both at once', async () => {
  const known = { 'ssm:new': 'SECnew', 'ssm:old': 'SECold' };
  const robot = dingtalkRobot({ secret: 'SECold' });
  const config = { channel: 'dingtalk', url: 'ssm:url', secret: ['ssm:new', 'ssm:old'] } as const;
  const { verdict, requests } = await send(config, robot, { ...known, 'ssm:url': robot.url });
  assert.deepEqual([verdict.kind, requests.length], ['ok', 2]);
  const secret = `whsec_${Buffer.from('the old secret').toString('base64')}`;
  const hook = webhookRobot({ secret });
  const both = await send({ ...config, channel: 'webhook' }, hook, {
    'ssm:url': hook.url,
    'ssm:new': `whsec_${Buffer.from('the new secret').toString('base64')}`,
    'ssm:old': secret,
  });
  assert.deepEqual([both.verdict.kind, both.requests.length], ['ok', 1]);
  const neither = dingtalkRobot({ secret: 'SECother' });
  const refused = await send(config, neither, { ...known, 'ssm:url': neither.url });
  assert.equal(refused.verdict.kind, 'permanent');
});

test('a missing secret, a template that throws and a key that is none are permanent, with the reason', async () => {
  const reason = async (...given: Parameters<typeof send>) => {
    const { verdict, requests } = await send(...given);
    assert.equal(requests.length, 0, 'nothing is sent');
    return verdict.kind === 'permanent' ? verdict.reason : verdict.kind;
  };
  const never = answering();
  assert.match(
    await reason({ channel: 'slack', url: 'ssm:url' }, never),
    /not-found: ssm:url: there is no such secret/,
  );
  const template = () => {
    throw new Error('no such field: summry');
  };
  assert.match(
    await reason({ channel: 'slack', url: 'ssm:url', template }, never, {
      'ssm:url': 'https://hooks.slack.com/services/x',
    }),
    /cannot be written: misconfigured: the template throws: .*no such field: summry/,
  );
  const text = { channel: 'feishu', url: 'ssm:url', template: '{{#a}}' } as const;
  assert.match(
    await reason(text, never, { 'ssm:url': 'https://x.example' }),
    /the template cannot be read: .*no such field/,
  );
  const hook = { channel: 'webhook', url: 'https://x.example', secret: 'ssm:secret' } as const;
  assert.match(await reason(hook, never, { 'ssm:secret': 'whsk_AAAA' }), /the signing secret is no whsk_/);
});

test('a destination that quotes the request in its answer gives no secret away', async () => {
  const canary = 'canary-5f2d1c9e7b3a';
  const quoting: Http = async ({ url, headers, body }) =>
    reply(400, {
      errcode: 310000,
      code: 9499,
      errors: [`${url} ${JSON.stringify(headers)} ${body}`],
      message: url,
      errmsg: url,
      msg: url,
    });
  for (const channel of Object.keys(channels) as (keyof typeof channels)[]) {
    const { verdict } = await send(
      { channel, url: 'ssm:url', secret: 'ssm:secret', headers: { 'x-key': 'ssm:secret' } },
      quoting,
      {
        'ssm:url': `https://robot.example/services/T0/${canary}/x?access_token=${canary}&key=${canary}&sig=${canary}`,
        'ssm:secret': channel === 'webhook' ? `whsec_${Buffer.from(canary).toString('base64')}` : canary,
      },
    );
    assert.equal(verdict.kind, 'permanent', channel);
    const told = JSON.stringify(verdict);
    assert.ok(told.length < 900);
    assert.ok(
      !told.includes(canary.slice(0, 12)) && !told.includes(Buffer.from(canary).toString('base64')),
      `${channel}: ${told}`,
    );
  }
});

test('no answer is a retry whose outcome is unknown; a name that does not resolve is our fault, a refused address for good', async () => {
  const failing = (failure: Failure) =>
    send({ channel: 'webhook', url: 'https://x.example' }, () => Promise.reject(failure));
  assert.deepEqual((await failing(new Failure('timeout', 'no answer'))).verdict, {
    kind: 'retry',
    reason: 'timeout: no answer',
    unknown: true,
  });
  assert.deepEqual((await failing(new Failure('not-found', 'cannot be resolved'))).verdict, {
    kind: 'retry',
    reason: 'not-found: cannot be resolved',
    ours: true,
  });
  assert.equal((await failing(new Failure('refused', 'not public'))).verdict.kind, 'permanent');
});

test('Retry-After: seconds, the three forms of an HTTP date, and garbage', () => {
  const at = Date.parse('2026-01-01T00:00:00Z');
  for (const [text, seconds] of [
    ['0', 0],
    ['120', 120],
    [' 7 ', 7],
    ['007', 7],
    ['86400', 86_400],
    ['99999999999999999999', 1e9],
    ['9'.repeat(400), 1e9],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['Thursday, 01-Jan-26 00:00:30 GMT', 30],
    ['Thu Jan  1 00:00:30 2026', 30],
    ['Fri Jan 16 00:00:00 2026', 15 * 86_400],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 1e9],
  ] as const)
    assert.equal(retryAfterSeconds(text, at), seconds, text);
  for (const none of [
    undefined,
    '',
    ' ',
    '-1',
    '+5',
    '1.5',
    '1e3',
    '0x10',
    '5s',
    '120, 60',
    '１２０',
    'soon',
    'NaN',
    'Infinity',
    'Jan 1 2027',
    '2026-01-01T00:00:30Z',
    'Thu, 01 Jan 2026 00:00:30',
    'Thu, 01 Jan 2026 00:00:30 +0100',
    'Thu, 32 Jan 2026 00:00:30 GMT',
    'Wed, 31 Dec 2025 23:59:59 GMT',
    'Thu, 01 Jan 2026 00:00:00 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])
    assert.equal(retryAfterSeconds(none, at), undefined, none);
});
