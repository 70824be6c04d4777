import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeCrypto } from '../../lib/adapters/crypto.ts';
import type { Channel, Target } from '../../lib/alert/channel.ts';
import { channels } from '../../lib/alert/channels/index.ts';
import { alert } from '../../lib/model/alert.ts';
import { channelNames } from '../../lib/model/config/alerts.ts';
import type { HttpResponse } from '../../lib/model/ports.ts';

const reply = (status: number, body = '', headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  body: Buffer.from(body),
});

const some = ['resolved', 'firing', 'firing'].map((status, index) =>
  alert({
    status: status as 'firing' | 'resolved',
    labels: { alertname: 'High', severity: index === 2 ? 'critical' : 'warning', pod: `pod-${index}` },
    annotations: { summary: '漢字 & <b>' },
    startsAt: '2026-01-01T00:00:00.000Z',
  }),
);
const notification = { receiver: 'r', groupKey: 'g', groupLabels: {}, alerts: some };
const target: Target = { name: 'r', url: 'https://robot.example/x?key=1', secrets: ['whsec_c2VjcmV0LXNlY3JldA=='] };
const sending = { deliveryId: '0123456789abcdef', now: Date.parse('2026-01-01T00:00:00Z'), crypto: nodeCrypto };

test('the configuration names the channels that there are, and each has a file', () => {
  assert.deepEqual([...channelNames], Object.keys(channels));
  const files = readdirSync(join(import.meta.dirname, '../../lib/alert/channels')).filter(
    (name) => name !== 'index.ts',
  );
  assert.deepEqual(files.map((name) => name.replace('.ts', '')).sort(), [...channelNames].sort());
});

for (const [name, channel] of Object.entries(channels) as [string, Channel][]) {
  test(`${name}: it goes by its name, and plans each alert once, the worst first`, () => {
    assert.equal(channel.name, name);
    const chunks = channel.plan(notification, {}, {});
    const planned = chunks.filter(({ kind }) => kind === 'message').flatMap((chunk) => chunk.notification.alerts);
    assert.deepEqual(planned, [some[2], some[1], some[0]]);
    assert.deepEqual(channel.plan({ ...notification, alerts: [...some].reverse() }, {}, {}), chunks);
  });

  test(`${name}: a request is the same for the same chunk and time, and within the limit`, () => {
    for (const chunk of channel.plan(notification, {}, {})) {
      const request = channel.request(chunk, target, sending);
      assert.deepEqual(channel.request(structuredClone(chunk), target, sending), request);
      assert.equal(request.method, 'POST');
      assert.ok(channel.measure(request) <= channel.maxBytes);
      JSON.parse(String(request.body));
    }
  });

  test(`${name}: what HTTP itself says is heard`, () => {
    const kind = (status: number, headers = {}) => channel.verdict(reply(status, '', headers), 0).kind;
    for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) assert.equal(kind(status), 'retry', `${status}`);
    for (const status of [301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 422])
      assert.equal(kind(status), 'permanent', `${status}`);
    assert.equal(kind(413), 'split');
    const gone = channel.verdict(reply(410), 0);
    assert.ok(gone.kind === 'permanent' && gone.disable === true);
    for (const status of [429, 503]) {
      const verdict = channel.verdict(reply(status, '', { 'retry-after': '7200' }), 0);
      assert.ok(verdict.kind === 'retry' && verdict.minDelaySeconds === 7200, `${status}`);
    }
  });
}
