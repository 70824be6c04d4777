import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

/** What each room may import besides itself (the table of the house). Packages are matched by prefix. */
const otelTypes = '@opentelemetry/api';
const borders: Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }> = {
  'lib/model': { rooms: [], packages: [] },
  'lib/message': { rooms: ['lib/model'], packages: [] },
  'lib/propagation': { rooms: ['lib/model'], packages: [otelTypes] },
  'lib/watermark': { rooms: ['lib/model'], packages: [] },
  'lib/alert': { rooms: ['lib/model'], packages: [] },
  'lib/trace': { rooms: ['lib/model'], packages: [] },
  'lib/telemetry': { rooms: ['lib/model'], packages: [otelTypes] },
  'lib/adapters': { rooms: ['lib/model'], packages: ['@aws-sdk/', '@smithy/', '@opentelemetry/', 'node:'] },
  'lib/middleware': {
    rooms: ['lib/model', 'lib/message', 'lib/propagation', 'lib/telemetry'],
    packages: ['@middy/', otelTypes],
  },
  'lib/provider': {
    rooms: ['lib/model', 'lib/propagation', 'lib/telemetry', 'lib/adapters'],
    packages: [otelTypes],
  },
  functions: {
    rooms: [
      'lib/model',
      'lib/message',
      'lib/propagation',
      'lib/watermark',
      'lib/alert',
      'lib/trace',
      'lib/telemetry',
      'lib/middleware',
      'lib/adapters',
      'lib/provider',
    ],
    packages: ['#tidemark.config', otelTypes, '@middy/'],
  },
  cdk: {
    rooms: ['lib/model'],
    packages: ['@swc/core', 'aws-cdk-lib', 'constructs', 'cdk-nag', 'esbuild', 'node:', '#tidemark.config'],
  },
};

interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const root = normalize(join(import.meta.dirname, '../..'));

/** What a bundle may leave out goes by a name of package.json, and is bound by the same borders. */
const left = new Map(
  Object.entries((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { imports: object }).imports)
    .filter(([name]) => name !== '#tidemark.config')
    .map(([name, file]) => [name, normalize(String(file))]),
);

const importsOf = (file: string): Import[] => {
  const text = readFileSync(join(root, file), 'utf8');
  const found: Import[] = [];
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;
  for (const match of text.matchAll(pattern)) {
    const specifier = match[3] ?? match[4];
    if (specifier === undefined) continue;
    found.push({
      file,
      line: text.slice(0, match.index).split('\n').length,
      specifier,
      typeOnly: match[2] !== undefined,
    });
  }
  return found;
};

const filesOf = (room: string): string[] =>
  globSync(`${room}/**/*.ts`, { cwd: root }).filter((file) => !file.includes('node_modules'));

const roomOf = (file: string): string | undefined =>
  Object.keys(borders)
    .filter((room) => file.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];

for (const [room, border] of Object.entries(borders)) {
  test(`${room} imports only what its border allows`, () => {
    const files = filesOf(room);
    assert.ok(files.length > 0, `saw no files in ${room}: the check would pass on nothing`);
    const breaches = files.flatMap(importsOf).filter(({ file, specifier, typeOnly }) => {
      if (specifier.startsWith('.') || left.has(specifier)) {
        const target = left.get(specifier) ?? relative(root, normalize(join(root, dirname(file), specifier)));
        if (target === 'tidemark.config.ts') return room !== 'functions' && room !== 'cdk';
        const targetRoom = roomOf(target);
        return targetRoom !== room && !(targetRoom !== undefined && border.rooms.includes(targetRoom));
      }
      if (specifier === otelTypes && (room === 'lib/propagation' || room === 'lib/telemetry')) return !typeOnly;
      return !border.packages.some((allowed) => specifier === allowed || specifier.startsWith(allowed));
    });
    assert.deepEqual(
      breaches.map((b) => `${b.file}:${b.line} imports ${b.specifier}`),
      [],
    );
  });
}

test('nothing inside lib imports the public list or another registry index', () => {
  const files = filesOf('lib');
  assert.ok(files.length > 10, `saw only ${files.length} files`);
  const breaches = files.flatMap(importsOf).filter(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return false;
    const target = relative(root, normalize(join(root, dirname(file), specifier)));
    if (target === 'lib/index.ts') return true;
    return target.endsWith('/index.ts') && roomOf(target) !== roomOf(file);
  });
  assert.deepEqual(
    breaches.filter((b) => b.file !== 'lib/index.ts').map((b) => `${b.file} imports ${b.specifier}`),
    [],
  );
});

test('rooms take clock, randomness, environment and I/O as arguments', () => {
  const pure = [
    'lib/model',
    'lib/message',
    'lib/propagation',
    'lib/watermark',
    'lib/alert',
    'lib/trace',
    'lib/telemetry',
  ];
  const files = pure.flatMap(filesOf);
  assert.ok(files.length > 10, `saw only ${files.length} files`);
  const breaches = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .map((line, index) => ({ line: line.replace(/\/\/.*$|^\s*\*.*$|\/\*.*$/, ''), at: `${file}:${index + 1}` }))
      .filter(({ line }) =>
        /\bDate\.now\(|\bMath\.random\(|\bprocess\.(env|hrtime)|new Date\(\)|performance\.now\(/.test(line),
      )
      .map(({ at }) => at),
  );
  assert.deepEqual(breaches, []);
});
