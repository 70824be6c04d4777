import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, createZstdCompress, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { compress, decompress, sniffEncoding } from '../../lib/adapters/compression.ts';

const text = 'größer '.repeat(100);

test('every known encoding is undone, and none is the bytes themselves', async () => {
  const undone = async (bytes: Uint8Array, encoding?: string) =>
    Buffer.from(await decompress(bytes, encoding)).toString();
  assert.equal(await undone(gzipSync(text), 'gzip'), text);
  assert.equal(await undone(deflateSync(text), 'deflate'), text);
  assert.equal(await undone(zstdCompressSync(text), ' ZSTD '), text);
  assert.equal(await undone(brotliCompressSync(text), 'br'), text);
  assert.equal(await undone(Buffer.from(text), 'identity'), text);
  assert.equal(await undone(await compress(Buffer.from(text)), 'zstd'), text);
});

test('zstd frames may follow each other; what is no frame after one is told', async () => {
  const frames = Buffer.concat([zstdCompressSync('one '), zstdCompressSync('two')]);
  assert.equal(Buffer.from(await decompress(frames, 'zstd')).toString(), 'one two');
  await assert.rejects(decompress(Buffer.concat([frames, Buffer.from('rest')]), 'zstd'), /bad-input: is not zstd/);
  await assert.rejects(decompress(frames.subarray(0, -3), 'zstd'), /bad-input: is not zstd/);
  assert.equal((await decompress(frames, 'zstd', 7)).length, 7);
  await assert.rejects(decompress(frames, 'zstd', 6), /too-large: grows beyond 6 bytes/);
});

test('a bomb is refused at the limit plus one, a cut body and an unknown encoding by name', async () => {
  const bytes = gzipSync(Buffer.alloc(1000));
  assert.equal((await decompress(bytes, 'gzip', 1000)).length, 1000);
  await assert.rejects(decompress(bytes, 'gzip', 999), /too-large: grows beyond 999 bytes/);
  await assert.rejects(decompress(bytes.subarray(0, 10), 'gzip'), /bad-input: is not gzip/);
  await assert.rejects(decompress(bytes, 'lzma'), /bad-input: content encoding lzma is not known/);
});

test('gzip and zstd announce themselves', () => {
  assert.equal(sniffEncoding(gzipSync('x')), 'gzip');
  assert.equal(sniffEncoding(zstdCompressSync('x')), 'zstd');
  assert.equal(sniffEncoding(Buffer.from('{}')), undefined);
  assert.equal(sniffEncoding(new Uint8Array()), undefined);
});

test('a body takes the room that it needs and no more, whatever its frame or trailer says', async () => {
  const sizes = [0, 1, 100, 255, 256, 65_791, 65_792, 300_000];
  for (const size of sizes) {
    const plain = Buffer.alloc(size, 'größer ');
    const streamed = await new Promise<Buffer>((settle, reject) => {
      const pieces: Buffer[] = [];
      const stream = createZstdCompress().on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => settle(Buffer.concat(pieces))).on('error', reject);
      stream.write(plain.subarray(0, size >> 1));
      stream.end(plain.subarray(size >> 1));
    });
    const told = gzipSync(plain);
    for (const lie of [0, 1, size + 1, 0xffffffff]) {
      const lying = Buffer.from(told);
      lying.writeUInt32LE(lie, lying.length - 4);
      if (lie !== size) await assert.rejects(decompress(lying, 'gzip'), /bad-input: is not gzip/);
    }
    for (const [encoding, bytes] of [
      ['gzip', told],
      ['zstd', zstdCompressSync(plain)],
      ['zstd', streamed],
      ['zstd', await compress(plain)],
    ] as const) {
      const undone = await decompress(bytes, encoding);
      assert.deepEqual(Buffer.from(undone), plain, `${encoding} of ${size}`);
      if (size > 65_536) assert.ok(undone.buffer.byteLength <= (size + 1) / 0.75, `${encoding} of ${size}`);
    }
  }
});
