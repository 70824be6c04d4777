import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { buildSync } from 'esbuild';
import protobuf from 'protobufjs';
import type { Span } from '../lib/model/span.ts';
import { protobufEncoder } from '../lib/telemetry/encode.ts';
import { type Decoded, decodeJson, decodeProto } from '../lib/trace/decode.ts';
import { decodeLogRecords } from '../lib/trace/decode-log-records.ts';
import { packSpans } from '../lib/trace/pack-spans.ts';
import { windowParts } from '../lib/trace/window.ts';
import { bufbuildMessage } from './bufbuild-otlp.ts';
import type { Bench } from './index.ts';
import { measure, quantile, type Result, report } from './measure.ts';
import { otlpBatch } from './otlp-batch.ts';

const size = 512;
const partitions = 4;

export const bench: Bench = {
  question:
    'what does it cost to turn OTLP batches into span windows that are ready to be written, beside parsing the JSON alone?',
  run: async ({ json }) => {
    const batch = otlpBatch(size);
    const text = batch.json.toString();
    const results = measure(
      [
        { case: 'tidemark/protobuf', per: size, run: () => ingest(decodeProto(batch.proto), size) },
        { case: 'tidemark/json', per: size, run: () => ingest(decodeJson(batch.json), size) },
        { case: 'json-parse', per: size, run: () => JSON.parse(text) },
        { case: 'protobufjs', per: size, run: () => request.decode(batch.proto) },
        {
          case: 'bufbuild',
          per: size,
          run: () => fromBinary(bufbuildRequest, batch.proto, { readUnknownFields: false }),
        },
      ],
      { warmUp: 200 },
    );
    const sizes = bySize();
    const deliveries = cloudWatch();
    const memory = resident();
    const p10 = (name: string) => results.find((each) => each.case === name)?.p10 ?? Number.NaN;
    const times = (name: string) => p10('json-parse') / p10(name);
    const flat = Math.max(...sizes.map((each) => each.median)) / Math.min(...sizes.map((each) => each.median));
    const notes = [
      'per span: decoded (ids, name, kind, times, status read), divided among windows and 4 partitions, packed into OTLP bodies',
      'json-parse is JSON.parse of the same batch as a string; protobufjs and bufbuild decode it by schema; all without windows',
      gate(
        'protobuf',
        `${times('tidemark/protobuf').toFixed(2)} × the spans per second of JSON.parse`,
        times('tidemark/protobuf') >= 2.5,
        'at least 2.5',
      ),
      gate(
        'JSON',
        `${times('tidemark/json').toFixed(2)} × the spans per second of JSON.parse`,
        times('tidemark/json') >= 0.85,
        'at least 0.85',
      ),
      gate(
        'CloudWatch',
        `a delivery of 10,000 spans takes ${deliveries.median.toFixed(0)} ms, ${deliveries.p10.toFixed(0)} ms at best`,
        deliveries.median < 100,
        'less than 100 ms',
      ),
      gate(
        'memory',
        `a process that holds a window of 100,000 spans has ${memory.held} MB resident, one that collects them ${memory.collected} MB`,
        memory.held < 128 && memory.collected < 128,
        'less than 128 MB',
      ),
      `the same spans as JSON, 69 MB of it, take ${memory.json.held} MB to hold and ${memory.json.collected} MB to collect`,
      gate(
        'size',
        `the dearest of 10³, 10⁴, 10⁵ and 10⁶ spans costs ${flat.toFixed(2)} × the cheapest, per span`,
        flat < 2,
        'flat: less than 2',
      ),
    ];
    const spansPerSecond = Object.fromEntries(
      results.map(({ case: label, p10: each }) => [label, Math.round(1e9 / each)]),
    );
    report('ingest', [...results, ...sizes, deliveries], json, notes, { spansPerSecond, residentMb: memory });
  },
};

/** OTLP's definitions; protobufjs makes a decoder of them when it is first used. */
const definitions = protobuf.loadSync(join(import.meta.dirname, '../test/support/otlp.proto'));
const request = definitions.lookupType('otlp.ExportTraceServiceRequest');

const bufbuildRequest = bufbuildMessage(definitions, 'otlp.ExportTraceServiceRequest');

const gate = (what: string, told: string, holds: boolean, wanted: string): string =>
  `${holds ? 'holds' : 'MISSED'}: ${what}: ${told} (${wanted})`;

const encode = protobufEncoder();
const packed = (spans: readonly Span[]) => ({ format: 'protobuf', bytes: encode(spans) }) as const;

/** What the collector does with a body before it is compressed and put into the bucket. */
const ingest = ({ spans, error }: Decoded, count: number): number => {
  if (error !== undefined || spans.length !== count) throw new Error(`${spans.length} of ${count} spans: ${error}`);
  let read = 0;
  for (const span of spans) {
    const { traceId, spanId, parentSpanId = '', name, kind, startNanos, endNanos, status } = span;
    if (endNanos > startNanos)
      read += traceId.length + spanId.length + parentSpanId.length + name.length + kind + status;
  }
  for (const { spans: part } of windowParts(spans, 60, partitions)) {
    for (const { bytes } of packSpans(part, packed)) read += bytes.length;
  }
  return read;
};

/**
 * Cost per span of windows of a thousand to a million spans, in bodies of at most 10,000 as they arrive. All sizes do at least as much
 * work in a round, one after the other in each, in a process that is warm: what differs is the size of the window alone.
 */
const bySize = (): Result[] => {
  const sizes = [1000, 10_000, 100_000, 1_000_000].map((count) => {
    const perBody = Math.min(count, 10_000);
    return { count, perBody, proto: otlpBatch(perBody).proto, times: [] as number[] };
  });
  const perRound = 200_000;
  for (let round = -1; round < 11; round += 1) {
    for (const { count, perBody, proto, times } of sizes) {
      const windows = Math.max(1, perRound / count);
      const start = process.hrtime.bigint();
      for (let window = 0; window < windows; window += 1) {
        for (let body = 0; body < count / perBody; body += 1) ingest(decodeProto(proto), perBody);
      }
      // The first round warms up.
      if (round >= 0) times.push(Number(process.hrtime.bigint() - start) / (windows * count));
    }
  }
  return sizes.map(({ count, times }) => ({
    case: `tidemark/protobuf-${count}`,
    median: quantile(times, 0.5),
    p10: quantile(times, 0.1),
    unit: 'ns',
  }));
};

/** A subscription delivery of 10,000 `aws/spans` records: unpacked, parsed, divided, written as OTLP. */
const cloudWatch = (): Result => {
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
  const delivery = gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logGroup: 'aws/spans', logEvents }));
  const times: number[] = [];
  for (let round = 0; round < 15; round += 1) {
    const start = process.hrtime.bigint();
    ingest(decodeLogRecords(gunzipSync(delivery).toString()), 10_000);
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return { case: 'tidemark/cloudwatch-10000', median: quantile(times, 0.5), p10: quantile(times, 0.1), unit: 'ms' };
};

/** The most memory that fresh processes with Node's own settings have resident, in MB. */
const resident = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-ingest-'));
  try {
    const { proto, json } = otlpBatch(10_000);
    const files = { protobuf: join(folder, 'body.pb.zst'), json: join(folder, 'body.json.zst') };
    writeFileSync(files.protobuf, zstdCompressSync(proto));
    writeFileSync(files.json, zstdCompressSync(json));
    // Bundled as a function is: stripping types would itself take memory.
    const script = join(folder, 'ingest-memory.mjs');
    buildSync({
      entryPoints: [join(import.meta.dirname, 'ingest-memory.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: script,
    });
    const run = (mode: 'hold' | 'collect', file: string): number => {
      const { stdout, stderr, status } = spawnSync(process.execPath, [script, mode, file], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return Number(stdout);
    };
    return {
      held: run('hold', files.protobuf),
      collected: run('collect', files.protobuf),
      json: { held: run('hold', files.json), collected: run('collect', files.json) },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
