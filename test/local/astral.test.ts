import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spelled, unspelled } from '../../local/astral.ts';

test('a spelled text has no surrogate pair left and comes back as it was', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.constantFrom('🙂', '𝒳', '\uE000', '\uE7FF', '\uE800', '\uEFFF', '\uF8F0', '\uF8FF', '漢', 'a'),
    ),
  });
  fc.assert(
    fc.property(text, (given) => {
      assert.ok(!/[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(spelled(given)));
      assert.equal(unspelled(spelled(given)), given);
    }),
    { numRuns: 5000 },
  );
});

test('a surrogate without its other half stays as it is', () => {
  assert.equal(spelled('a\uD83D'), 'a\uD83D');
});
