import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQuantity, toNumber } from '../../lib/watermark/quantity.ts';

const nanos = (text: unknown) => {
  const read = readQuantity(text);
  return 'nanos' in read ? read.nanos : read.refused;
};

test('every suffix, fraction, sign and exponent has its exact value', () => {
  const unit = 1_000_000_000n;
  const cases: [unknown, bigint][] = [
    ['0', 0n],
    ['128974848', 128974848n * unit],
    ['129e6', 129_000_000n * unit],
    ['129M', 129_000_000n * unit],
    ['123Mi', 128974848n * unit],
    ['128974848000m', 128974848n * unit],
    ['100m', unit / 10n],
    ['0.1', unit / 10n],
    ['1.5Gi', 1610612736n * unit],
    ['1E', 10n ** 18n * unit],
    ['1E3', 1000n * unit],
    ['1e-9', 1n],
    ['1e-10', 1n],
    ['1e999', 10n ** 999n * unit],
    ['-0.1n', -1n],
    ['+5u', 5000n],
    ['8Ei', (2n ** 63n - 1n) * unit],
    ['-9999Ei', -(2n ** 63n - 1n) * unit],
    ['9007199254740993', 9007199254740993n * unit],
    [12.5, 12_500_000_000n],
  ];
  for (const [text, value] of cases) assert.equal(nanos(text), value, String(text));
});

test('what is no quantity is refused with a reason', () => {
  for (const text of [
    '',
    ' 1',
    '1 ',
    '1K',
    '1mi',
    '1KiB',
    '1,5',
    '1e',
    '1e1.5',
    '0x10',
    'NaN',
    'Infinity',
    '1Gi1',
    '--1',
    null,
    {},
    'x'.repeat(5000),
  ]) {
    assert.equal(typeof nanos(text), 'string', String(text).slice(0, 20));
  }
  assert.match(String(nanos('5K')), /'5K' ends in an unknown suffix 'K'/);
});

test('a huge exponent neither hangs nor throws', () => {
  assert.equal(typeof nanos('1e2147483647'), 'bigint');
  assert.equal(nanos('1e-2147483648'), 1n);
});

test('numbers for display are close to the exact value', () => {
  assert.equal(toNumber(1_500_000_000n), 1.5);
  assert.equal(toNumber(2n ** 63n * 1_000_000_000n), 2 ** 63);
});
