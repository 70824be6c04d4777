import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  decodeEnvelope,
  encodeEnvelope,
  envelopeFromJson,
  envelopeLimits,
  envelopeToJson,
  formatTimestamp,
  parseTimestamp,
} from '../../lib/message/envelope.ts';

interface Vector {
  readonly name: string;
  readonly bytes: string;
  readonly payload: string;
  readonly metadata: Record<string, string>;
  readonly unknown?: string;
}
const { vectors } = JSON.parse(readFileSync(join(import.meta.dirname, 'data/envelope-vectors.json'), 'utf8')) as {
  vectors: Vector[];
};

for (const { name, bytes, payload, metadata, unknown } of vectors) {
  test(`reads and writes the vector: ${name}`, () => {
    const decoded = decodeEnvelope(Buffer.from(bytes, 'base64'));
    assert.ok(typeof decoded !== 'string', String(decoded));
    assert.equal(Buffer.from(decoded.payload).toString('utf8'), payload);
    assert.deepEqual({ ...decoded.metadata }, metadata);
    assert.equal(decoded.unknown === undefined ? undefined : Buffer.from(decoded.unknown).toString('base64'), unknown);
    assert.equal(Buffer.from(encodeEnvelope(decoded)).toString('base64'), bytes);
    const twin = envelopeFromJson(JSON.parse(envelopeToJson(decoded)));
    assert.deepEqual({ ...twin?.metadata }, metadata);
    assert.equal(Buffer.from(twin?.payload ?? []).toString('utf8'), payload);
  });
}

test('takes payload and metadata in any order, the last payload counting', () => {
  const one = encodeEnvelope({ payload: Buffer.from('a'), metadata: { k: 'v' } });
  const two = encodeEnvelope({ payload: Buffer.from('b'), metadata: {} });
  const decoded = decodeEnvelope(Buffer.concat([one, two]));
  assert.ok(typeof decoded !== 'string');
  assert.equal(Buffer.from(decoded.payload).toString(), 'b');
  assert.deepEqual({ ...decoded.metadata }, { k: 'v' });
});

test('refuses in words what is cut off, too long or no map', () => {
  const whole = encodeEnvelope({ payload: Buffer.from('order'), metadata: { traceparent: 'x' } });
  for (const cut of [1, 3, 9, whole.length - 1]) assert.equal(typeof decodeEnvelope(whole.subarray(0, cut)), 'string');
  assert.equal(typeof decodeEnvelope(Buffer.from([0x12, 1, 0xff])), 'string');
  const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, '']));
  const many = (count: number) =>
    decodeEnvelope(encodeEnvelope({ payload: Buffer.alloc(0), metadata: entries(count) }));
  assert.notEqual(typeof many(envelopeLimits.entries), 'string');
  assert.equal(typeof many(envelopeLimits.entries + 1), 'string');
});

test('keeps nanoseconds in x-timestamp', () => {
  for (const nanos of [0n, 1n, 1_764_000_000_123_456_789n, -1n, 999_999_999n]) {
    assert.equal(parseTimestamp(formatTimestamp(nanos)), nanos);
  }
  assert.equal(formatTimestamp(1_764_000_000_123_456_789n).slice(-11), '.123456789Z'.slice(-11));
  assert.equal(parseTimestamp('1970-01-01T01:00:00.5+01:00'), 500_000_000n);
  assert.equal(parseTimestamp('yesterday'), undefined);
});
