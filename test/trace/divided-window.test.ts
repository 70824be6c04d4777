import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Span } from '../../lib/model/span.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { readBaseline } from '../../lib/trace/baseline.ts';
import { distinctCounter } from '../../lib/trace/distinct.ts';
import { addWindow, countsOf } from '../../lib/trace/metric-totals.ts';
import { partOf, readWindow } from '../../lib/trace/read-window.ts';
import type { Score } from '../../lib/trace/score.ts';
import { parseWindowClosed, partitionOf, type WindowClosed } from '../../lib/trace/window.ts';
import { aSpan } from '../support/a-span.ts';
import { encodeProto } from '../support/proto.ts';
import { spanHouse, windowStart } from '../support/span-house.ts';

const id = (n: number, length: number) => n.toString(16).padStart(length, '0');
const traceIdOf = (n: number) => id(Math.imul(n + 1, 0x9e3779b1) >>> 0, 8) + id(n + 1, 24);

/** Traces of two spans each. */
const pairs = (traces: number, fields: Partial<Span> = {}): Span[] =>
  Array.from({ length: traces }, (_, at) => {
    const ids = { traceId: traceIdOf(at), spanId: id(2 * at + 1, 16) };
    return [
      aSpan({ ...ids, service: 'web', kind: 3, from: at, to: at + 20 }),
      aSpan({
        ...ids,
        ...fields,
        spanId: id(2 * at + 2, 16),
        parentSpanId: ids.spanId,
        service: 'größer',
        kind: 2,
        from: at,
        to: at + 10,
      }),
    ];
  }).flat();

type House = ReturnType<typeof spanHouse>;
const collect = async (house: House, spans: readonly Span[], isProto = false): Promise<void> => {
  const body = isProto ? encodeProto(spans) : Buffer.from(encodeJson(spans));
  const headers = { 'content-type': isProto ? 'application/x-protobuf' : 'application/json' };
  const event = { requestContext: {}, headers, body: Buffer.from(body).toString('base64'), isBase64Encoded: true };
  assert.equal((await house.collect.http(event)).statusCode, 200);
};

/** Scores a window and whatever parts it is divided into; answers what each came to. */
const closeAll = async (house: House): Promise<{ readonly window: WindowClosed; readonly score: Score }[]> => {
  const scores: { window: WindowClosed; score: Score }[] = [];
  const before = house.sent.length;
  const first = { windowStart, partition: 0 };
  const whole = await house.closed(first);
  if (whole !== undefined) scores.push({ window: first, score: whole });
  for (const { body } of house.sent.slice(before)) {
    const window = parseWindowClosed(body) as WindowClosed;
    const score = await house.closed(window);
    assert.ok(score !== undefined, 'a part is not divided again');
    scores.push({ window, score });
  }
  return scores;
};

const limits = { spans: 40, bytes: 1e9 };

test('a window at the limit is scored whole, one beyond is divided', async () => {
  const at = spanHouse({ limits });
  await collect(at, pairs(20));
  assert.deepEqual(
    (await closeAll(at)).map(({ window }) => window),
    [{ windowStart, partition: 0 }],
  );

  const beyond = spanHouse({ limits });
  await collect(beyond, [...pairs(20), aSpan({ traceId: 'f'.repeat(32) })]);
  const parts = await closeAll(beyond);
  assert.deepEqual(
    parts.map(({ window }) => window.part),
    [
      { index: 0, of: 2 },
      { index: 1, of: 2 },
    ],
  );
  assert.equal(
    parts.reduce((sum, { score }) => sum + score.traces.spans, 0),
    41,
  );
  assert.ok(
    parts.every(({ score }) => score.traces.orphans === 0),
    'no trace is torn',
  );
  assert.ok(beyond.objects.has(`reports/${windowStart}/0/part-2-of-2/report.html`));
  assert.ok(!beyond.objects.has(`reports/${windowStart}/0/score.json`));
});

test('bytes divide a window as well, at one more than the limit', async () => {
  const one = [aSpan({ attributes: { text: 'größer '.repeat(100) } })];
  const size = Buffer.byteLength(encodeJson(one));
  const house = async (bytes: number) => {
    const made = spanHouse({ limits: { spans: 1000, bytes } });
    await collect(made, one);
    return closeAll(made);
  };
  const stored = async (bytes: number) => (await house(bytes)).length;
  // What is stored is put together anew, so that its size is close to that of what was sent.
  const least = (
    await Promise.all(
      Array.from({ length: 64 }, async (_, at) => ((await stored(size - 32 + at)) === 1 ? size - 32 + at : Infinity)),
    )
  ).reduce((a, b) => Math.min(a, b));
  assert.ok(Number.isFinite(least));
  assert.equal(await stored(least - 1), 2);
});

test('however spans come, a window is divided alike and every part comes to the same bytes', async () => {
  const spans = pairs(50, { status: 2 });
  const reports = async (batches: readonly (readonly Span[])[]) => {
    const house = spanHouse({ limits });
    for (const [at, batch] of batches.entries()) await collect(house, batch, at % 2 === 1);
    await closeAll(house);
    return [...house.objects]
      .filter(([key]) => key.startsWith('reports/'))
      .map(([key, bytes]) => `${key} ${createHash('sha256').update(bytes).digest('hex')}`)
      .sort();
  };
  const expected = await reports([spans]);
  assert.equal(expected.filter((each) => each.includes('/score.json ')).length, 3);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(spans, { minLength: spans.length, maxLength: spans.length }),
      fc.nat(spans.length),
      fc.subarray(spans, { minLength: 1 }),
      async (shuffled, cut, again) => {
        const batches = [shuffled.slice(0, cut), shuffled.slice(cut), again].filter(({ length }) => length > 0);
        assert.deepEqual(await reports(batches), expected);
      },
    ),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 15) },
  );
});

test('what is beyond the limit only for having come twice is scored whole', async () => {
  const house = spanHouse({ limits });
  const spans = pairs(20);
  await collect(house, spans);
  await collect(house, spans.slice(0, 39), true);
  const [whole, ...others] = await closeAll(house);
  assert.equal(whole?.score.traces.spans, 40);
  assert.equal(others.length, 0);
});

test('parts hold nothing of the spans of others', async () => {
  const house = spanHouse();
  const spans = Array.from({ length: 400 }, (_, at) =>
    aSpan({ traceId: traceIdOf(at), attributes: { text: 'x'.repeat(1000) } }),
  );
  await collect(house, spans, true);
  const { decompress, sniffEncoding, bucket } = house.closing;
  const read = await readWindow(
    { windowStart, partition: 0, part: { index: 1, of: 4 } },
    { bucket, decompress, sniffEncoding },
  );
  assert.ok('spans' in read && read.spans.length > 50 && read.spans.length < 150);
  const buffers = new Set(
    read.spans.map((span) => (span as unknown as { origin: { buffer: Buffer } }).origin.buffer.buffer),
  );
  const bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(bytes < read.spans.length * 1200, `${bytes} bytes for ${read.spans.length} spans`);
});

test('traces of a partition are spread over all parts', () => {
  for (const partitions of [1, 2, 3, 4, 16]) {
    for (const parts of [2, 3, 4, 7]) {
      const counts = Array.from({ length: parts }, () => 0);
      const ids = Array.from({ length: 20_000 }, (_, at) => traceIdOf(at)).filter(
        (each) => partitionOf(each, partitions) === 0,
      );
      // Partition 1 of one is the hash itself: FNV-1a 32 of the trace id.
      for (const each of ids) counts[partOf(partitionOf(each, 2 ** 32), parts)]! += 1;
      const mean = ids.length / parts;
      for (const count of counts)
        assert.ok(Math.abs(count - mean) < 6 * Math.sqrt(mean), `${partitions} ${parts}: ${counts}`);
    }
  }
});

test('a part needs its share of the errors that a window needs, and three', async () => {
  const raised = async (failed: number) => {
    const house = spanHouse({ limits });
    await collect(
      house,
      pairs(40).map((span, at) => (at < 2 * failed && span.kind === 2 ? { ...span, status: 2 } : span)),
    );
    return (await closeAll(house)).flatMap(({ score }) => score.findings);
  };
  assert.deepEqual(await raised(2), [], 'two errors are never three in a part');
  const [finding] = await raised(40);
  assert.equal(finding?.kind, 'error-burst');
  assert.equal(finding?.threshold, 3);
});

test('totals of metrics hold every part once', async () => {
  const house = spanHouse({ limits });
  await collect(house, pairs(50));
  const options = { table: house.table, clock: () => house.time.now, maxSeries: 100 };
  const parts = await closeAll(house);
  for (const { window, score } of [...parts, ...parts]) await addWindow(window, countsOf(score), options);
  const totals = await addWindow(parts[0]?.window as WindowClosed, countsOf(parts[0]?.score as Score), options);
  assert.equal(totals?.isNew, false);
  assert.equal(totals?.counts.services.get('web')?.spans, 50);
});

test('a baseline is read from divided windows too, once all their parts are scored', async () => {
  const house = spanHouse({ limits });
  await collect(house, pairs(50));
  await closeAll(house);
  const scores = new Map<string, Uint8Array>();
  const minutes = [0, 1, 2, 3, 4];
  for (const [key, bytes] of house.objects) {
    for (const minute of minutes) scores.set(key.replace('00:00:00Z', `00:0${minute}:00Z`), bytes);
  }
  const read = () =>
    readBaseline(
      { get: async (key) => scores.get(key) },
      { windowStart: '2026-01-01T00:10:00Z', partition: 0 },
      60,
      20,
    );
  assert.equal((await read())?.services.get('web')?.spans, 5 * 50);
  scores.delete('reports/2026-01-01T00:02:00Z/0/part-2-of-3/score.json');
  assert.equal(await read(), undefined);
});

test('different numbers are counted exactly up to the limit, and nearly beyond, whatever their order', () => {
  for (const [count, expected] of [
    [100, 100],
    [101, 101],
  ] as const) {
    const counter = distinctCounter(101);
    for (let n = 0; n < 3 * count; n += 1) counter.add(n % count);
    assert.equal(counter.count(), expected);
  }
  const up = distinctCounter(2000);
  const down = distinctCounter(2000);
  const numbers = Array.from({ length: 50_000 }, (_, n) =>
    createHash('sha256').update(String(n)).digest().readUIntBE(0, 6),
  );
  for (const each of numbers) up.add(each);
  for (const each of numbers.toReversed()) for (let twice = 0; twice < 2; twice += 1) down.add(each);
  assert.equal(up.count(), down.count());
  assert.ok(Math.abs(up.count() / new Set(numbers).size - 1) < 0.1, `${up.count()}`);
});
