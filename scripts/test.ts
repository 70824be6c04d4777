/** `npm test`: every suite that needs nothing but npm, with the line coverage of lib held at 90 %. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const only = process.argv.slice(2);
const files = (only.length > 0 ? only : globSync('test/**/*.test.ts'))
  .filter((file) => only.length > 0 || !file.startsWith('test/interop/'))
  .sort();
if (files.length === 0) {
  // node --test is green on nothing; we are not.
  process.stderr.write('test: no test file matched\n');
  process.exit(1);
}
const coverage =
  only.length > 0
    ? []
    : ['--experimental-test-coverage', '--test-coverage-include=lib/**/*.ts', '--test-coverage-lines=90'];
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...coverage, ...files], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
