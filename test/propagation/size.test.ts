import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

const bundled = async (exports: string) => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: exports, resolveDir: root, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
  });
  const text = outputFiles[0]?.contents ?? new Uint8Array();
  return { bytes: text.length, gzip: gzipSync(text, { level: 9 }).length, inputs: Object.keys(metafile.inputs) };
};

/** `extract` and `propagation` with every format (reading and writing), policy and baggage, minified as ESM, gzip -9. */
const limit = 6 * 1024;

test('the extractor room weighs 6 KB at most', async () => {
  const { gzip, inputs } = await bundled(`export { extract } from './lib/propagation/extract.ts';
    export { propagation } from './lib/propagation/propagation.ts';`);
  assert.ok(
    inputs.some((input) => input.endsWith('formats/xray.ts')),
    'saw the formats',
  );
  assert.deepEqual(
    inputs.filter((input) => input.includes('node_modules')),
    [],
  );
  assert.ok(gzip <= limit, `${gzip} bytes`);
});

test('extraction with every source bundles without a single dependency', async () => {
  const { gzip, inputs } = await bundled(`export { recordsOf, detailsOf, bodyOf } from './lib/message/records.ts';
    export { extract } from './lib/propagation/extract.ts';
    export { propagation } from './lib/propagation/propagation.ts';`);
  assert.ok(
    inputs.some((input) => input.endsWith('sources/kafka.ts')),
    'saw the sources',
  );
  assert.deepEqual(
    inputs.filter((input) => input.includes('node_modules')),
    [],
  );
  assert.ok(gzip <= 15_000, `${gzip} bytes`);
  process.stdout.write(`# extraction with every source: ${gzip} bytes gzip\n`);
});
