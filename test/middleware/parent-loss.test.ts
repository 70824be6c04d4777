import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('the example loses two of three parents before, and none after', () => {
  const file = join(import.meta.dirname, '../../examples/parent-loss/run.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /Before[\s\S]*1 of 3 traces are whole[\s\S]*After[\s\S]*3 of 3 traces are whole/);
});
