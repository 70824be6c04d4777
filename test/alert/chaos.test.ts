import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos } from '../support/simulator/chaos.ts';

for (const seed of [1, 2, 3, 4]) {
  test(`with every fault at once nothing is lost, early, out of order or wrongly marked (seed ${seed})`, async () => {
    const run = await chaos({ seed, alerts: 400, strict: true });
    const { lost, early, outOfOrder, lateWrong, duplicates, duplicatesAllowed, duplicatesIdempotent } = run;
    assert.deepEqual(
      { lost, early, outOfOrder, lateWrong, duplicatesIdempotent },
      { lost: 0, early: 0, outOfOrder: 0, lateWrong: 0, duplicatesIdempotent: 0 },
    );
    assert.ok(duplicates <= duplicatesAllowed, JSON.stringify(run));
    assert.equal(run.alerts, 400);
    for (const fault of ['serverErrors', 'errorCodes', 'resets', 'timeoutsAfterAccept', 'crashes'] as const)
      assert.ok(run[fault] > 0, `there were ${fault}`);
  });
}

test('the judge sees what is wrong: without faults a run is clean, and one whose messages are thrown away is not', async () => {
  const clean = await chaos({ seed: 1, alerts: 200, faults: {} });
  assert.deepEqual(
    [clean.lost, clean.duplicates, clean.early, clean.outOfOrder, clean.deadLetters, clean.crashes],
    [0, 0, 0, 0, 0, 0],
  );
  const deaf = await chaos({ seed: 1, alerts: 50, faults: { resets: 1 } });
  assert.ok(deaf.lost + deaf.deadLetters > 0);
});
