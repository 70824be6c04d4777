import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeCrypto } from '../../../lib/adapters/crypto.ts';
import type { Chunk } from '../../../lib/alert/channel.ts';
import { wecom } from '../../../lib/alert/channels/wecom.ts';
import { sendChunk } from '../../../lib/alert/send.ts';
import { Failure } from '../../../lib/model/failure.ts';
import { wecomRobot } from '../../support/robots/index.ts';
import { anAlert, bodyOf, notificationOf, now, requestsOf, testLimit, testVerdicts } from './cases.ts';

const retry = { kind: 'retry' } as const;
const permanent = { kind: 'permanent' } as const;
const gone = { kind: 'permanent', disable: true } as const;

testVerdicts(wecom, [
  [200, { errcode: 0, errmsg: 'ok' }, { kind: 'ok' }],
  [200, { errcode: 45009, errmsg: 'api freq out of limit' }, { kind: 'retry', minDelaySeconds: 60, throttled: true }],
  [200, { errcode: 45009 }, { kind: 'retry', minDelaySeconds: 300, throttled: true }, { 'retry-after': '300' }],
  [200, { errcode: 45009 }, { kind: 'retry', minDelaySeconds: 60, throttled: true }, { 'retry-after': '5' }],
  [200, { errcode: 45033, errmsg: 'concurrent' }, retry],
  [200, { errcode: -1, errmsg: 'system busy' }, retry],
  [200, { errcode: 40058, errmsg: 'markdown.content exceed max length 4096' }, { kind: 'split' }],
  [200, { errcode: 45002 }, { kind: 'split' }],
  [200, { errcode: 93000, errmsg: 'invalid webhook url' }, { ...gone, credentials: true }],
  [200, { errcode: 93004 }, gone],
  [200, { errcode: 93008 }, gone],
  ...[40004, 40005, 40006, 40007, 40008, 40009, 40035, 40063, 41001, 44004, 47001, 60020, 301019].map(
    (errcode) => [200, { errcode }, permanent] as const,
  ),
  // An unknown code is never a success.
  ...[1, 42, 88, 99999, 2 ** 40].map((errcode) => [200, { errcode }, retry] as const),
  [200, { errcode: '0' }, retry],
  [200, { errcode: '00' }, retry],
  [200, { errcode: '45009' }, { kind: 'retry', minDelaySeconds: 60, throttled: true }],
  [200, { errcode: '93000' }, { ...gone, credentials: true }],
  [200, '\ufeff{"errcode":0,"errmsg":"ok"}', { kind: 'ok' }],
  [200, '{"errcode":0}{"errcode":0}', retry],
  [200, '{"errcode":0', retry],
  [200, { errcode: [0] }, retry],
  [200, { errcode: false }, retry],
  [200, { errcode: '' }, retry],
  [200, { ERRCODE: 0 }, retry],
  [200, [{ errcode: 0 }], retry],
  [200, { data: { errcode: 0 } }, retry],
  [200, { errcode: 0.5 }, retry],
  [200, { errcode: null }, retry],
  [200, { errmsg: 'ok' }, retry],
  [200, { code: 0 }, retry],
  [200, { status: 12, wait: 5, punish: 'x' }, retry],
  [200, '', retry],
  [200, 'ok', retry],
  [200, '<html>WAF</html>', retry],
  [200, '[]', retry],
  [200, 'null', retry],
  [200, '0', retry],
  // Another status decides, and a code that is known only makes it more exact.
  [204, '', retry],
  [201, { errcode: 0 }, retry],
  [302, { errcode: 0 }, permanent],
  [400, '', permanent],
  [400, { errcode: 0 }, permanent],
  [400, { errcode: 45009 }, { kind: 'retry', minDelaySeconds: 60, throttled: true }],
  [403, '', { kind: 'permanent', credentials: true }],
  [404, '', permanent],
  [410, { errcode: 45009 }, gone],
  [413, '', { kind: 'split' }],
  [429, '', { kind: 'retry', throttled: true }],
  [429, '', { kind: 'retry', throttled: true, minDelaySeconds: 7 }, { 'retry-after': '7' }],
  [429, { errcode: 45009 }, { kind: 'retry', throttled: true, minDelaySeconds: 120 }, { 'retry-after': '120' }],
  [500, { errcode: 93000 }, retry],
  [502, '', { kind: 'retry', throttled: true }],
  [503, '', { kind: 'retry', minDelaySeconds: 60 }, { 'retry-after': 'Thu, 01 Jan 2026 00:11:00 GMT' }],
  [503, '', retry, { 'retry-after': 'soon' }],
]);

testLimit(wecom);
testLimit({ ...wecom }, '👩‍🚒');

test('WeCom: one alert is said in full', () => {
  const sent = anAlert({
    annotations: {
      summary: 'memory is at 93 %',
      description: 'it grows\nby 2 % an hour',
      value: '0.93',
      runbook_url: 'https://runbooks.example/mem(1)',
      report: 'reports/2026/0/report.html',
    },
    trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
    generatorURL: 'https://prometheus.example/graph?g0.expr=up',
  });
  const saying = { traceUrl: 'https://t.example/{traceId}', reportUrl: 'https://r.example/{report}' };
  const body = bodyOf(wecom, [sent], { mention: ['carol', '@all'] }, { saying, lateMinutes: 12 });
  assert.equal(
    body.markdown.content,
    [
      '**<font color="warning">[FIRING] High · critical · late (12 min)</font>**',
      'memory is at 93 %',
      '> pod: pod-1',
      '> it grows',
      '> by 2 % an hour',
      '> value: 0.93',
      '> [trace](https://t.example/0af7651916cd43dd8448eb211c80319c) · [runbook](https://runbooks.example/mem%281%29) · [report](https://r.example/reports/2026/0/report.html) · [source](https://prometheus.example/graph?g0.expr=up)',
      `> <font color="comment">2026-01-01T00:00:00.000Z · ${sent.fingerprint} · 01234567</font>`,
      '<@carol>',
    ].join('\n'),
  );
});

test('WeCom: what mobile numbers and everyone are paged by is a text, after the messages and only for what is critical', () => {
  const alerts = [anAlert(), anAlert({ labels: { alertname: 'Low', severity: 'info' } })];
  const style = { mention: ['carol', '13800000000', '@all'] };
  const [message, page, ...more] = requestsOf(wecom, alerts, style);
  assert.deepEqual(more, []);
  assert.deepEqual([message?.chunk.kind, page?.chunk.kind], ['message', 'mention']);
  assert.deepEqual(JSON.parse(String(page?.request.body)), {
    msgtype: 'text',
    text: {
      content: '[FIRING] High · critical',
      mentioned_list: ['@all'],
      mentioned_mobile_list: ['13800000000'],
    },
  });
  assert.equal(requestsOf(wecom, alerts.slice(1), style).length, 1);
  assert.equal(requestsOf(wecom, [anAlert({ status: 'resolved' })], style).length, 1);
});

test('WeCom: a robot takes each of the messages', () => {
  const robot = wecomRobot();
  const alerts = Array.from({ length: 200 }, (_, index) =>
    anAlert({ labels: { alertname: `漢字${index}`, severity: 'critical' } }),
  );
  const sent = requestsOf(wecom, alerts, { url: robot.url, mention: ['@all'] });
  assert.ok(sent.length > 3 && sent.length < 20, `${sent.length} messages`);
  for (const { request } of sent) assert.deepEqual(wecom.verdict(robot.answer(request, now), now), { kind: 'ok' });
});

test('WeCom: what others wrote does not become a tag, a link or a mention', () => {
  const summary = '<font color="info"> <@all> [a](https://evil.example) **b** `c` 5 < 6 > 4 a*b';
  const { content } = bodyOf(wecom, [anAlert({ annotations: { summary } })]).markdown;
  assert.equal(
    content.split('\n')[1],
    '＜font color="info"> ＜@all> [a］(https://evil.example) ＊＊b＊＊ ˋcˋ 5 < 6 > 4 a*b',
  );
});

const png = (bytes: number): Uint8Array =>
  Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(bytes - 8)]);

test('WeCom: the heat map beside the report of the worst alert is sent as an image, where it is wanted', async () => {
  const report = 'reports/2026-01-01T00:00:00Z/0/report.html';
  const alerts = [
    anAlert({ annotations: { report: 'https://elsewhere.example/report.html' } }),
    anAlert({ labels: { alertname: 'TraceLongTail', severity: 'warning' }, annotations: { report } }),
  ];
  const chunks = wecom.plan(notificationOf(alerts), { picture: true }, {});
  assert.deepEqual(
    chunks.map(({ kind }) => kind),
    ['message', 'picture'],
  );
  assert.equal(wecom.plan(notificationOf(alerts), {}, {}).length, 1);
  assert.equal(wecom.plan(notificationOf(alerts.slice(0, 1)), { picture: true }, {}).length, 1);
  const robot = wecomRobot();
  const send = async (get: (key: string) => Promise<Uint8Array | undefined>) =>
    sendChunk(
      chunks[1] as Chunk,
      { channel: 'wecom', url: 'ssm:url', picture: true },
      { deliveryId: '0123456789abcdef' },
      {
        http: async (request) => robot.answer(request, now),
        secrets: async () => robot.url,
        clock: () => now,
        crypto: nodeCrypto,
        pictures: { get },
      },
    );
  const asked: string[] = [];
  const kept = (bytes: number) => async (key: string) => {
    asked.push(key);
    return png(bytes);
  };
  assert.deepEqual(await send(kept(2 * 1024 * 1024)), { kind: 'ok' });
  assert.deepEqual(asked, ['reports/2026-01-01T00:00:00Z/0/heat-map.png']);
  assert.equal((await send(kept(2 * 1024 * 1024 + 1))).kind, 'permanent', 'one byte more is not sent');
  assert.equal((await send(async () => undefined)).kind, 'permanent');
  const failing = await send(() => Promise.reject(new Failure('unavailable', 'S3 is away')));
  assert.ok(failing.kind === 'retry' && failing.ours === true);
  assert.equal(robot.requests(), 1);
});
