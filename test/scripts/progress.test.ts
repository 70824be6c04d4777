import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progress } from '../../scripts/progress.ts';

test('without a terminal there are plain lines, details at most every five seconds', () => {
  let now = 0;
  let text = '';
  const shown = progress({ write: (piece) => void (text += piece), isTerminal: false, clock: () => now });
  shown.step('one');
  shown.detail('a');
  now = 4999;
  shown.detail('b');
  now = 5000;
  shown.detail('c');
  shown.step('two');
  now = 6500;
  shown.done();
  assert.equal(
    text,
    '[  0 s] … one\n[  0 s]     a\n[  5 s]     c\n[  5 s] ✓ one (5.0 s)\n[  5 s] … two\n[  7 s] ✓ two (1.5 s)\n',
  );
  assert.ok(!text.includes('\u001b'));
});

test('on a terminal the line of the step is redrawn', () => {
  let text = '';
  const shown = progress({ write: (piece) => void (text += piece), isTerminal: true, clock: () => 0 });
  shown.step('one');
  shown.detail('half');
  assert.ok(text.endsWith('\r\u001b[2K[  0 s] … one: half'));
});
