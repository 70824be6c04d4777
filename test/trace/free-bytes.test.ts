import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBytes } from '../../lib/trace/free-bytes.ts';

test('bytes of their own are freed, those that others may use are not', () => {
  const own = new Uint8Array(100_000);
  freeBytes(own);
  assert.equal(own.length, 0);
  const withOneToSpare = new Uint8Array(100_001).subarray(0, 100_000);
  freeBytes(withOneToSpare);
  assert.equal(withOneToSpare.buffer.byteLength, 0);
  for (const shared of [
    new Uint8Array(100_002).subarray(0, 100_000),
    new Uint8Array(200_000).subarray(100_000),
    new Uint8Array(65_536),
    Buffer.from('a small one, of the pool'),
    new Uint8Array(new SharedArrayBuffer(100_000)),
  ]) {
    const { length } = shared;
    freeBytes(shared);
    assert.equal(shared.length, length);
  }
});
