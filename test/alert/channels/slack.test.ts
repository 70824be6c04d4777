import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slack } from '../../../lib/alert/channels/slack.ts';
import { slackRobot } from '../../support/robots/index.ts';
import { anAlert, bodyOf, now, requestsOf, testLimit, testVerdicts } from './cases.ts';

const retry = { kind: 'retry' } as const;
const permanent = { kind: 'permanent' } as const;
const gone = { kind: 'permanent', disable: true } as const;

testVerdicts(slack, [
  [200, 'ok', { kind: 'ok' }],
  [200, 'ok\n', retry],
  [200, 'OK', retry],
  [200, '', retry],
  [200, 'no_service', retry],
  [200, '<html>sign in</html>', retry],
  [200, { ok: true }, retry],
  [200, { ok: false, error: 'invalid_auth' }, permanent],
  [200, { ok: false }, permanent],
  [200, { ok: false, error: 'ratelimited', retry_after: 30 }, { ...retry, throttled: true, minDelaySeconds: 30 }],
  [202, '', retry],
  [400, 'invalid_payload', permanent],
  [400, 'no_text', permanent],
  [400, 'too_many_attachments', permanent],
  [400, 'user_not_found', permanent],
  [400, 'invalid_blocks', permanent],
  [400, 'msg_too_long', { kind: 'split' }],
  [400, 'invalid_token', permanent],
  [403, 'action_prohibited', { ...permanent, credentials: true }],
  [403, 'invalid_token', { ...permanent, credentials: true }],
  [404, 'no_service', gone],
  [404, 'no_team', gone],
  [404, 'channel_not_found', gone],
  [404, '', permanent],
  [410, 'channel_is_archived', gone],
  [410, '', gone],
  [413, '', { kind: 'split' }],
  [429, 'rate_limited', { ...retry, throttled: true, minDelaySeconds: 30 }, { 'retry-after': '30' }],
  [429, { ok: false, retry_after: 45 }, { ...retry, throttled: true, minDelaySeconds: 45 }],
  [429, { retry_after: 45 }, { ...retry, throttled: true, minDelaySeconds: 60 }, { 'retry-after': '60' }],
  [429, '', { ...retry, throttled: true }],
  [500, 'rollup_error', retry],
  [503, '', retry],
  [302, '', permanent],
]);

testLimit(slack);

test('Slack: sections of at most 3,000 characters, fifty blocks, and a header of 150', () => {
  const alerts = Array.from({ length: 300 }, (_, index) =>
    anAlert({
      labels: { alertname: 'n'.repeat(300), severity: 'critical', pod: `${index}` },
      annotations: { summary: '&'.repeat(160) },
    }),
  );
  const robot = slackRobot();
  requestsOf(slack, alerts, { url: robot.url }).forEach(({ request }, at) => {
    assert.deepEqual(slack.verdict(robot.answer(request, now + at * 1001), now), { kind: 'ok' });
  });
});

test('Slack: what others wrote is escaped, links are whole, and mentions are told apart', () => {
  const { text, blocks } = bodyOf(
    slack,
    [anAlert({ annotations: { summary: '<!channel> a & b > c', runbook_url: 'https://r.example/?a=b&c=<d>|e' } })],
    { mention: ['U0123ABC', '@here', '@all', 'S0123ABC'] },
  );
  assert.equal(text, '🔴 [FIRING] High · critical');
  assert.equal(blocks[0].text.text, '🔴 [FIRING] High · critical');
  assert.equal(
    blocks[1].text.text,
    '&lt;!channel&gt; a &amp; b &gt; c\n> pod: pod-1\n> <https://r.example/?a=b&amp;c=%3Cd%3E%7Ce|runbook>\n<@U0123ABC> <!here> <!channel> <!subteam^S0123ABC>',
  );
});
