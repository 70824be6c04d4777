import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeCrypto } from '../../lib/adapters/crypto.ts';
import { readAlerts } from '../../lib/alert/inbound.ts';
import { type HttpAnswer, maxBodyBytes, type Receiving, receiver } from '../../lib/alert/receive.ts';
import type { InboundConfig } from '../../lib/model/config/alerts.ts';
import { Failure } from '../../lib/model/failure.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const seconds = String(now / 1000);
const bearer: InboundConfig = { bearer: 'ssm:token' };
const hmac: InboundConfig = { hmac: ['ssm:key', 'ssm:old'] };
const body = JSON.stringify({
  version: '4',
  alerts: [{ status: 'firing', labels: { alertname: 'A' }, startsAt: '2026-01-01T11:00:00Z' }],
});

const made = (
  inbound: InboundConfig | undefined,
  fields: Partial<Receiving> = {},
  texts: Record<string, string> = {},
) => {
  const sent: string[] = [];
  const lines: string[] = [];
  let clock = now;
  const reads: string[] = [];
  const secrets: Record<string, string> = {
    'ssm:token': 'correct-horse',
    'ssm:key': 'the key\n',
    'ssm:old': 'the old key',
    ...texts,
  };
  const receive = receiver({
    inbound,
    secrets: async (reference, { fresh = false } = {}) => {
      reads.push(`${reference}${fresh ? ' fresh' : ''}`);
      return secrets[reference] as string;
    },
    crypto: nodeCrypto,
    clock: () => clock,
    queue: { send: async (messages) => void sent.push(...messages.map((message) => message.body)) },
    log: (...line) => void lines.push(JSON.stringify(line)),
    ...fields,
  });
  const post = (given: {
    readonly body?: string;
    readonly headers?: object;
    readonly context?: object;
    readonly base64?: boolean;
    readonly method?: string;
  }): Promise<HttpAnswer> =>
    receive({
      headers: given.headers ?? {},
      body: given.base64 === true ? Buffer.from(given.body ?? '').toString('base64') : given.body,
      isBase64Encoded: given.base64 === true,
      requestContext: { http: { method: given.method ?? 'POST', sourceIp: '192.0.2.1' }, ...given.context },
    });
  return { post, receive, sent, lines, reads, secrets, wait: (ms: number) => void (clock += ms) };
};
const token = (text: string) => ({ authorization: `Bearer ${text}` });
const sign = (key: string, message: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', key).update(message).digest(encoding);

test('what is posted with the token waits in the alerts queue before the sender hears of it', async () => {
  const { post, sent } = made(bearer);
  const { statusCode, body: text, headers } = await post({ body, headers: token('correct-horse') });
  assert.deepEqual([statusCode, JSON.parse(text), headers['content-type']], [202, { accepted: 1 }, 'application/json']);
  const read = readAlerts(sent[0] ?? '');
  assert.ok('alerts' in read);
  assert.deepEqual(
    read.alerts.map(({ labels }) => labels),
    [{ alertname: 'A', severity: 'warning' }],
  );
  assert.equal(
    (await post({ body, headers: { Authorization: 'bearer  correct-horse ' }, base64: true })).statusCode,
    202,
  );
});

test('a missing or wrong token is 401, says which, and nothing is read', async () => {
  const { post, sent, lines } = made(bearer);
  for (const headers of [
    {},
    token(''),
    token('wrong'),
    token('correct-horse2'),
    token('correct-hors'),
    { authorization: 'Basic correct-horse' },
    { authorization: 'correct-horse' },
  ]) {
    const answer = await post({ body, headers });
    assert.equal(answer.statusCode, 401, JSON.stringify(headers));
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
    assert.match(answer.body, 'authorization' in headers ? /not the one that is configured/ : /header is missing/);
  }
  assert.equal(sent.length, 0);
  assert.ok(!lines.join().includes('horse'));
});

test('without credentials in the configuration only IAM lets a request in', async () => {
  for (const inbound of [undefined, {}]) {
    const { post } = made(inbound);
    assert.equal((await post({ body, headers: token('x') })).statusCode, 401);
    assert.equal((await post({ body, context: { authorizer: null } })).statusCode, 401);
    assert.equal(
      (await post({ body, context: { authorizer: { iam: { userArn: 'arn:aws:iam::1:user/a' } } } })).statusCode,
      202,
    );
  }
});

test('signatures: Grafana’s with and without a time, GitHub’s, Standard Webhooks’, by either key while they are rotated', async () => {
  const { post } = made(hmac);
  for (const key of ['the key', 'the old key'])
    for (const headers of [
      { 'X-Grafana-Alerting-Signature': sign(key, body) },
      { 'X-Grafana-Alerting-Signature': sign(key, `${seconds}:${body}`), 'X-Grafana-Alerting-Timestamp': seconds },
      { 'X-Hub-Signature-256': `sha256=${sign(key, body)}` },
      {
        'webhook-id': 'm1',
        'webhook-timestamp': seconds,
        'webhook-signature': `v1,AAAA v1a,BBBB v1,${sign(key, `m1.${seconds}.${body}`, 'base64')}`,
      },
    ])
      for (const base64 of [true, false])
        assert.equal((await post({ body, headers, base64 })).statusCode, 202, JSON.stringify(headers));
  const bytes = Buffer.from('0123456789abcdef0123456789abcdef');
  const standard = made({ hmac: 'ssm:standard' }, {}, { 'ssm:standard': `whsec_${bytes.toString('base64')}` });
  const signature = createHmac('sha256', bytes).update(`m1.${seconds}.${body}`).digest('base64');
  assert.equal(
    (
      await standard.post({
        body,
        headers: { 'webhook-id': 'm1', 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` },
      })
    ).statusCode,
    202,
  );
});

test('a signature of another body, key, id or time is 401', async () => {
  const { post, sent } = made(hmac);
  const at = (offset: number) => String(now / 1000 + offset);
  const timed = (offset: number) => ({
    'x-grafana-alerting-signature': sign('the key', `${at(offset)}:${body}`),
    'x-grafana-alerting-timestamp': at(offset),
  });
  for (const [headers, why] of [
    [{}, /signature is missing/],
    [{ 'x-grafana-alerting-signature': sign('the key', `${body} `) }, /does not fit/],
    [{ 'x-grafana-alerting-signature': sign('another', body) }, /does not fit/],
    [{ 'x-grafana-alerting-signature': '' }, /does not fit/],
    [{ 'x-grafana-alerting-signature': 'zz' }, /does not fit/],
    [{ 'x-grafana-alerting-signature': sign('the key', body).slice(0, 62) }, /does not fit/],
    [{ 'x-hub-signature-256': sign('the key', body) }, /signature is missing/],
    [timed(-301), /more than 300 s/],
    [timed(301), /more than 300 s/],
    [{ ...timed(0), 'x-grafana-alerting-timestamp': at(1) }, /does not fit/],
    [{ ...timed(0), 'x-grafana-alerting-timestamp': 'now' }, /more than 300 s/],
    [
      {
        'webhook-id': 'm2',
        'webhook-timestamp': seconds,
        'webhook-signature': `v1,${sign('the key', `m1.${seconds}.${body}`, 'base64')}`,
      },
      /does not fit/,
    ],
    [
      {
        'webhook-id': 'm1',
        'webhook-timestamp': seconds,
        'webhook-signature': sign('the key', `m1.${seconds}.${body}`, 'base64'),
      },
      /does not fit/,
    ],
  ] as const) {
    const answer = await post({ body, headers });
    assert.equal(answer.statusCode, 401, JSON.stringify(headers));
    assert.match(answer.body, why);
  }
  for (const offset of [-300, 300])
    assert.equal((await post({ body, headers: timed(offset) })).statusCode, 202, 'at the limit');
  assert.equal(sent.length, 2);
});

test('either of token and signature is enough where both are configured', async () => {
  const { post } = made({ ...bearer, ...hmac });
  assert.equal((await post({ body, headers: token('correct-horse') })).statusCode, 202);
  assert.equal(
    (await post({ body, headers: { ...token('wrong'), 'x-grafana-alerting-signature': sign('the key', body) } }))
      .statusCode,
    202,
  );
  assert.equal((await post({ body, headers: token('wrong') })).statusCode, 401);
});

test('a rotated secret is read afresh, and no stranger makes us read more than twice a minute', async () => {
  const { post, reads, secrets, wait } = made(bearer);
  for (let times = 0; times < 50; times += 1) await post({ body, headers: token('guess') });
  assert.equal(reads.filter((read) => read.endsWith('fresh')).length, 1);
  secrets['ssm:token'] = 'new-horse';
  wait(30_000);
  assert.equal((await post({ body, headers: token('new-horse') })).statusCode, 202);
});

test('a body at the limit is taken, and one byte more is 413, whatever it is made of', async () => {
  const { post } = made(bearer);
  const sized = (character: string, bytes: number) => {
    const [start, end] = ['{"alerts":[{"labels":{"alertname":"A"},"annotations":{"summary":"', '"}}]}'];
    const room = bytes - start.length - end.length;
    const count = Math.floor(room / Buffer.byteLength(character));
    return `${start}${character.repeat(count)}${'x'.repeat(room - count * Buffer.byteLength(character))}${end}`;
  };
  for (const character of ['x', '警', '🔥'])
    for (const base64 of [false, true]) {
      assert.equal(
        (await post({ body: sized(character, maxBodyBytes), headers: token('correct-horse'), base64 })).statusCode,
        202,
      );
      const over = await post({ body: sized(character, maxBodyBytes + 1), headers: token('correct-horse'), base64 });
      assert.equal(over.statusCode, 413);
      assert.match(over.body, /4194305 bytes; at most 4194304/);
    }
});

test('many alerts become messages that a queue takes, each alert in one of them', async () => {
  const { post, sent } = made(bearer);
  const alerts = Array.from({ length: 333 }, (_, at) => ({
    status: 'firing',
    labels: { alertname: `A${at}` },
    annotations: { description: '错'.repeat(at % 7 === 0 ? 20_000 : 1000) },
    startsAt: '2026-01-01T11:00:00Z',
  }));
  assert.equal((await post({ body: JSON.stringify({ alerts }), headers: token('correct-horse') })).statusCode, 202);
  for (const message of sent) assert.ok(Buffer.byteLength(message) < 1_048_576);
  const names = sent.flatMap((message) => {
    const read = readAlerts(message);
    return 'alerts' in read ? read.alerts.map(({ labels }) => labels['alertname']) : [];
  });
  assert.deepEqual(
    names,
    alerts.map(({ labels }) => labels.alertname),
  );
});

test('what is not understood is 400 with the reason, and what is understood of it is taken', async () => {
  const { post, sent } = made(bearer);
  const ask = (text: string, headers = {}) => post({ body: text, headers: { ...token('correct-horse'), ...headers } });
  for (const [text, why] of [
    ['', /is not JSON/],
    ['{', /is not JSON/],
    ['{}', /status is neither/],
    ['[]', /empty list/],
    ['{"alerts":[1]}', /alerts\[0\].*is not an object/],
    [JSON.stringify({ alerts: [{ labels: { alertname: 'x'.repeat(17_000) } }] }), /bytes of labels; at most 16384/],
  ] as const) {
    const answer = await ask(text);
    assert.equal(answer.statusCode, 400, text);
    assert.match(answer.body.replaceAll(/","reason":"/g, ' '), why);
  }
  assert.equal(sent.length, 0);
  const mixed = await ask(JSON.stringify({ alerts: [{ labels: { alertname: 'A' } }, {}] }));
  assert.deepEqual(
    [mixed.statusCode, JSON.parse(mixed.body)],
    [202, { accepted: 1, refused: [{ where: 'alerts[1]', reason: 'has no labels' }] }],
  );
  assert.equal((await ask(body, { 'content-encoding': 'gzip' })).statusCode, 415);
  assert.deepEqual((await post({ method: 'GET', headers: token('correct-horse') })).headers['allow'], 'POST');
});

test('what is ours to mend is 503, so that the sender tries again, and says nothing of it', async () => {
  const unread = made(bearer, {
    secrets: async () => Promise.reject(new Failure('not-found', 'ResourceNotFoundException', { where: 'ssm:token' })),
  });
  const full = made(bearer, {
    queue: { send: async () => Promise.reject(new Failure('unavailable', 'the queue is away')) },
  });
  for (const { post, lines } of [unread, full]) {
    const answer = await post({ body, headers: token('correct-horse') });
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '10']);
    assert.ok(!answer.body.includes('ssm:token') && !answer.body.includes('queue is'));
    assert.match(lines.join(), /ssm:token|queue is away/);
  }
});

test('any event at all is answered', async () => {
  const { receive } = made(bearer);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.jsonValue(),
        fc.record({
          headers: fc.jsonValue(),
          body: fc.jsonValue(),
          requestContext: fc.jsonValue(),
          isBase64Encoded: fc.boolean(),
        }),
      ),
      async (event) => {
        const { statusCode } = await receive(event);
        assert.ok(statusCode >= 400 && statusCode < 600);
      },
    ),
  );
});
