import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { Span } from '../../lib/model/span.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { aSpan } from '../support/a-span.ts';
import { encodeProto } from '../support/proto.ts';
import { spanHouse, windowStart } from '../support/span-house.ts';

const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
const id = (n: number, length: number) => n.toString(16).padStart(length, '0');

/** Traces of a web server, a shop behind it and a queue, some slow, some failed, some torn, over two windows. */
const spans: readonly Span[] = Array.from({ length: 24 }, (_, trace) => {
  const traceId = id(trace + 1, 32);
  const from = trace < 18 ? trace * 3000 : 60_000 + trace * 100;
  const root = id(trace * 4 + 1, 16);
  const call = id(trace * 4 + 2, 16);
  const made = [
    aSpan({ traceId, spanId: root, service: 'web', kind: 2, from, to: from + 2500 }),
    aSpan({
      traceId,
      spanId: call,
      parentSpanId: root,
      service: 'web',
      kind: 3,
      from: from + 1,
      to: from + 2400,
      attributes: { 'http.request.method': 'GET' },
    }),
    aSpan({
      traceId,
      spanId: id(trace * 4 + 3, 16),
      parentSpanId: call,
      service: 'shop',
      kind: 2,
      from: from + 2,
      to: from + 2300,
      status: trace % 2 === 0 ? 2 : 0,
    }),
    aSpan({
      traceId,
      spanId: id(trace * 4 + 4, 16),
      parentSpanId: root,
      service: 'mail',
      kind: 5,
      from: from + 2600,
      to: from + 2700,
    }),
  ];
  return trace % 5 === 4 ? made.filter((_each, at) => at !== 1) : made;
}).flat();

/** One way of a batch into the collector. */
const ways = {
  'http json': (house: House, batch: readonly Span[]) =>
    http(house, Buffer.from(encodeJson(batch)), 'application/json'),
  'http protobuf gzip': (house: House, batch: readonly Span[]) =>
    http(house, gzipSync(encodeProto(batch)), 'application/x-protobuf', 'gzip'),
  kinesis: async (house: House, batch: readonly Span[]) => {
    const data = zstdCompressSync(encodeProto(batch)).toString('base64');
    const record = { eventSource: 'aws:kinesis', eventID: 's:1', kinesis: { sequenceNumber: '1', data } };
    assert.deepEqual(await house.collectRecords({ Records: [record] }), { batchItemFailures: [] });
  },
  sqs: async (house: House, batch: readonly Span[]) => {
    const record = { eventSource: 'aws:sqs', messageId: 'm', body: encodeJson(batch), attributes: {} };
    assert.deepEqual(await house.collectRecords({ Records: [record] }), { batchItemFailures: [] });
  },
} as const;
type House = ReturnType<typeof spanHouse>;

const http = async ({ collect }: House, body: Uint8Array, type: string, encoding?: string) => {
  const headers = { 'content-type': type, ...(encoding === undefined ? {} : { 'content-encoding': encoding }) };
  const event = { requestContext: {}, headers, body: Buffer.from(body).toString('base64'), isBase64Encoded: true };
  assert.equal((await collect.http(event)).statusCode, 200);
};

interface Delivery {
  readonly way: keyof typeof ways;
  readonly batch: readonly Span[];
  /** Milliseconds after the one before. */
  readonly delay: number;
}

/** What all windows come to after some deliveries: every byte of every report. */
const results = async (deliveries: readonly Delivery[], partitions: number): Promise<ReadonlyMap<string, string>> => {
  const house = spanHouse({ partitions });
  for (const { way, batch, delay } of deliveries) {
    house.time.now += delay;
    await ways[way](house, batch);
  }
  assert.deepEqual(house.logged, [], 'nothing was refused, and nothing came late');
  const windows = house.sent.map(({ body }) => JSON.parse(body) as { windowStart: string; partition: number });
  for (const { windowStart: start, partition } of windows) await house.close(partition, start);
  const reports = [...house.objects].filter(([key]) => key.startsWith('reports/')).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(reports.map(([key, bytes]) => [key, Buffer.from(bytes).toString('base64')]));
};

for (const partitions of [1, 3]) {
  test(`shuffled, split, repeated and delayed delivery by any way gives the same windows to the byte (${partitions} partitions)`, async () => {
    const expected = await results([{ way: 'http json', batch: spans, delay: 0 }], partitions);
    assert.ok(expected.size >= 2 * partitions);
    const score = Buffer.from(expected.get(`reports/${windowStart}/0/score.json`) ?? '', 'base64').toString();
    assert.match(score, /"spans":\d/);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...spans], { minLength: spans.length, maxLength: spans.length }),
        fc.array(fc.nat(spans.length), { maxLength: 5 }),
        fc.array(fc.subarray([...spans], { minLength: 1, maxLength: 20 }), { maxLength: 3 }),
        fc.infiniteStream(fc.constantFrom(...(Object.keys(ways) as (keyof typeof ways)[]))),
        fc.infiniteStream(fc.nat(5000)),
        async (shuffled, cuts, copies, way, delay) => {
          const edges = [0, ...cuts.sort((a, b) => a - b), spans.length];
          const parts = edges.slice(1).map((edge, at) => shuffled.slice(edges[at], edge));
          const batches = [...parts, ...copies].filter(({ length }) => length > 0);
          const deliveries = batches.map((batch) => ({ way: way.next().value, batch, delay: delay.next().value }));
          assert.deepEqual(await results(deliveries, partitions), expected);
        },
      ),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 20), seed },
    );
  });
}
