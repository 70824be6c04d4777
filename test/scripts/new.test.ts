import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scaffold } from '../../scripts/commands/new.ts';

const root = join(import.meta.dirname, '../..');

for (const kind of ['source', 'format', 'channel', 'gauge', 'detector'] as const) {
  test(`a new ${kind} is one file and one registry line that loads`, async () => {
    // Inside the project, so that Node strips its types and finds its packages.
    const folder = mkdtempSync(join(root, '.cache-new-'));
    try {
      cpSync(join(root, 'lib'), join(folder, 'lib'), { recursive: true });
      const files = scaffold(folder, kind, 'brand-new');
      assert.equal(files.length, kind === 'gauge' || kind === 'channel' ? 3 : 2);
      const registry = files[1] ?? '';
      const text = readFileSync(join(folder, registry), 'utf8');
      assert.match(text, /from '\.\/brand-new\.ts'/);
      const loaded = (await import(join(folder, registry))) as Record<string, unknown>;
      const members = Object.values(loaded).find((value) => typeof value === 'object' && value !== null);
      assert.ok(
        Array.isArray(members) ? members.length > 1 : Object.keys(members as object).includes('brand-new'),
        `${registry} lists the new member`,
      );
      const [names] = files.slice(2);
      if (names !== undefined) assert.match(readFileSync(join(folder, names), 'utf8'), /^ {2}'brand-new',$/m);
      assert.throws(() => scaffold(folder, kind, 'brand-new'), /exists already/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
