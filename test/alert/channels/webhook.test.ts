import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { webhook } from '../../../lib/alert/channels/webhook.ts';
import { webhookRobot } from '../../support/robots/index.ts';
import { anAlert, bodyOf, now, requestsOf, testVerdicts } from './cases.ts';

const retry = { kind: 'retry' } as const;
const permanent = { kind: 'permanent' } as const;

testVerdicts(webhook, [
  ...[200, 201, 202, 204].map((status) => [status, 'anything', { kind: 'ok' }] as const),
  [408, '', retry],
  [425, '', retry],
  [429, '', { ...retry, throttled: true, minDelaySeconds: 3 }, { 'retry-after': '3' }],
  [500, '', retry],
  [502, '', { ...retry, throttled: true }],
  [503, '', retry],
  [504, '', { ...retry, throttled: true }],
  ...[301, 302, 303, 304, 307, 308, 400, 404, 405, 409, 422].map((status) => [status, '', permanent] as const),
  [401, '', { ...permanent, credentials: true }],
  [403, '', { ...permanent, credentials: true }],
  [410, '', { ...permanent, disable: true }],
  [413, '', { kind: 'split' }],
]);

const secretOf = (text: string) => `whsec_${Buffer.from(text).toString('base64')}`;

test('webhook: signed once for each secret, by v1 and v1a, over id, time and body', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const half = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const secrets = [
    secretOf('a new secret of twenty-four bytes'),
    secretOf('the old secret, still known'),
    `whsk_${seed.toString('base64')}`,
    `whsk_${Buffer.concat([seed, half]).toString('base64')}`,
  ];
  const [sent] = requestsOf(webhook, [anAlert({ annotations: { summary: '漢字' } })], { secrets });
  const headers = sent?.request.headers ?? {};
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${sent?.request.body}`;
  assert.equal(headers['webhook-timestamp'], String(now / 1000));
  const signatures = headers['webhook-signature']?.split(' ') ?? [];
  assert.equal(signatures.length, 4);
  for (const [at, secret] of secrets.slice(0, 2).entries()) {
    const key = Buffer.from(secret.slice(6), 'base64');
    assert.equal(signatures[at], `v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  }
  for (const signature of signatures.slice(2)) {
    assert.match(signature, /^v1a,/);
    const bytes = Buffer.from(signature.slice(4), 'base64');
    assert.ok(verify(null, Buffer.from(content), createPublicKey(privateKey), bytes));
  }
});

test('webhook: the example of the specification is signed as it says', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: key, id and time of its v1 example.
  const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
  const [sent] = requestsOf(webhook, [anAlert()], { secrets: [secret] });
  const headers = sent?.request.headers ?? {};
  const key = Buffer.from('C2FVsBQIhrscChlQIMV+b5sSYspob7oD', 'base64');
  assert.equal(key.length, 24);
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${sent?.request.body}`;
  assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(content).digest('base64')}`);
});

test('webhook: a secret that is no key is told without being shown', () => {
  for (const secret of ['whsec_', '', 'whsk_AAAA', `whsk_${Buffer.alloc(33).toString('base64')}`])
    assert.throws(
      () => requestsOf(webhook, [anAlert()], { secrets: [secret] }),
      (thrown: Error) =>
        /^misconfigured: the signing secret is no whs(ec|k)_/.test(thrown.message) && !thrown.message.includes('AAAA'),
    );
});

test('webhook: a receiver takes each delivery once, whichever of two secrets it knows', () => {
  const [old, fresh] = [secretOf('the old secret, still known'), secretOf('a new secret of twenty-four bytes')];
  for (const secret of [old, fresh]) {
    const robot = webhookRobot({ secret });
    const [sent] = requestsOf(webhook, [anAlert()], { url: robot.url, secrets: [fresh, old] });
    assert.ok(sent !== undefined);
    for (let attempt = 0; attempt < 3; attempt += 1)
      assert.deepEqual(webhook.verdict(robot.answer(sent.request, now), now), { kind: 'ok' });
    assert.equal(robot.received.length, 1);
  }
});

test('webhook: headers of the configuration are sent, and none replaces ours', () => {
  const headers = { 'X-Team': 'core', 'webhook-id': 'mine' };
  const [sent] = requestsOf(webhook, [anAlert()], { headers });
  assert.equal(sent?.request.headers?.['X-Team'], 'core');
  assert.match(sent?.request.headers?.['webhook-id'] ?? '', /^msg_/);
});

test('webhook: a group as Alertmanager posts it', () => {
  const alerts = [
    anAlert(),
    anAlert({
      labels: { alertname: 'High', severity: 'critical', pod: 'pod-2' },
      status: 'resolved',
      endsAt: '2026-01-01T00:05:00.000Z',
    }),
  ];
  const body = bodyOf(webhook, alerts, { format: 'alertmanager' });
  assert.equal(body.version, '4');
  assert.equal(body.status, 'firing');
  assert.equal(body.groupKey, '{}:{alertname="High"}');
  assert.deepEqual(body.commonLabels, { alertname: 'High', severity: 'critical' });
  assert.deepEqual(
    body.alerts.map(({ status, endsAt }: { status: string; endsAt: string }) => [status, endsAt]),
    [
      ['firing', '0001-01-01T00:00:00Z'],
      ['resolved', '2026-01-01T00:05:00.000Z'],
    ],
  );
  assert.equal(bodyOf(webhook, alerts.slice(1), { format: 'alertmanager' }).status, 'resolved');
});

test('webhook: a body holds exactly 20,000 bytes whole; one byte more, and the longest annotations are cut', () => {
  const size = (description: string) => {
    const [sent] = requestsOf(webhook, [anAlert({ annotations: { summary: '界', description } })]);
    return { bytes: webhook.measure(sent?.request ?? { method: 'POST', url: '' }), body: String(sent?.request.body) };
  };
  const room = webhook.maxBytes - size('').bytes;
  const full = '界'.repeat(Math.floor(room / 3)) + 'x'.repeat(room % 3);
  assert.equal(size(full).bytes, 20_000);
  const { bytes, body } = size(`${full}x`);
  assert.ok(bytes < 5000 && body.includes('…'));
  assert.equal(JSON.parse(body).data.fingerprint, anAlert().fingerprint);
});
