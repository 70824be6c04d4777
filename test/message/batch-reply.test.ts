import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchReply, isBlocked } from '../../lib/message/batch-reply.ts';
import { recordsOf } from '../../lib/message/records.ts';

const queue = (name: string, groups: readonly (string | undefined)[]) => ({
  Records: groups.map((group, index) => ({
    messageId: `m${index}`,
    body: 'x',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:eu-west-1:111122223333:${name}`,
    attributes: group === undefined ? {} : { MessageGroupId: group },
  })),
});

const failing = (event: unknown, ...indices: number[]) => {
  const messages = recordsOf(event);
  const reply = batchReply(messages, new Set(messages.filter(({ index }) => indices.includes(index))));
  return reply?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
};

test('names exactly the failed messages of a standard queue', () => {
  assert.deepEqual(failing(queue('orders', [undefined, undefined, undefined]), 1), ['m1']);
  assert.deepEqual(failing(queue('orders', ['a', 'a', 'a']), 0), ['m0'], 'a fair queue has groups and no order');
  assert.deepEqual(failing(queue('orders', [undefined]), 7), []);
});

test('stops a FIFO group at its first failure and leaves the other groups alone', () => {
  assert.deepEqual(failing(queue('orders.fifo', ['a', 'b', 'a', 'b', 'a']), 2), ['m2', 'm4']);
  assert.deepEqual(failing(queue('orders.fifo', ['a', 'b', 'a', 'b']), 0, 3), ['m0', 'm2', 'm3']);
});

test('names the first failure of a stream, by sequence number', () => {
  const records = ['1', '2', '3'].map((sequenceNumber) => ({
    eventSource: 'aws:kinesis',
    eventID: `shardId-0:${sequenceNumber}`,
    kinesis: { sequenceNumber, data: '' },
  }));
  assert.deepEqual(failing({ Records: records }, 1, 2), ['2']);
});

test('names the first failure of each topic partition by its place', () => {
  const record = (partition: number, offset: number) => ({ topic: 't', partition, offset, value: '', headers: [] });
  const event = { eventSource: 'aws:kafka', records: { 't-0': [record(0, 5), record(0, 6)], 't-1': [record(1, 9)] } };
  assert.deepEqual(failing(event, 0, 1, 2), [
    { partition: 't-0', offset: 5 },
    { partition: 't-1', offset: 9 },
  ]);
});

test('has no answer where the trigger has no partial failures, or a failed message has no id', () => {
  assert.equal(failing({ Records: [{ EventSource: 'aws:sns', Sns: { Message: 'x' } }] }, 0), undefined);
  assert.equal(failing({ Records: [{ eventSource: 'aws:sqs', body: 'x' }] }, 0), undefined);
});

test('blocks what follows a failure in its own group only', () => {
  const messages = recordsOf(queue('orders.fifo', ['a', 'b', 'a']));
  const [first, second, third] = messages;
  assert.ok(first && second && third);
  assert.equal(isBlocked(third, first), true);
  assert.equal(isBlocked(second, first), false);
  assert.equal(isBlocked(first, third), false);
});
