import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Entry {
  readonly version?: string;
  readonly optionalDependencies?: Record<string, string>;
  readonly inBundle?: boolean;
}

const root = join(import.meta.dirname, '../..');
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Record<string, Entry>;
};

// A registry that lacks the packages of some platforms makes `npm install` write a lock file that `npm ci` then refuses.
test('the lock file lists the optional packages of every platform', () => {
  const wanted = Object.entries(packages).flatMap(([path, { optionalDependencies = {}, inBundle }]) =>
    inBundle === true ? [] : Object.keys(optionalDependencies).map((name) => ({ path, name })),
  );
  assert.ok(wanted.length > 10, `saw only ${wanted.length} optional packages`);
  const missing = wanted.filter(
    ({ path, name }) =>
      packages[`node_modules/${name}`] === undefined && packages[`${path}/node_modules/${name}`] === undefined,
  );
  assert.deepEqual(
    missing.map(({ path, name }) => `${name}, of ${path}`),
    [],
  );
});

test('every dependency is pinned to one version', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const all = Object.entries({ ...dependencies, ...devDependencies });
  assert.ok(all.length > 20);
  assert.deepEqual(
    all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  );
});
