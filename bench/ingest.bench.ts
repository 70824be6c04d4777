import { gunzipSync, gzipSync } from 'node:zlib';
import { decodeJson, decodeProto } from '../lib/trace/decode.ts';
import { decodeLogRecords } from '../lib/trace/decode-log-records.ts';
import { windowParts } from '../lib/trace/window.ts';
import type { Bench } from './index.ts';
import { measure, type Result, report } from './measure.ts';
import { otlpBatch } from './otlp-batch.ts';

const size = 512;

export const bench: Bench = {
  question: 'what does it cost to turn OTLP batches into spans divided among windows, beside parsing the JSON alone?',
  run: async ({ json }) => {
    const batch = otlpBatch(size);
    const text = batch.json.toString();
    const plan = { warmUp: 200 };
    const results = measure(
      [
        { case: 'tidemark/protobuf', per: size, run: () => windowParts(kept(decodeProto(batch.proto).spans), 60, 4) },
        { case: 'tidemark/json', per: size, run: () => windowParts(kept(decodeJson(text).spans), 60, 4) },
        { case: 'json-parse', per: size, run: () => JSON.parse(text) },
      ],
      plan,
    );
    const notes = [
      'per span, decoded and divided among windows and partitions; json-parse is JSON.parse of the same batch and nothing else',
      ...bySize(results),
      ...cloudWatch(),
    ];
    const spansPerSecond = Object.fromEntries(
      results.map(({ case: label, median }) => [label, Math.round(1e9 / median)]),
    );
    report('ingest', results, json, notes, { spansPerSecond });
  },
};

const kept = <T>(spans: readonly T[]): readonly T[] => {
  if (spans.length % size !== 0 || spans.length === 0) throw new Error(`${spans.length} spans came out`);
  return spans;
};

/** Cost per span from a thousand spans to a million, and memory for a window of 100,000. */
const bySize = (results: Result[]): string[] => {
  const notes: string[] = [];
  for (const count of [1000, 10_000, 100_000, 1_000_000]) {
    const copies = Math.max(1, Math.round(count / 10_000));
    const { proto } = otlpBatch(Math.min(count, 10_000));
    const times: number[] = [];
    for (let round = 0; round < (count >= 1_000_000 ? 2 : 9); round += 1) {
      globalThis.gc?.();
      const before = process.memoryUsage();
      const start = process.hrtime.bigint();
      const spans = [];
      for (let copy = 0; copy < copies; copy += 1) spans.push(...decodeProto(proto).spans);
      windowParts(spans, 60, 4);
      times.push(Number(process.hrtime.bigint() - start) / count);
      globalThis.gc?.();
      const heap = process.memoryUsage().heapUsed - before.heapUsed;
      if (round === 0 && count === 100_000) notes.push(`100,000 spans hold ${(heap / 2 ** 20).toFixed(0)} MiB of heap`);
      if (spans.length !== count) throw new Error('spans were lost');
    }
    const best = Math.min(...times);
    results.push({ case: `tidemark/protobuf-${count}`, median: best, p10: best, unit: 'ns' });
  }
  return notes;
};

/** A subscription delivery of 10,000 `aws/spans` records: unpacked, parsed, divided. */
const cloudWatch = (): string[] => {
  const logEvents = Array.from({ length: 10_000 }, (_, at) => ({
    id: String(at),
    timestamp: 1_767_225_600_000,
    message: JSON.stringify({
      resource: { attributes: { 'service.name': 'orders' } },
      scope: { name: 'bench' },
      traceId: at.toString(16).padStart(32, '1'),
      spanId: (at + 1).toString(16).padStart(16, '0'),
      parentSpanId: '',
      name: 'GET /orders',
      kind: 'SERVER',
      startTimeUnixNano: 1_767_225_600_000_000_000 + at * 1024,
      endTimeUnixNano: 1_767_225_600_050_000_000 + at * 1024,
      attributes: { 'http.request.method': 'GET', 'url.path': '/orders', 'http.response.status_code': 200 },
      status: { code: 'UNSET' },
    }),
  }));
  const packed = gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logGroup: 'aws/spans', logEvents }));
  const times: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const start = process.hrtime.bigint();
    const { spans } = decodeLogRecords(gunzipSync(packed).toString());
    windowParts(spans, 60, 1);
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
    if (spans.length !== 10_000) throw new Error(`${spans.length} of 10,000 spans came out`);
  }
  return [
    `a CloudWatch delivery of 10,000 spans: ${Math.min(...times).toFixed(0)} ms at best, ${times.sort((a, b) => a - b)[3]?.toFixed(0)} ms in the median`,
  ];
};
