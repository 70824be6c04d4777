import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonLog } from '../../lib/adapters/log.ts';

test('a line is one JSON object with time, level, message, context and fields', () => {
  const lines: string[] = [];
  const log = jsonLog({ clock: () => 0, context: () => ({ function: 'f' }), write: (line) => void lines.push(line) });
  log('debug', 'unseen');
  log('warn', 'seen\nonce', { reason: new Error('why'), big: 2n ** 60n });
  assert.equal(lines.length, 1);
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    timestamp: '1970-01-01T00:00:00.000Z',
    level: 'warn',
    message: 'seen\nonce',
    function: 'f',
    reason: 'Error: why',
    big: '1152921504606846976',
  });
});

test('a value that cannot be serialised never fails the work that it describes', () => {
  const lines: string[] = [];
  const log = jsonLog({ clock: () => 0, write: (line) => void lines.push(line) });
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  log('error', 'odd', { circle });
  assert.match(lines[0] ?? '', /"message":"odd","unserialisable":"TypeError/);
});
