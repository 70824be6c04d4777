import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { compress, decompress, deflate, sniffEncoding } from '../../lib/adapters/compression.ts';
import type { Bucket, Item, QueueMessage, Table } from '../../lib/model/ports.ts';
import type { Span } from '../../lib/model/span.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { closeWindow } from '../../lib/trace/close-window.ts';
import { collector } from '../../lib/trace/collect.ts';
import { aSpan } from '../support/a-span.ts';

const windowStart = '2026-01-01T00:00:00Z';

/** The collector and the scorer on a bucket, a table and a queue in memory. */
const house = (now = Date.parse(windowStart) + 30_000, slackSeconds = 30) => {
  const objects = new Map<string, Uint8Array>();
  const bucket: Bucket = {
    get: async (key) => objects.get(key),
    put: async (key, body) => void objects.set(key, Uint8Array.from(body)),
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
  };
  const items = new Map<string, Item>();
  const table: Table = {
    get: async (pk, sk) => items.get(`${pk} ${sk}`),
    query: async (pk) => [...items.values()].filter((item) => item.pk === pk),
    put: async (item, condition) => {
      const key = `${item.pk} ${item.sk}`;
      if (condition?.absent === true && items.has(key)) return false;
      items.set(key, item);
      return true;
    },
    delete: async (pk, sk) => items.delete(`${pk} ${sk}`),
  };
  const sent: QueueMessage[] = [];
  const logged: { level: string; message: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  const log = (level: string, message: string, fields?: Readonly<Record<string, unknown>>) =>
    void logged.push({ level, message, fields });
  const clock = () => now;
  const collect = collector({
    bucket,
    table,
    windows: { send: async (messages) => void sent.push(...messages) },
    windowSeconds: 60,
    slackSeconds,
    partitions: 1,
    clock,
    log,
    encode: encodeJson,
    compress,
    objects: async () => undefined,
    decompress,
    sniffEncoding,
  });
  const alerts: unknown[] = [];
  const close = () =>
    closeWindow(
      { windowStart, partition: 0 },
      {
        bucket,
        table,
        bus: { put: async (events) => void alerts.push(...events.map(({ detail }) => detail)) },
        clock,
        log,
        thresholds: {},
        windowSeconds: 60,
        decompress,
        deflate,
      },
    );
  return { collect, close, objects, sent, logged, alerts };
};

const id = (n: number) => n.toString(16).padStart(32, '0');
const spans = Array.from({ length: 30 }, (_, at) =>
  aSpan({ traceId: id(at + 1), service: 'pay', status: at % 4 === 0 ? 2 : 0, from: at * 100, to: at * 100 + 50 }),
);
const request = (body: string | Buffer, headers: Record<string, string> = {}) => ({
  requestContext: { http: { method: 'POST', path: '/v1/traces' } },
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.isBuffer(body) ? body.toString('base64') : body,
  isBase64Encoded: Buffer.isBuffer(body),
});

for (const [encoding, pack] of [
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const) {
  test(`a ${encoding} body is taken, and its window closes once`, async () => {
    const { collect, objects, sent } = house();
    for (let time = 0; time < 2; time += 1) {
      const answer = await collect.http(
        request(pack(Buffer.from(encodeJson(spans))), { 'content-encoding': encoding }),
      );
      assert.equal(answer.statusCode, 200);
      assert.equal(answer.body, '{}');
    }
    assert.equal(objects.size, 1, 'a batch sent again rewrites its object');
    assert.deepEqual(sent, [{ body: JSON.stringify({ windowStart, partition: 0 }), delaySeconds: 60 }]);
  });
}

test('a body cut in half, a truncated gzip, a bomb and an unknown type are refused, each with one log line', async () => {
  const whole = encodeJson(spans);
  const cases = [
    [request(whole.slice(0, whole.length / 2)), 400],
    [request(gzipSync(whole).subarray(0, 100), { 'content-encoding': 'gzip' }), 400],
    [request(Buffer.from([0x0a, 0xff, 0x01, 0x00]), { 'content-type': 'application/x-protobuf' }), 400],
    [request(gzipSync(Buffer.alloc(80 * 2 ** 20)), { 'content-encoding': 'gzip' }), 413],
  ] as const;
  for (const [event, status] of cases) {
    const { collect, logged, objects } = house();
    const answer = await collect.http(event);
    assert.equal(answer.statusCode, status);
    assert.equal(answer.headers['content-type'], event.headers['content-type'], 'in the type of the request');
    assert.equal(logged.length, 1);
    assert.equal(objects.size, 0);
  }
  assert.equal((await house().collect.http(request('', { 'content-type': 'text/html' }))).statusCode, 415);
});

test('an unreadable record fails alone', async () => {
  const { collect, logged, objects } = house();
  const failed = await collect.records([
    encodeJson(spans.slice(0, 5)),
    'no OTLP!',
    gzipSync(encodeJson(spans.slice(5))).toString('base64'),
  ]);
  assert.deepEqual([...failed], [1]);
  assert.equal(logged.filter(({ level }) => level === 'warn').length, 1);
  assert.equal(objects.size, 1);
});

test('a log subscription is unpacked; what is none is told and left', async () => {
  const { collect, objects, logged } = house();
  const data = gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: [{ message: encodeJson(spans) }] }));
  await collect.logs({ awslogs: { data: data.toString('base64') } });
  assert.equal(objects.size, 1);
  await collect.logs({ awslogs: { data: 'AAAA' } });
  assert.equal(logged.length, 1);
});

test('shuffled, split and repeated delivery gives the same score to the byte, and one alert', async () => {
  const score = async (deliveries: readonly (readonly Span[])[]) => {
    const { collect, close, objects, alerts } = house();
    for (const part of deliveries) await collect.http(request(encodeJson(part)));
    await close();
    await close();
    assert.equal(alerts.length, 1, 'scored twice, raised once');
    return ['score.json', 'report.html'].map((name) =>
      Buffer.from(objects.get(`reports/${windowStart}/0/${name}`) ?? []).toString(),
    );
  };
  const expected = await score([spans]);
  assert.match(expected[0] ?? '', /"kind":"error-burst","service":"pay"/);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(spans, { minLength: spans.length, maxLength: spans.length }),
      fc.subarray(spans, { minLength: 1 }),
      fc.integer({ min: 1, max: spans.length }),
      async (shuffled, copies, cut) => {
        const deliveries = [shuffled.slice(0, cut), copies, shuffled.slice(cut), copies].filter(
          ({ length }) => length > 0,
        );
        assert.deepEqual(await score(deliveries), expected);
      },
    ),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 25) },
  );
});

test('spans that come after their window closed are kept and counted', async () => {
  for (const [seconds, isLate] of [
    [90, false],
    [91, true],
  ] as const) {
    const { collect, objects, logged } = house(Date.parse(windowStart) + seconds * 1000);
    await collect.http(request(encodeJson(spans)));
    assert.equal(objects.size, 1);
    assert.deepEqual(
      logged.map(({ fields }) => fields),
      isLate ? [{ window: windowStart, late: spans.length }] : [],
    );
  }
});

test('a window that SQS cannot delay for is refused', () => {
  assert.ok(house(undefined, 840));
  assert.throws(() => house(undefined, 841), /misconfigured: .*901 s/);
});
