import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Alert, alert } from '../../lib/model/alert.ts';
import { type ChannelName, channelNames, type ReceiverConfig } from '../../lib/model/config/alerts.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { HttpRequest, HttpResponse } from '../../lib/model/ports.ts';
import { answered, type Robot } from '../support/robots/index.ts';
import { simulate } from '../support/simulator/world.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const canary = (what: string) => `cAnArY${what}0123456789abcdef`;
const key = Buffer.from(canary('signing')).toString('base64');

/** Addresses as vendors give them out, with the canary where the secret stands. */
const urls: Readonly<Record<string, string>> = {
  wecom: `https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=${canary('url')}`,
  dingtalk: `https://oapi.dingtalk.com/robot/send?access_token=${canary('url')}`,
  feishu: `https://open.feishu.cn/open-apis/bot/v2/hook/${canary('url')}`,
  slack: `https://hooks.slack.com/services/T00000000/B00000000/${canary('url')}`,
  teams: `https://prod-01.westeurope.logic.azure.com:443/workflows/${canary('url')}/triggers/manual/paths/invoke?api-version=1&sig=${canary('sig')}%2F`,
  pagerduty: 'https://events.pagerduty.com/v2/enqueue',
  opsgenie: 'https://api.opsgenie.com/v2/alerts',
  webhook: `https://hooks.example/${canary('url')}?token=${canary('query')}`,
};
const secretOf = (channel: string) =>
  channel === 'webhook' ? `whsec_${key}` : ['wecom', 'slack', 'teams'].includes(channel) ? undefined : canary('secret');

/** What goes wrong, each telling as much as a destination or a library can of what it was given. */
const faults: Readonly<Record<string, (request: HttpRequest) => HttpResponse>> = {
  'every answer that repeats the request': (request) => answered(400, echo(request)),
  'an error code that repeats the request': (request) =>
    answered(200, { errcode: 93000, code: 9499, errmsg: echo(request), msg: echo(request), errors: [echo(request)] }),
  'an unknown code that repeats the request': (request) =>
    answered(200, { errcode: 7, code: 7, errmsg: echo(request), msg: echo(request) }),
  'a 403 that repeats the request': (request) => answered(403, { message: echo(request), errors: [echo(request)] }),
  'a 500 that repeats the request': (request) => answered(500, echo(request)),
  'a redirect to itself': (request) => answered(302, '', { location: request.url }),
  'a body that is too large': (request) => answered(413, echo(request)),
  'a connection that breaks with the address in its message': (request) => {
    throw new Failure('unavailable', `connect ECONNREFUSED ${request.url}`);
  },
  'no answer': () => {
    throw new Failure('timeout', 'no answer within 10000 ms');
  },
  'an address that is refused': () => {
    throw new Failure('refused', 'resolves to an address that is not public');
  },
  'something thrown that holds everything': (request) => {
    throw new TypeError(echo(request));
  },
};
const echo = ({ url, headers = {}, body = '' }: HttpRequest) =>
  `${url} ${new URL(url).pathname} ${[...new URL(url).searchParams.values()].join(' ')} ${JSON.stringify(headers)} ${String(body)}`;

const anAlert = (name: string, fields: Partial<Alert> = {}): Alert =>
  alert({
    status: 'firing',
    labels: { alertname: name, severity: 'critical' },
    annotations: { summary: 's' },
    startsAt: new Date(start).toISOString(),
    ...fields,
  });

const run = async (
  channel: ChannelName,
  answer: (request: HttpRequest) => HttpResponse,
  secrets: Readonly<Record<string, string>>,
) => {
  const secret = secretOf(channel);
  const sent: HttpRequest[] = [];
  const robot: Robot = {
    name: channel,
    url: urls[channel] ?? '',
    received: [],
    requests: () => sent.length,
    answer: (request) => {
      sent.push(request);
      return answer(request);
    },
  };
  const configured: ReceiverConfig = {
    channel,
    ...(channel === 'pagerduty' || channel === 'opsgenie' ? {} : { url: 'ssm:url' }),
    ...(secret === undefined ? {} : { secret: 'ssm:secret' }),
    ...(channel === 'webhook' ? { headers: { authorization: 'ssm:header' } } : {}),
  };
  const world = simulate({
    seed: 1,
    strict: true,
    start,
    robots: { it: robot },
    secrets,
    config: { receivers: { it: configured }, default: ['it'], groupWaitSeconds: 0 },
  });
  world.raise(anAlert('A'), start);
  world.raise(anAlert('A', { status: 'resolved', endsAt: new Date(start + 60_000).toISOString() }), start + 60_000);
  await world.time.run(start + 26 * 3_600_000);
  const told = {
    table: world.table.items(),
    'dead letters': world.dead,
    log: world.log,
    failures: world.failures,
    queue: world.queued,
  };
  return { sent, told };
};

for (const channel of channelNames)
  test(`${channel}: no secret is in any item, letter, line or error, whatever goes wrong`, async () => {
    const secret = secretOf(channel);
    const secrets = {
      'ssm:url': urls[channel] ?? '',
      'ssm:header': `Bearer ${canary('header')}`,
      ...(secret === undefined ? {} : { 'ssm:secret': secret }),
    };
    let requests = 0;
    for (const [what, fault] of Object.entries(faults)) {
      const { sent, told } = await run(channel, fault, secrets);
      requests += sent.length;
      for (const [where, content] of Object.entries(told)) {
        const text = JSON.stringify(content);
        for (const bird of [/cAnArY/, new RegExp(key.slice(0, 20))])
          assert.doesNotMatch(text, bird, `${what}: ${where}`);
      }
      assert.ok(JSON.stringify(told['table']).includes('attempt'), 'there was something to look at');
    }
    assert.ok(requests > 0, 'requests were made');
  });

test('the canary would be found: it is in the requests, where it belongs', async () => {
  const { sent } = await run('wecom', () => answered(500), { 'ssm:url': urls['wecom'] ?? '' });
  assert.match(JSON.stringify(sent), /cAnArY/);
});
