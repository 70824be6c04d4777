/**
 * `node bench/ingest-memory.ts <hold|collect> <body.pb.zst|body.json.zst>`: a window of ten bodies of 10,000 spans is read as it is for scoring, or
 * collected as it comes by HTTP, in the parts of the product that do so; prints the most MB that were resident.
 */
import { readFileSync } from 'node:fs';
import { compress, decompress, sniffEncoding } from '../lib/adapters/compression.ts';
import { contentName } from '../lib/adapters/crypto.ts';
import { collector } from '../lib/trace/collect.ts';
import { readWindow } from '../lib/trace/read-window.ts';
import { residentPeak } from './resident.ts';

const [, , mode, file = ''] = process.argv;
const body = readFileSync(file);
const bodies = 10;
const spans = 100_000;
const format = file.endsWith('.json.zst') ? 'json' : 'pb';
const keys = Array.from({ length: bodies }, (_, at) => `spans/2026-01-01T00:00:00Z/0/${at}.${format}.zst`);

const hold = async (): Promise<unknown> => {
  const bucket = { list: async () => keys, get: async () => Uint8Array.from(body) };
  const window = await readWindow(
    { windowStart: '2026-01-01T00:00:00Z', partition: 0 },
    { bucket, decompress, sniffEncoding },
  );
  if (!('spans' in window) || !Array.isArray(window.spans) || window.spans.length !== spans)
    throw new Error('not all are held');
  return window;
};

const collect = async (): Promise<unknown> => {
  const stored = { bytes: 0 };
  const { http } = collector({
    bucket: {
      get: async () => undefined,
      put: async (_, { length }) => void (stored.bytes += length),
      list: async () => [],
    },
    table: {
      get: async (pk, sk) => ({ pk, sk, closesAt: Infinity }),
      put: async () => true,
      query: async () => [],
      delete: async () => true,
    },
    windows: { send: async () => undefined },
    windowSeconds: 60,
    slackSeconds: 30,
    partitions: 4,
    clock: () => 0,
    log: (level, message) => {
      throw new Error(`${level}: ${message}`);
    },
    encode: () => {
      throw new Error('nothing has to be written anew');
    },
    compress,
    contentName,
    objects: async () => undefined,
    decompress,
    sniffEncoding,
  });
  for (let each = 0; each < bodies; each += 1) {
    const { statusCode } = await http({
      headers: {
        'content-type': `application/${format === 'json' ? 'json' : 'x-protobuf'}`,
        'content-encoding': 'zstd',
      },
      requestContext: { http: { method: 'POST', path: '/v1/traces' } },
      body: body.toString('base64'),
      isBase64Encoded: true,
    });
    if (statusCode !== 200) throw new Error(`is answered ${statusCode}`);
  }
  if (stored.bytes === 0) throw new Error('nothing was stored');
  return stored;
};

const kept = await (mode === 'hold' ? hold() : collect());
process.stdout.write(String(Math.round(residentPeak())));
if (kept === undefined) process.exit(1);
