import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awsSecrets } from '../../lib/adapters/secrets.ts';
import { Failure } from '../../lib/model/failure.ts';

const made = () => {
  const state = { now: 0, text: 'one', failure: undefined as Failure | undefined, reads: 0 };
  const secrets = awsSecrets({
    clock: () => state.now,
    read: async () => {
      state.reads += 1;
      if (state.failure !== undefined) throw state.failure;
      return state.text;
    },
  });
  return { state, read: (fresh = false) => secrets('ssm:a', { fresh }) };
};

test('a secret is read once in five minutes, by all who ask at once, and afresh when that is asked for', async () => {
  const { state, read } = made();
  assert.deepEqual(await Promise.all([read(), read(), read()]), ['one', 'one', 'one']);
  state.text = 'two';
  state.now = 299_999;
  assert.equal(await read(), 'one');
  assert.equal(state.reads, 1);
  state.now = 300_000;
  assert.equal(await read(), 'two');
  state.text = 'three';
  assert.equal(await read(true), 'three');
  assert.equal(await read(), 'three');
});

test('while the store does not answer, what was read last is used for an hour; what is gone is gone', async () => {
  const { state, read } = made();
  await read();
  state.failure = new Failure('unavailable', 'ThrottlingException');
  state.now = 3_600_000;
  assert.equal(await read(), 'one');
  state.now += 1;
  await assert.rejects(read(), /ThrottlingException/);
  state.failure = undefined;
  await read();
  state.failure = new Failure('not-found', 'ResourceNotFoundException');
  state.now += 300_000;
  await assert.rejects(read(), /ResourceNotFoundException/);
  state.failure = undefined;
  assert.equal(await read(), 'one', 'a failure is not kept');
});
