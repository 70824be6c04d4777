import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { createStateTable } from '../support/state-table.ts';

const script = join(import.meta.dirname, '../../scripts/tidemark.ts');
let endpoint = '';
let server: ReturnType<typeof dynalite>;

before(async () => {
  server = dynalite({ createTableMs: 0 });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const dynamodb = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
  });
  await createStateTable(dynamodb);
  dynamodb.destroy();
});

after(() => void server.close());

const silence = (...args: string[]) =>
  new Promise<{ code: number | null; out: string; err: string }>((settle) => {
    const child = spawn(process.execPath, [script, 'silence', ...args], {
      env: {
        PATH: process.env['PATH'],
        USER: 'carol',
        TIDEMARK_TABLE: 'state',
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'y',
      },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text: Buffer) => void (out += text.toString()));
    child.stderr.on('data', (text: Buffer) => void (err += text.toString()));
    child.on('close', (code) => settle({ code, out, err }));
  });

test('a silence is added, listed and ended', async () => {
  const added = await silence('add', 'service="checkout"', 'pod=~"web-.*"', '--for', '1h30m', '--comment', 'works');
  assert.equal(added.code, 0, added.err);
  const id = added.out.trim();
  assert.match(id, /^[0-9a-f]{16}$/);
  const [listed] = JSON.parse((await silence('list', '--json')).out) as Record<string, string>[];
  assert.deepEqual(
    [listed?.['id'], listed?.['state'], listed?.['matchers'], listed?.['createdBy'], listed?.['comment']],
    [id, 'active', '{pod=~"web-.*",service="checkout"}', 'carol', 'works'],
  );
  assert.equal(Date.parse(listed?.['endsAt'] ?? '') - Date.parse(listed?.['startsAt'] ?? ''), 5_400_000);
  assert.match((await silence('list')).out, new RegExp(`^${id}  active`));
  assert.equal((await silence('expire', id)).out, `${id} expired\n`);
  assert.equal((await silence('list')).out, 'no silences\n');
  assert.match((await silence('list', '--all')).out, /expired/);
  assert.equal((await silence('expire', id)).out, `${id} had ended\n`);
});

test('bad input is one line that says what is wrong, and nothing is written', async () => {
  for (const [args, why] of [
    [[], /'' is none of add, list, expire/],
    [['stop'], /'stop' is none of/],
    [['add', 'a="b"'], /either --for or --until/],
    [['add', 'a="b"', '--for', 'long'], /'long' is no duration/],
    [['add', 'a="b"', '--until', 'tomorrow'], /not an RFC 3339 time/],
    [['add', 'a="b"', '--until', '2020-01-01T00:00:00Z'], /end before it begins/],
    [['add', 'nonsense', '--for', '1h'], /is no matcher/],
    [['add', 'a=~".*"', '--for', '1h'], /hold back everything/],
    [['add', '--for', '1h'], /hold back everything/],
    [['add', 'a="b"', '--for'], /--for needs a value/],
    [['list', '--every'], /unknown option --every/],
    [['expire', 'nope'], /nope: no such silence/],
  ] as const) {
    const { code, out, err } = await silence(...args);
    assert.deepEqual([code, out, err.trim().split('\n').length], [2, '', 1], args.join(' '));
    assert.match(err, why);
  }
  assert.equal((await silence('list')).out, 'no silences\n');
});
