import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { guardedHttp } from '../../lib/adapters/http.ts';
import { isPublicAddress } from '../../lib/adapters/public-address.ts';
import { readAlerts } from '../../lib/alert/inbound.ts';
import { fitBytes } from '../../lib/alert/text.ts';
import { type Alert, alert } from '../../lib/model/alert.ts';
import { Failure } from '../../lib/model/failure.ts';

const anAlert = (fields: Partial<Alert> = {}): Alert =>
  alert({
    status: 'firing',
    labels: { alertname: 'High', severity: 'critical' },
    annotations: { summary: 's' },
    startsAt: '2026-01-01T00:00:00.000Z',
    ...fields,
  });

test('a text is cut at a grapheme, at the limit and one below it', () => {
  const family = '👨‍👩‍👧‍👦';
  assert.equal(fitBytes('漢字', 6), '漢字');
  assert.equal(fitBytes('漢字', 5), '…');
  assert.equal(fitBytes(`a${family}`, Buffer.byteLength(family)), 'a…');
  assert.equal(fitBytes('abc', 2), '');
});

test('the addresses of the inside are not public, in any spelling', () => {
  for (const inside of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    'fe80::1',
    'fec0::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001:db8::1',
    'fe80::1%eth0',
    'nonsense',
    '',
  ]) {
    assert.equal(isPublicAddress(inside), false, inside);
  }
  for (const outside of [
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])
    assert.equal(isPublicAddress(outside), true, outside);
});

test('one bad address refuses a name, and what must not be sent to is refused before anything is', async () => {
  const http = (addresses: string[]) =>
    guardedHttp({ resolve: async () => addresses.map((address) => ({ address, family: 4 })) });
  const post = (url: string, addresses = ['1.1.1.1']) => http(addresses)({ method: 'POST', url });
  await assert.rejects(
    post('https://a.example/', ['1.1.1.1', '10.0.0.1']),
    /refused: a.example: resolves to an address that is not public/,
  );
  await assert.rejects(post('http://a.example/'), /only https/);
  await assert.rejects(post('https://u:p@a.example/'), /user/);
  await assert.rejects(post('https://a.example:8443/'), /port 8443/);
  await assert.rejects(post('file:///etc/passwd'), /scheme file:/);
  await assert.rejects(post('https://127.0.0.1:9001/2018-06-01/runtime/invocation/next'), /port 9001|not public/);
  await assert.rejects(post('https://0x7f000001/'), /not public/);
  await assert.rejects(post('https://[::ffff:169.254.169.254]/'), /not public/);
  await assert.rejects(
    post('no url ?key=secret'),
    (thrown) => thrown instanceof Failure && !thrown.message.includes('secret'),
  );
});

test('what comes in is read as alerts, or refused with the reason', () => {
  const own = anAlert();
  assert.deepEqual(readAlerts(JSON.stringify(own)), { alerts: [own] });
  assert.deepEqual(
    readAlerts(
      JSON.stringify({
        'detail-type': 'Alert',
        source: 'tidemark.x',
        detail: { ...own, _trace: { traceparent: 'x' } },
      }),
    ),
    { alerts: [own] },
  );
  const alarm = (value: string) =>
    readAlerts(
      JSON.stringify({
        'detail-type': 'CloudWatch Alarm State Change',
        source: 'aws.cloudwatch',
        account: '1',
        region: 'r',
        time: '2026-01-01T00:00:00Z',
        resources: ['arn:a'],
        detail: { alarmName: 'A', state: { value, reason: 'r', timestamp: '2026-01-01T00:00:00.000+0000' } },
      }),
    );
  const [up, down] = [alarm('ALARM'), alarm('OK')];
  assert.ok('alerts' in up && 'alerts' in down && up.alerts[0]?.fingerprint === down.alerts[0]?.fingerprint);
  assert.deepEqual([up.alerts[0]?.status, down.alerts[0]?.status], ['firing', 'resolved']);
  for (const bad of [
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"status":"firing"}',
    '{"status":"firing","labels":{"alertname":"a"}}',
  ])
    assert.ok('error' in readAlerts(bad), bad);
  fc.assert(fc.property(fc.json(), (text) => void readAlerts(text)));
});
