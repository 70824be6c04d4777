import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { wholeMatch } from '../../lib/model/re2.ts';

const matches = (pattern: string, text: string): boolean => {
  const read = wholeMatch(pattern);
  if ('error' in read) throw new Error(read.error);
  return read.test(text);
};

test('patterns mean what they mean in RE2: each pair as Go’s regexp answers, anchored as Alertmanager does', () => {
  for (const [pattern, yes, no] of [
    ['api|web', ['api', 'web'], ['webs', 'xapi', '']],
    ['', [''], ['a']],
    ['.*foo.*bar.*', ['foobar', 'xfooybarz'], ['barfoo', 'foo\nbar']],
    ['a.b', ['a\rb', 'a\u2028b', 'a😀b'], ['a\nb', 'ab']],
    ['(?s)a.b', ['a\nb'], ['a']],
    ['(?i)HIGH', ['high', 'High'], ['highs']],
    ['\\s+', [' \t\n\f\r'], ['\u00a0', '\v', '']],
    ['\\S{2}\\z|(a|b)+?', ['ab', 'xy'], ['😀', 'a b']],
    ['[[:alpha:]_]+[[:digit:]]*', ['ab_1', '_'], ['1', 'é']],
    ['[^[:space:]]+', ['a-b'], ['a b']],
    ['[]a]+', [']a]'], ['b']],
    ['\\pL+', ['漢字é'], ['1']],
    ['\\Qa.b\\E+', ['a.b', 'a.bb'], ['axb']],
    ['(?P<env>prod|test)-(?P<env>eu|us)', ['prod-eu'], ['prod-']],
    ['[^a]+[^a]*', ['😀', 'bc'], ['a', '']],
    ['node[1-9]|node10', ['node10', 'node1'], ['node100']],
    ['\\-\\_\\/', ['-_/'], ['\\-']],
    ['[\\w.-]+@[\\w.-]+', ['a.b@c-d'], ['a b@c']],
  ] as const) {
    for (const text of yes) assert.equal(matches(pattern, text), true, `${pattern} takes ${JSON.stringify(text)}`);
    for (const text of no)
      assert.equal(matches(pattern, text), false, `${pattern} does not take ${JSON.stringify(text)}`);
  }
});

test('what is no pattern, or cannot be matched in linear time, is refused with the reason; nothing throws', () => {
  for (const [pattern, why] of [
    ['(', /is not valid/],
    ['[a', /'\[' is not closed/],
    ['a**', /is not valid|cannot/],
    ['*a', /is not valid/],
    ['a\\', /ends with/],
    ['(?U)a', /flag U/],
    ['\\C', /\\C is not supported/],
    ['(?=a)a+b+', /linear time/],
    ['\\pL+x+', /linear time/],
  ] as const) {
    const read = wholeMatch(pattern);
    assert.ok('error' in read, pattern);
    assert.match(read.error, why);
  }
  fc.assert(
    fc.property(fc.string(), fc.string(), (pattern, text) => {
      const read = wholeMatch(pattern);
      if ('test' in read) assert.equal(typeof read.test(text), 'boolean');
    }),
  );
});

test('no pattern loses itself in a text, however it is made', () => {
  // With a backtracking engine each of these would outlast the machine.
  const text = `${'a'.repeat(16_000)}!`;
  for (const pattern of [
    '(a+)+',
    '(a|aa)+',
    '(a*)*b',
    '(.*)*x',
    'a*a*a*a*a*b',
    '(a|a)*c',
    '(?i)(A+)+',
    '([a-z]+)*',
    '(a{0,9}){0,9}b',
  ])
    assert.equal(matches(pattern, text), false, pattern);
});
