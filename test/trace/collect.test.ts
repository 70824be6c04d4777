import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { Span } from '../../lib/model/span.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { aSpan } from '../support/a-span.ts';
import { spanHouse, windowStart } from '../support/span-house.ts';

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
    const { collect, objects, sent } = spanHouse();
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

test('a body without a whole span, a truncated gzip, a bomb and an unknown type are refused, each with one log line', async () => {
  const whole = encodeJson(spans);
  const cases = [
    [request(whole.slice(0, 300)), 400],
    [request(gzipSync(whole).subarray(0, 100), { 'content-encoding': 'gzip' }), 400],
    [request(zstdCompressSync(whole).subarray(0, 100), { 'content-encoding': 'zstd' }), 400],
    [request(Buffer.from([0x0a, 0xff, 0x01, 0x00]), { 'content-type': 'application/x-protobuf' }), 400],
    [request(gzipSync(Buffer.alloc(80 * 2 ** 20)), { 'content-encoding': 'gzip' }), 413],
    [request(zstdCompressSync(Buffer.alloc(80 * 2 ** 20)), { 'content-encoding': 'zstd' }), 413],
    [request(whole, { 'content-encoding': 'lzma' }), 400],
  ] as const;
  for (const [event, status] of cases) {
    const { collect, logged, objects } = spanHouse();
    const answer = await collect.http(event);
    assert.equal(answer.statusCode, status);
    assert.equal(answer.headers['content-type'], event.headers['content-type'], 'in the type of the request');
    assert.equal(logged.length, 1);
    assert.equal(objects.size, 0);
  }
  assert.equal((await spanHouse().collect.http(request('', { 'content-type': 'text/html' }))).statusCode, 415);
});

test('an unreadable record fails alone', async () => {
  const { collect, logged, objects } = spanHouse();
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
  const { collect, objects, logged } = spanHouse();
  const data = gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: [{ message: encodeJson(spans) }] }));
  await collect.logs({ awslogs: { data: data.toString('base64') } });
  assert.equal(objects.size, 1);
  await collect.logs({ awslogs: { data: 'AAAA' } });
  assert.equal(logged.length, 1);
});

test('shuffled, split and repeated delivery gives the same score to the byte, and one alert', async () => {
  const score = async (deliveries: readonly (readonly Span[])[]) => {
    const { collect, close, objects, alerts } = spanHouse();
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
  const { collect, objects, logged, time } = spanHouse();
  await collect.http(request(encodeJson(spans.slice(0, 10))));
  for (const [seconds, late] of [
    [90, 0],
    [91, 1],
  ] as const) {
    time.now = Date.parse(windowStart) + seconds * 1000;
    await collect.http(request(encodeJson(spans.slice(10, 20 + seconds - 90))));
    assert.equal(logged.length, late, `after ${seconds} s`);
  }
  assert.equal(objects.size, 3);
  assert.deepEqual(logged[0]?.fields, { window: windowStart, late: 11 });
});

test('a window whose first batch comes when it is over stays open for the slack from then on', async () => {
  const yesterday = Date.parse(windowStart) + 86_400_000;
  const { collect, logged, sent, time } = spanHouse({ now: yesterday });
  await collect.http(request(encodeJson(spans.slice(0, 10))));
  assert.equal(sent[0]?.delaySeconds, 30);
  time.now = yesterday + 30_000;
  await collect.http(request(encodeJson(spans.slice(10, 20))));
  assert.deepEqual(logged, []);
  time.now += 1;
  await collect.http(request(encodeJson(spans.slice(20))));
  assert.equal(logged.length, 1);
});

test('a window that SQS cannot delay for is refused', () => {
  assert.ok(spanHouse({ slackSeconds: 840 }));
  assert.throws(() => spanHouse({ slackSeconds: 841 }), /misconfigured: .*901 s/);
});

test('spans of many records are put away before they are too many, or the bodies that they keep too large', async () => {
  const body = encodeJson(Array.from({ length: 10 }, (_, at) => aSpan({ attributes: { text: `größer ${at}` } })));
  const bytes = Buffer.byteLength(body);
  const event = {
    Records: Array.from({ length: 4 }, (_, at) => ({
      eventSource: 'aws:sqs',
      messageId: String(at),
      body,
      attributes: {},
    })),
  };
  const puts = async (mostHeld: { readonly spans: number; readonly bytes: number }) => {
    const house = spanHouse({ mostHeld });
    let count = 0;
    const { put } = house.bucket;
    house.bucket.put = async (...given) => {
      count += 1;
      await put(...given);
    };
    assert.deepEqual(await house.collectRecords(event), { batchItemFailures: [] });
    return count;
  };
  assert.equal(await puts({ spans: 41, bytes: 4 * bytes + 1 }), 1);
  assert.equal(await puts({ spans: 20, bytes: 4 * bytes + 1 }), 2);
  assert.equal(await puts({ spans: 21, bytes: 4 * bytes + 1 }), 2, 'the third record passes it, the fourth is left');
  assert.equal(await puts({ spans: 41, bytes: 2 * bytes }), 2);
  assert.equal(await puts({ spans: 41, bytes }), 4);
});
