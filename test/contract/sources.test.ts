import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { recordsOf } from '../../lib/message/records.ts';
import { sources } from '../../lib/message/sources/index.ts';
import { explain } from '../../lib/propagation/explain.ts';
import { extract } from '../../lib/propagation/extract.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): unknown => JSON.parse(readFileSync(join(root, 'events', path), 'utf8'));
const expected = read('expected.json') as Record<string, { traceId: string | null; path: string | null }[]>;
const strangers = [
  null,
  undefined,
  0,
  '',
  'x',
  true,
  [],
  {},
  { Records: [] },
  { Records: null },
  { Records: [null, 3] },
  [[]],
];

const recordsIn = (file: string) => {
  const parsed = read(file);
  if (!file.startsWith('client-context/')) return recordsOf(parsed);
  const { event, clientContext } = parsed as { event: unknown; clientContext: unknown };
  return recordsOf(event, { clientContext });
};

test('every member file of the registry is listed, and every source has sample events', () => {
  const index = readFileSync(join(root, 'lib/message/sources/index.ts'), 'utf8');
  const files = globSync('*.ts', { cwd: join(root, 'lib/message/sources') }).filter((file) => file !== 'index.ts');
  assert.ok(files.length > 8, `saw only ${files.length} members`);
  for (const file of files) assert.ok(index.includes(`'./${file}'`), `${file} is not in the registry`);
  for (const { name } of sources) assert.ok(globSync(`${name}/*.json`, { cwd: join(root, 'events') }).length > 0, name);
  assert.equal(new Set(sources.map(({ name }) => name)).size, sources.length, 'names are unique');
});

test('every sample event has its answer written down', () => {
  const files = globSync('*/*.json', { cwd: join(root, 'events') }).map((file) => file.replaceAll('\\', '/'));
  const ours = files.filter((file) => Object.hasOwn(expected, file));
  assert.deepEqual(Object.keys(expected).sort(), ours.sort());
  assert.ok(ours.length > 50, `saw only ${ours.length} events`);
});

for (const [file, wanted] of Object.entries(expected)) {
  test(`finds the context of every record of ${file}`, () => {
    const found = recordsIn(file).map((message) => {
      const { traceId, spanId, sampled, winner } = explain(message);
      return {
        traceId: traceId ?? null,
        spanId: spanId ?? null,
        sampled: sampled ?? null,
        path: winner?.path ?? null,
      };
    });
    assert.deepEqual(found, wanted);
    for (const message of recordsIn(file)) {
      const { extracted } = explain(message);
      assert.deepEqual(extract(message), extracted, 'the hot path and the explanation agree');
    }
  });
}

for (const source of sources) {
  test(`${source.name} is total for strangers and claims its own`, () => {
    for (const stranger of strangers) {
      if (source.name !== 'invoke') {
        assert.equal(source.claims(stranger), false, `claims ${JSON.stringify(stranger)}`);
        assert.equal(source.entries(stranger), undefined, `takes ${JSON.stringify(stranger)}`);
      }
      assert.doesNotThrow(() => {
        for (const place of source.layer.places) place.values(stranger ?? {});
        source.layer.within?.(stranger ?? {}, 1000, []);
      });
    }
    const own = globSync(`${source.name}/*.json`, { cwd: join(root, 'events') });
    for (const file of own) {
      for (const message of recordsIn(`${source.name}/${basename(file)}`)) {
        assert.equal(message.source.name, source.name, file);
        assert.doesNotThrow(() => source.details(message.entry, message.event));
        assert.doesNotThrow(() => source.body(message.entry));
      }
    }
  });
}
