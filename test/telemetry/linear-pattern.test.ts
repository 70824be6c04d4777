import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LinearPattern, linearPattern } from '../../lib/model/linear-pattern.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1000);

const read = (source: string): LinearPattern => {
  const pattern = linearPattern(source);
  assert.ok(!('error' in pattern), 'error' in pattern ? pattern.error : '');
  return pattern;
};

/** Small patterns over few letters, so that they match now and then. */
const sequence = (one: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(one, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{0,}')), {
      minLength: 1,
      maxLength: 3,
    })
    .map((parts) => parts.map(([part, times]) => `${part}${times}`).join(''));
const either = (one: fc.Arbitrary<string>) =>
  fc.array(sequence(one), { minLength: 1, maxLength: 2 }).map((parts) => parts.join('|'));
const plain = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\d', '\\w', '\\.', '[a-c1]');
const group = (inner: fc.Arbitrary<string>) => either(inner).map((each) => `(?:${each})`);
const patterns = either(fc.oneof(plain, group(fc.oneof(plain, plain, group(plain)))));
const texts = fc.array(fc.constantFrom('a', 'b', 'c', '1', '.', ' '), { maxLength: 12 }).map((all) => all.join(''));

test('agrees with the regular expressions of the language on whether a whole text matches', () => {
  fc.assert(
    fc.property(patterns, texts, (source, text) => {
      assert.equal(read(source).matchesAll(text), new RegExp(`^(?:${source})$`).test(text));
    }),
    { numRuns },
  );
});

test('covers exactly the characters that belong to some match', () => {
  fc.assert(
    fc.property(patterns, texts, (source, text) => {
      const whole = new RegExp(`^(?:${source})$`);
      const covered = new Array<boolean>(text.length).fill(false);
      for (let from = 0; from < text.length; from++) {
        for (let to = from + 1; to <= text.length; to++) {
          if (whole.test(text.slice(from, to))) covered.fill(true, from, to);
        }
      }
      const ours = new Array<boolean>(text.length).fill(false);
      for (const [from, to] of read(source).ranges(text)) ours.fill(true, from, to);
      assert.deepEqual(ours, covered);
    }),
    { numRuns },
  );
});

test('knows anchors, escapes and case', () => {
  assert.deepEqual(read('^a+').ranges('aaba'), [[0, 2]]);
  assert.deepEqual(read('a$').ranges('aba'), [[2, 3]]);
  assert.equal(read('(?i)Straße-[A-C]').matchesAll('sTRAße-b'), true);
  assert.equal(read('\\x41\\u0042\\n\\-').matchesAll('AB\n-'), true);
  assert.equal(read('[\\d.-]+').matchesAll('1-2.3'), true);
  assert.deepEqual(read('a*').ranges(''), []);
});

test('refuses what cannot be matched in linear time, and what is no pattern, and says where', () => {
  for (const [source, why] of [
    ['(?=a)', /look-around/],
    ['(a)\\1', /\\1 is not supported/],
    ['(?<n>a)', /look-around and named groups/],
    ['a**', /repetition is repeated/],
    ['a++', /possessive/],
    ['*a', /repeats nothing/],
    ['(a', /not closed/],
    ['a)', /closes nothing/],
    ['[a', /not closed/],
    ['[z-a]', /range is wrong/],
    ['a{3,1}', /wrong way round/],
    ['a\\', /ends with/],
    ['\\b', /not supported/],
    ['(?:a{1000}){1000}', /more than 2000 states/],
    [`${'('.repeat(60)}a${')'.repeat(60)}`, /nested deeper/],
    ['^*', /anchor is repeated/],
  ] as const) {
    const answer = linearPattern(source);
    assert.ok('error' in answer, source);
    assert.match(answer.error, why);
  }
});

test('reads anything at all without throwing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (source) => {
      const answer = linearPattern(source);
      if (!('error' in answer)) answer.ranges('some text');
    }),
    { numRuns },
  );
});
