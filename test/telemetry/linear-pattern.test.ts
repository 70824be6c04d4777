import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type SearchPattern, searchPattern } from '../../lib/model/linear-pattern.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1000);

const read = (source: string): SearchPattern => {
  const pattern = searchPattern(source);
  assert.ok(!('error' in pattern), 'error' in pattern ? pattern.error : '');
  return pattern;
};

/**
 * A pattern beside what it means: where a match that begins at `from` may end. RegExp itself says what one character matches and no
 * more: on nested repetition it may take until tomorrow.
 */
interface Meant {
  readonly source: string;
  readonly ends: (text: string, from: number) => ReadonlySet<number>;
}

const atom = (source: string): Meant => {
  const one = new RegExp(`^${source}$`);
  return { source, ends: (text, from) => new Set(one.test(text.charAt(from)) ? [from + 1] : []) };
};

const after = ({ ends }: Meant, text: string, starts: ReadonlySet<number>): Set<number> =>
  new Set([...starts].flatMap((start) => [...ends(text, start)]));

const repeated = (part: Meant, [times, least, most]: readonly [string, number, number]): Meant => ({
  source: `${part.source}${times}`,
  ends: (text, from) => {
    let now = new Set([from]);
    for (let time = 0; time < least; time++) now = after(part, text, now);
    const all = new Set(now);
    // Once more for each character there is, at most: what repeats nothing adds nothing.
    for (let time = least; time < Math.min(most, least + text.length); time++) {
      now = after(part, text, now);
      for (const end of now) all.add(end);
    }
    return all;
  },
});

const inTurn = (parts: readonly Meant[]): Meant => ({
  source: parts.map(({ source }) => source).join(''),
  ends: (text, from) => parts.reduce<ReadonlySet<number>>((starts, part) => after(part, text, starts), new Set([from])),
});

const oneOf = (parts: readonly Meant[]): Meant => ({
  source: parts.map(({ source }) => source).join('|'),
  ends: (text, from) => new Set(parts.flatMap(({ ends }) => [...ends(text, from)])),
});

/** Small patterns over few letters, so that they match now and then. */
const repetitions = fc.constantFrom<readonly [string, number, number]>(
  ['', 1, 1],
  ['', 1, 1],
  ['*', 0, Number.POSITIVE_INFINITY],
  ['+', 1, Number.POSITIVE_INFINITY],
  ['?', 0, 1],
  ['{2}', 2, 2],
  ['{1,3}', 1, 3],
  ['{0,}', 0, Number.POSITIVE_INFINITY],
);
const sequence = (one: fc.Arbitrary<Meant>) =>
  fc
    .array(fc.tuple(one, repetitions), { minLength: 1, maxLength: 3 })
    .map((parts) => inTurn(parts.map(([part, times]) => repeated(part, times))));
const either = (one: fc.Arbitrary<Meant>) => fc.array(sequence(one), { minLength: 1, maxLength: 2 }).map(oneOf);
const plain = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\d', '\\w', '\\.', '[a-c1]').map(atom);
const group = (inner: fc.Arbitrary<Meant>) =>
  either(inner).map((each): Meant => ({ ...each, source: `(?:${each.source})` }));
const patterns = either(fc.oneof(plain, group(fc.oneof(plain, plain, group(plain)))));
const texts = fc.array(fc.constantFrom('a', 'b', 'c', '1', '.', ' '), { maxLength: 12 }).map((all) => all.join(''));

test('matches a whole text where its pattern says so, and only there', () => {
  fc.assert(
    fc.property(patterns, texts, ({ source, ends }, text) => {
      assert.equal(read(source).matchesAll(text), ends(text, 0).has(text.length), source);
    }),
    { numRuns },
  );
});

test('covers exactly the characters that belong to some match', () => {
  fc.assert(
    fc.property(patterns, texts, ({ source, ends }, text) => {
      const covered = new Array<boolean>(text.length).fill(false);
      for (let from = 0; from < text.length; from++) {
        for (const to of ends(text, from)) covered.fill(true, from, to);
      }
      const ours = new Array<boolean>(text.length).fill(false);
      for (const [from, to] of read(source).ranges(text)) ours.fill(true, from, to);
      assert.deepEqual(ours, covered, source);
    }),
    { numRuns },
  );
});

test('agrees with the regular expressions of the language', () => {
  for (const [source, text] of [
    ['(?:a|ab)(?:c|bcd)?', 'abcd'],
    ['(?:a*)*b{2}|c+?', 'aabb'],
    ['(?:[^a]\\d?){1,3}', 'b1c'],
    ['(?:\\w|\\.)+', 'a.1 '],
  ] as const) {
    assert.equal(read(source).matchesAll(text), new RegExp(`^(?:${source})$`).test(text), source);
  }
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
    const answer = searchPattern(source);
    assert.ok('error' in answer, source);
    assert.match(answer.error, why);
  }
});

test('reads anything at all without throwing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (source) => {
      const answer = searchPattern(source);
      if (!('error' in answer)) answer.ranges('some text');
    }),
    { numRuns },
  );
});
