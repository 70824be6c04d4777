import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectWithin, type Room } from '../../lib/propagation/inject.ts';
import { propagation } from '../../lib/propagation/propagation.ts';

const context = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  flags: 1,
  traceState: 'a=1',
};
const baggage = [{ key: 'name', value: '你好' }];
/** As SQS counts: name, value, and the type name `String`. */
const cost = (name: string, value: string) => Buffer.byteLength(name) + Buffer.byteLength(value) + 6;

const fill = (room: Partial<Room>, using = propagation()) => {
  const values: Record<string, string> = {};
  const fitted = injectWithin(
    context,
    { taken: [], slots: 10, bytes: 1e6, overhead: 6, ...room },
    (name, value) => {
      values[name] = value;
    },
    using,
    baggage,
  );
  return { values, ...fitted };
};

test('fills free slots by priority and counts what found none', () => {
  assert.deepEqual(fill({ slots: 3 }).written, ['traceparent', 'tracestate', 'baggage']);
  assert.deepEqual(fill({ slots: 2 }).written, ['traceparent', 'tracestate']);
  assert.deepEqual(fill({ slots: 2 }).dropped, ['baggage']);
  assert.deepEqual(fill({ slots: 1 }).written, ['traceparent']);
  assert.deepEqual(fill({ slots: 0 }).written, []);
  assert.ok(fill({ slots: 0 }).dropped.includes('traceparent'));
});

test('never overwrites a creation context, whatever its case', () => {
  assert.deepEqual(fill({ taken: ['TraceParent'] }), { values: {}, written: [], dropped: [] });
});

test('stays within the bytes that are left, to the byte, multi-byte values included', () => {
  const all = fill({}).values;
  const total = Object.entries(all).reduce((sum, [name, value]) => sum + cost(name, value), 0);
  assert.deepEqual(fill({ bytes: total }).written, ['traceparent', 'tracestate', 'baggage']);
  assert.deepEqual(fill({ bytes: total - 1 }).written, ['traceparent', 'tracestate']);
});

test('begins no second format that does not fit whole', () => {
  const using = propagation({ inject: ['w3c', 'b3multi'] });
  assert.deepEqual(fill({ slots: 5 }, using).written, ['traceparent', 'tracestate', 'baggage']);
  assert.equal(fill({ slots: 6 }, using).written.length, 6);
});
