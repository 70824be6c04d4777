/** `node bench/ingest-memory.ts <hold|collect> <body.pb.zst>`: ten bodies of 10,000 spans, and the most MB that were resident. */
import { readFileSync } from 'node:fs';
import { compress, decompress } from '../lib/adapters/compression.ts';
import type { Span } from '../lib/model/span.ts';
import { decodeProto } from '../lib/trace/decode.ts';
import { packSpans } from '../lib/trace/pack-spans.ts';
import { windowParts } from '../lib/trace/window.ts';

const [, , mode, file = ''] = process.argv;
const body = readFileSync(file);
const held: (readonly Span[])[] = [];
const count = { spans: 0, bytes: 0 };
for (let each = 0; each < 10; each += 1) {
  // Every body is unpacked by itself, as those of a window are.
  const { spans } = decodeProto(await decompress(body, 'zstd'));
  count.spans += spans.length;
  if (mode === 'hold') held.push(spans);
  else {
    for (const { spans: part } of windowParts(spans, 60, 4)) {
      for (const { bytes } of packSpans(part, () => process.exit(1))) count.bytes += (await compress(bytes)).length;
    }
  }
}
if (count.spans !== 100_000 || (mode === 'hold' && held.length !== 10)) process.exit(1);
process.stdout.write(String(Math.round(process.resourceUsage().maxRSS / 1024)));
