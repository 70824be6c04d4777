import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opsgenie } from '../../../lib/alert/channels/opsgenie.ts';
import { pagerduty } from '../../../lib/alert/channels/pagerduty.ts';
import { opsgenieRobot, pagerdutyRobot } from '../../support/robots/index.ts';
import { anAlert, bodyOf, now, requestsOf, testVerdicts } from './cases.ts';

const retry = { kind: 'retry' } as const;
const permanent = { kind: 'permanent' } as const;

testVerdicts(pagerduty, [
  [202, { status: 'success', message: 'Event processed', dedup_key: 'k' }, { kind: 'ok' }],
  [202, '', { kind: 'ok' }],
  [200, { status: 'success' }, retry],
  [204, '', retry],
  [
    400,
    { status: 'invalid event', message: 'Event object is invalid', errors: ["'payload.summary' is missing"] },
    permanent,
  ],
  [400, { status: 'invalid event', errors: ["'routing_key' is invalid"] }, { ...permanent, credentials: true }],
  [400, '', permanent],
  [403, '', { ...permanent, credentials: true }],
  [413, '', { kind: 'split' }],
  [429, { status: 'throttle exceeded' }, { ...retry, throttled: true, minDelaySeconds: 120 }],
  [429, '', { ...retry, throttled: true, minDelaySeconds: 30 }, { 'retry-after': '30' }],
  [500, '', retry],
  [503, '', { ...retry, minDelaySeconds: 20 }, { 'retry-after': '20' }],
  [302, '', permanent],
]);

testVerdicts(opsgenie, [
  [202, { result: 'Request will be processed', took: 0.1, requestId: 'r' }, { kind: 'ok' }],
  [200, '', retry],
  [401, { message: 'Could not authenticate' }, { ...permanent, credentials: true }],
  [403, { message: 'Key format is not valid!' }, { ...permanent, credentials: true }],
  [404, '', permanent],
  [422, { message: 'Request body is not processable' }, permanent],
  [429, { message: 'You are making too many requests!' }, { ...retry, throttled: true }],
  [503, '', retry],
]);

test('PagerDuty: each alert is one incident, opened once and closed by its own key', () => {
  const robot = pagerdutyRobot();
  const target = { url: robot.url, secrets: [robot.routingKey] };
  const firing = ['a', 'b'].map((pod) => anAlert({ labels: { alertname: 'High', severity: 'warning', pod } }));
  for (const alerts of [firing, firing, firing.slice(0, 1).map((each) => ({ ...each, status: 'resolved' as const }))])
    for (const { request } of requestsOf(pagerduty, alerts, target))
      assert.deepEqual(pagerduty.verdict(robot.answer(request, now), now), { kind: 'ok' });
  assert.deepEqual([...robot.open], [firing[1]?.fingerprint]);
  assert.equal(robot.received.length, 3);
});

test('PagerDuty: an event has a source, links, and everything that is known of the alert', () => {
  const sent = anAlert({
    labels: { alertname: 'High', severity: 'critical', service: 'shop', pod: 'shop-1', namespace: 'prod' },
    annotations: { summary: 'full', runbook_url: 'https://r.example/1' },
    trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
  });
  const event = bodyOf(
    pagerduty,
    [sent],
    { secrets: ['key'] },
    { saying: { traceUrl: 'https://t.example/{traceId}' }, lateMinutes: 9 },
  );
  assert.equal(event.routing_key, 'key');
  assert.equal(event.dedup_key, sent.fingerprint);
  assert.deepEqual(
    { ...event.payload, custom_details: undefined },
    {
      summary: 'High: full',
      source: 'shop-1',
      severity: 'critical',
      timestamp: sent.startsAt,
      component: 'shop',
      group: 'prod',
      class: 'High',
      custom_details: undefined,
    },
  );
  assert.equal(event.payload.custom_details.late_minutes, 9);
  assert.deepEqual(event.links, [
    { href: 'https://t.example/0af7651916cd43dd8448eb211c80319c', text: 'trace' },
    { href: 'https://r.example/1', text: 'runbook' },
  ]);
});

test('PagerDuty: an event holds 512 KiB; one byte more, or a 413, and its details are left out', () => {
  const size = (summary: string) => pagerduty.measure(requestsOf(pagerduty, [grown(summary)])[0]?.request ?? never);
  const grown = (description: string) => anAlert({ annotations: { summary: '界', description } });
  const base = size('');
  const room = pagerduty.maxBytes - base;
  const full = '界'.repeat(Math.floor(room / 3)) + 'x'.repeat(room % 3);
  assert.equal(size(full), 512 * 1024);
  assert.ok(size(`${full}x`) < 1000);
  const [sent] = requestsOf(pagerduty, [anAlert()]);
  const brief = pagerduty.request(
    { ...(sent ?? never).chunk, brief: true },
    { name: 'r', url: 'u' },
    { deliveryId: 'd', now, crypto: never },
  );
  assert.equal(JSON.parse(String(brief.body)).payload.custom_details, undefined);
  const summary = JSON.parse(
    String(requestsOf(pagerduty, [anAlert({ annotations: { summary: '界'.repeat(2000) } })])[0]?.request.body),
  ).payload.summary;
  assert.ok(Buffer.byteLength(summary) <= 1024 && summary.endsWith('…'));
});

const never = undefined as never;

test('Opsgenie: an alert is created by its alias, and closed by it', () => {
  const robot = opsgenieRobot();
  const target = { url: robot.url, secrets: ['eb243592-faa2-4ba2-a551-1afdf565c889'] };
  const firing = anAlert({ annotations: { summary: '漢'.repeat(500), description: '字'.repeat(20_000) } });
  for (const alerts of [[firing], [{ ...firing, status: 'resolved' as const }]])
    for (const { request } of requestsOf(opsgenie, alerts, target))
      assert.deepEqual(opsgenie.verdict(robot.answer(request, now), now), { kind: 'ok' });
  assert.deepEqual(
    robot.received.map(({ body }) => body['closed']),
    [false, true],
  );
  assert.equal(robot.received[0]?.body['priority'], 'P1');
  const [refused] = requestsOf(opsgenie, [firing], { ...target, secrets: ['other'] });
  assert.equal(opsgenie.verdict(robot.answer((refused ?? never).request, now), now).kind, 'permanent');
});
