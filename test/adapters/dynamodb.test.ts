import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { dynamodbTable } from '../../lib/adapters/dynamodb.ts';
import { Failure } from '../../lib/model/failure.ts';
import { createStateTable } from '../support/state-table.ts';

let now = Date.parse('2026-01-01T00:00:00Z');
const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
const table = dynamodbTable({ tableName: 'state', clock: () => now });
const before_ = { ...process.env };

before(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'y',
  });
  const client = new DynamoDBClient({});
  await createStateTable(client);
  while ((await client.send(new DescribeTableCommand({ TableName: 'state' }))).Table?.TableStatus !== 'ACTIVE') {
    await new Promise((resume) => setTimeout(resume, 20));
  }
  client.destroy();
});

after(() => {
  process.env = before_;
  server.close(() => undefined);
});

test('an item comes back as it was put, nested values and all', async () => {
  const item = {
    pk: 'a',
    sk: 'whole',
    n: 1.5,
    yes: true,
    none: null,
    list: [1, 'zwei', { three: '三' }],
    map: { x: { y: [] } },
  };
  assert.equal(await table.put(item), true);
  assert.deepEqual(await table.get('a', 'whole'), item);
  assert.equal(await table.get('a', 'other'), undefined);
});

test('a put on condition of absence happens once, until the item has expired', async () => {
  const item = { pk: 'a', sk: 'once', ttl: now / 1000 + 10 };
  assert.equal(await table.put(item, { absent: true }), true);
  assert.equal(await table.put(item, { absent: true }), false);
  now += 10_000;
  assert.equal(await table.get('a', 'once'), undefined, 'expired, though still stored');
  assert.equal(await table.put({ ...item, ttl: now / 1000 + 10 }, { absent: true }), true);
  now -= 10_000;
});

test('equals and below guard a write, and absent false asks for a living item', async () => {
  await table.put({ pk: 'b', sk: '1', epoch: 3, state: 'open' });
  assert.equal(await table.put({ pk: 'b', sk: '1', epoch: 4 }, { equals: { epoch: 2 } }), false);
  assert.equal(await table.put({ pk: 'b', sk: '1', epoch: 4 }, { below: { epoch: 3 } }), false);
  assert.equal(
    await table.put({ pk: 'b', sk: '1', epoch: 4, state: 'open' }, { below: { epoch: 4 }, equals: { state: 'open' } }),
    true,
  );
  assert.equal(await table.put({ pk: 'b', sk: '1', epoch: 5 }, { equals: { missing: undefined, epoch: 4 } }), true);
  assert.equal(await table.put({ pk: 'b', sk: 'none', epoch: 5 }, { absent: false }), false);
  assert.equal(await table.delete('b', '1', { equals: { epoch: 9 } }), false);
  assert.equal(await table.delete('b', '1'), true);
  assert.equal(await table.get('b', '1'), undefined);
});

test('a query answers one partition in order, by prefix, limit and direction, without expired items', async () => {
  for (const sk of ['s#3', 's#1', 's#2', 't#1']) await table.put({ pk: 'q', sk });
  await table.put({ pk: 'q', sk: 's#0', ttl: now / 1000 - 1 });
  const keys = async (options?: Parameters<typeof table.query>[1]) =>
    (await table.query('q', options)).map(({ sk }) => sk);
  assert.deepEqual(await keys(), ['s#1', 's#2', 's#3', 't#1']);
  assert.deepEqual(await keys({ skPrefix: 's#', descending: true, limit: 2 }), ['s#3', 's#2']);
});

test('what DynamoDB cannot hold is refused by name, and an unreachable table is a Failure', async () => {
  await assert.rejects(table.put({ pk: 'a', sk: 'nan', n: Number.NaN }), /internal: cannot be stored: NaN/);
  const missing = dynamodbTable({ tableName: 'nowhere', clock: () => now });
  await assert.rejects(
    missing.get('a', 'b'),
    (thrown) => thrown instanceof Failure && thrown.code === 'unavailable' && /nowhere/.test(thrown.message),
  );
});
