import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
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
