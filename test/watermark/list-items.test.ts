import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listItems } from '../../lib/adapters/list-items.ts';

const taken = (text: string, sizes: readonly number[]) => {
  const items: unknown[] = [];
  const list = listItems((item) => items.push(item));
  const bytes = Buffer.from(text);
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    list.write(bytes.subarray(at, at + size));
    at += size;
  }
  return { items, envelope: list.end() };
};

const objects = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 8 });

test('a list is the same in one piece and cut anywhere, as JSON.parse has it', () => {
  fc.assert(
    fc.property(
      objects,
      fc.dictionary(fc.string(), fc.jsonValue()).map(({ items: _, ...rest }) => rest),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      fc.constantFrom(undefined, 2),
      (items, rest, sizes, indent) => {
        const text = JSON.stringify(
          { kind: 'items', ...rest, items, metadata: { items: [{ a: 1 }], continue: 'x' } },
          undefined,
          indent,
        );
        const whole = JSON.parse(text) as { items: unknown[] };
        const got = taken(text, sizes);
        assert.deepEqual(got.items, whole.items);
        assert.deepEqual(got.envelope, { ...whole, items: [] });
      },
    ),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1000) },
  );
});

test('what is cut off is a SyntaxError, wherever it was cut', () => {
  const text = JSON.stringify({ items: [{ a: '}"' }, { b: [1, { c: 2 }] }], metadata: {} });
  for (let length = 0; length < text.length; length += 1)
    assert.throws(() => taken(text.slice(0, length), [7]), SyntaxError, text.slice(0, length));
});
