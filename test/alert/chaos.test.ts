import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos } from '../support/simulator/chaos.ts';

for (const seed of [1, 2, 3, 4]) {
  test(`with every fault at once nothing is lost, early or out of order (seed ${seed})`, async () => {
    const verdict = await chaos({ seed, alerts: 600, strict: true });
    const { lost, early, outOfOrder, duplicates, duplicatesAllowed, duplicatesIdempotent, alerts } = verdict;
    assert.equal(alerts, 600);
    assert.deepEqual(
      { lost, early, outOfOrder, duplicatesIdempotent },
      { lost: 0, early: 0, outOfOrder: 0, duplicatesIdempotent: 0 },
    );
    assert.ok(duplicates <= duplicatesAllowed, JSON.stringify(verdict));
    assert.ok(verdict.crashes > 0 && verdict.timeoutsAfterAccept > 0, 'there were faults');
  });
}
