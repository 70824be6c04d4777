import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readSpans } from '../../scripts/read-spans.ts';

const folder = mkdtempSync(join(tmpdir(), 'read-spans-'));
after(() => rmSync(folder, { recursive: true }));

const file = (content: string | Uint8Array): string => {
  const path = join(folder, 'otlp');
  writeFileSync(path, content);
  return path;
};

const request = (spanId: string) => ({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            {
              traceId: '0af7651916cd43dd8448eb211c80319c',
              spanId,
              name: 'place order',
              startTimeUnixNano: '1760000000000000001',
              endTimeUnixNano: '1760000000000000002',
            },
          ],
        },
      ],
    },
  ],
});
const [first, second] = [request('00000000000000a1'), request('00000000000000a2')];

describe('OTLP files', () => {
  const forms: Record<string, string | Uint8Array> = {
    'one document a line': `${JSON.stringify(first)}\n${JSON.stringify(second)}\n`,
    'a list of documents': JSON.stringify([first, second], null, 2),
    'a list with times as numbers': JSON.stringify([first, second]).replaceAll(/"(\d{19})"/g, '$1'),
    'a gzipped list': gzipSync(JSON.stringify([first, second])),
  };
  for (const [form, content] of Object.entries(forms)) {
    it(`are read as ${form}`, async () => {
      const { spans } = await readSpans([file(content)]);
      assert.deepEqual(
        spans.map(({ spanId, startNanos, endNanos }) => ({ spanId, startNanos, endNanos })),
        ['00000000000000a1', '00000000000000a2'].map((spanId) => ({
          spanId,
          startNanos: 1760000000000000001n,
          endNanos: 1760000000000000002n,
        })),
      );
    });
  }

  for (const [length, character] of [
    [91, '['],
    [123, '{'],
  ] as const) {
    it(`are read as protobuf when its second byte is ${character}`, async () => {
      const { spans } = await readSpans([file(protobufOf(length))]);
      assert.deepEqual(
        spans.map(({ name }) => name.length > 0),
        [true],
      );
    });
  }

  const wrong: Record<string, [string | Uint8Array, RegExp]> = {
    'an empty file': ['', /is empty/],
    'an empty list': ['[]', /empty list/],
    'a list cut short': ['[{"resourceSpans":', /is not JSON/],
    'a list of something else': ['[1]', /resourceSpans is missing/],
    'JSON that is no object': ['null', /not JSON either/],
  };
  for (const [name, [content, reason]] of Object.entries(wrong)) {
    it(`say what is wrong with ${name}, and where`, async () => {
      const path = file(content);
      await assert.rejects(
        readSpans([path]),
        (thrown: Error) => reason.test(thrown.message) && thrown.message.includes(path),
      );
    });
  }
});

/** A request whose one ResourceSpans has this length: the name of its span fills it up. */
const protobufOf = (length: number): Uint8Array => {
  const field = (number: number, content: Uint8Array) => Buffer.from([(number << 3) | 2, content.length, ...content]);
  const fixed64 = (number: number, value: bigint) => {
    const bytes = Buffer.alloc(9);
    bytes[0] = (number << 3) | 1;
    bytes.writeBigUInt64LE(value, 1);
    return bytes;
  };
  const around = Buffer.concat([
    field(1, Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex')),
    field(2, Buffer.from('00000000000000a1', 'hex')),
    fixed64(7, 1_760_000_000_000_000_001n),
    fixed64(8, 1_760_000_000_000_000_002n),
  ]);
  // Three headers of two bytes lie between the name and the ResourceSpans' own length.
  const name = field(5, Buffer.from('n'.repeat(length - around.length - 6)));
  return field(1, field(2, field(2, Buffer.concat([around, name]))));
};
