import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bundle, bundleFile, projectRoot } from '../../cdk/bundle.ts';
import { addCodeCache, codeCacheHindrance, runtimeFlags } from '../../cdk/code-cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-code-cache-'));
const outDir = join(folder, 'out');
const cacheFile = join(outDir, 'bundle.cache');
let cache: Buffer;

before(() => {
  const entry = join(folder, 'entry.ts');
  writeFileSync(
    entry,
    `export const handler = async (event: { n: number }) => ({ twice: event.n * 2, text: '漢字' });\n`,
  );
  bundleFile(entry, outDir);
  assert.ok(addCodeCache('sample', outDir, [{ n: 1 }]) > 0);
  cache = readFileSync(cacheFile);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Loads the asset as Lambda would, and answers what the handler said and the line of the loader. */
const start = (flags: readonly string[] = runtimeFlags) => {
  const code = `require(${JSON.stringify(outDir)}).handler({ n: 21 }).then((answer) => console.log(JSON.stringify(answer)))`;
  const { stdout, status, stderr } = spawnSync(process.execPath, [...flags, '-e', code], {
    encoding: 'utf8',
    env: { AWS_LAMBDA_FUNCTION_NAME: 'sample' },
  });
  assert.equal(status, 0, stderr);
  const [line, answer] = stdout
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each));
  assert.deepEqual(answer, { twice: 42, text: '漢字' });
  return line;
};

test('a cache is taken by the V8 and the flags that it was made with, and the metric says so', () => {
  const line = start();
  assert.equal(line.CodeCacheRejected, 0);
  assert.equal(line.level, 'info');
  assert.equal(line.function, 'sample');
  assert.equal(line.timestamp, new Date(line._aws.Timestamp).toISOString());
  assert.deepEqual(line._aws.CloudWatchMetrics, [
    { Namespace: 'tidemark', Dimensions: [['function']], Metrics: [{ Name: 'CodeCacheRejected' }] },
  ]);
});

for (const [whose, configFile] of [
  ['the default', undefined],
  ['the example', join(projectRoot, 'examples/shop/tidemark.config.ts')],
] as const) {
  test(`every function takes one under ${whose} configuration, whatever that leaves out of its bundle`, () => {
    for (const name of ['collect-spans', 'score-traces', 'evaluate-watermarks', 'deliver-alerts']) {
      const options = { codeCache: true, ...(configFile === undefined ? {} : { configFile }) };
      bundle(name, join(folder, `${name} for ${whose}`), options);
      assert.ok(readFileSync(join(folder, `${name} for ${whose}`, 'bundle.cache')).length > 100_000);
    }
  });
}

test('one for other flags is rejected: the function works all the same, and the metric says so', () => {
  const line = start(['--stack-size=900']);
  assert.equal(line.CodeCacheRejected, 1);
  assert.equal(line.level, 'warn');
  assert.match(line.message, /synthesise again/);
});

for (const [what, bytes] of [
  [
    'of another version',
    (whole: Buffer) => Buffer.concat([whole.subarray(0, 4), Buffer.alloc(4, 7), whole.subarray(8)]),
  ],
  ['cut short', (whole: Buffer) => whole.subarray(0, whole.length >> 1)],
  ['empty', () => Buffer.alloc(0)],
] as const) {
  test(`one ${what} is rejected, and the function works`, () => {
    writeFileSync(cacheFile, bytes(cache));
    try {
      assert.equal(start().CodeCacheRejected, 1);
    } finally {
      writeFileSync(cacheFile, cache);
    }
  });
}

test('without its cache the function works', () => {
  rmSync(cacheFile);
  try {
    assert.equal(start().CodeCacheRejected, 1);
  } finally {
    writeFileSync(cacheFile, cache);
  }
});

test('a machine that cannot make a valid cache is told why, in one line, and what to do', () => {
  const linux = { platform: 'linux', node: '24.21.0' };
  assert.equal(codeCacheHindrance('arm64', { ...linux, arch: 'arm64' }), undefined);
  assert.equal(codeCacheHindrance('x86_64', { ...linux, arch: 'x64' }), undefined);
  for (const [architecture, machine] of [
    ['arm64', { ...linux, arch: 'x64' }],
    ['x86_64', { ...linux, arch: 'arm64' }],
    ['arm64', { platform: 'darwin', arch: 'arm64', node: '24.21.0' }],
    ['arm64', { platform: 'linux', arch: 'arm64', node: '22.14.0' }],
  ] as const) {
    const line = codeCacheHindrance(architecture, machine) ?? '';
    assert.match(line, /^No V8 code cache is shipped: .*Synthesise on such a machine/);
    assert.ok(!line.includes('\n'));
  }
});
