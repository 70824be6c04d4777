import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { spanKinds } from '../../lib/model/span.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { command as criticalPath } from '../../scripts/commands/critical-path.ts';
import { command as score } from '../../scripts/commands/score.ts';
import { aSpan } from '../support/a-span.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-traces-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const id = (n: number) => n.toString(16).padStart(16, '0');
const file = join(folder, 'spans.json');
writeFileSync(
  file,
  encodeJson([
    aSpan({ spanId: id(1), service: 'web', name: 'GET /', kind: spanKinds.server, from: 0, to: 100 }),
    aSpan({
      spanId: id(2),
      parentSpanId: id(1),
      service: 'web',
      name: 'send',
      kind: spanKinds.producer,
      from: 80,
      to: 90,
    }),
    aSpan({
      spanId: id(3),
      parentSpanId: id(2),
      service: 'pack',
      name: 'process',
      kind: spanKinds.consumer,
      from: 190,
      to: 300,
      attributes: { 'messaging.destination.name': 'orders' },
    }),
  ]),
);

const run = async (command: typeof score, args: readonly string[]) => {
  let out = '';
  const code = await command.run(args, {
    out: (text) => {
      out += text;
    },
    err: () => undefined,
    env: {},
    isTerminal: false,
  });
  return { code, out };
};

test('critical-path --json gives sections that tile the root, and through queues with --scope end-to-end', async () => {
  const pathOf = async (...args: string[]) => {
    const { out } = await run(criticalPath, [file, '--json', ...args]);
    const [path] = JSON.parse(out);
    return [
      path.durationNanos,
      path.sections.map(({ name, kind, startNanos, endNanos }: Record<string, string>) => [
        name,
        kind,
        (BigInt(endNanos ?? 0) - BigInt(startNanos ?? 0)).toString(),
      ]),
    ];
  };
  assert.deepEqual(await pathOf(), [
    '100000000',
    [
      ['GET /', 'work', '80000000'],
      ['send', 'work', '10000000'],
      ['GET /', 'work', '10000000'],
    ],
  ]);
  assert.deepEqual(await pathOf('--scope', 'end-to-end'), [
    '300000000',
    [
      ['GET /', 'work', '80000000'],
      ['send', 'work', '10000000'],
      ['orders', 'queue', '100000000'],
      ['process', 'work', '110000000'],
    ],
  ]);
});

test('critical-path --aggregate adds paths up and answers what-if', async () => {
  const { out } = await run(criticalPath, [
    file,
    '--aggregate',
    '--json',
    '--faster',
    'web/send=5',
    '--faster',
    'web=50',
  ]);
  const answer = JSON.parse(out);
  assert.equal(answer.queueSeconds, 0.1);
  assert.deepEqual(
    answer.services.map(({ service, seconds }: { service: string; seconds: number }) => [service, seconds]),
    [
      ['pack', 0.11],
      ['web', 0.09],
    ],
  );
  assert.deepEqual(
    answer.whatIf.map(({ afterSeconds }: { afterSeconds: number }) => afterSeconds),
    [0.095, 0.04],
  );
  const words = await run(criticalPath, [file, '--aggregate', '--faster', 'web/send=5']);
  assert.match(words.out, /web · send faster by 5 ms: 1 traces have it; all traces take 5\.0 % less/);
});

test('what cannot be meant is said in one line', async () => {
  for (const [args, message] of [
    [[file, '--mode', 'fast'], /--mode is strict or robust, got 'fast'/],
    [[file, '--scope'], /--scope is root or end-to-end, got ''/],
    [[file, '--faster', 'web=5'], /--faster goes with --aggregate/],
    [[file, '--aggregate', '--faster', 'web'], /--faster is SERVICE/],
    [[file, '--aggregate', '--faster', '=5'], /--faster is SERVICE/],
    [[file, '--aggregate', '--faster', 'web=-1'], /--faster is SERVICE/],
    [[file, '--aggregate', '--faster', 'web='], /--faster is SERVICE/],
    [[], /a file is needed/],
  ] as const) {
    await assert.rejects(run(criticalPath, args), message);
  }
});

test('score writes page and pictures beside its answer', async () => {
  const paths = { html: join(folder, 'r.html'), png: join(folder, 'r.png'), svg: join(folder, 'r.svg') };
  const { out } = await run(score, [
    file,
    '--json',
    ...Object.entries(paths).flatMap(([name, path]) => [`--${name}`, path]),
  ]);
  const answer = JSON.parse(out);
  assert.deepEqual(answer.findings, []);
  assert.equal(answer.durations.web.scale, 5);
  assert.equal(answer.criticalPath.queues[0].name, 'orders');
  assert.deepEqual([...readFileSync(paths.png).subarray(1, 4)], [...Buffer.from('PNG')]);
  assert.match(readFileSync(paths.svg, 'utf8'), /^<svg xmlns=/);
  assert.match(readFileSync(paths.html, 'utf8'), /^<!doctype html>/);
  await assert.rejects(run(score, [file, '--png', join(folder, 'no', 'where.png')]), /cannot be written/);
});

test('score ranks causes by what pods show beside the spans', async () => {
  const at = 1_767_225_600;
  const series = (pod: string, now: number) => ({
    metric: { __name__: 'container_cpu_usage_seconds_total', pod },
    values: [
      ...Array.from({ length: 10 }, (_, n) => [at - 600 + n * 60, String(1 + (n % 3) / 100)]),
      ...[0, 0.1, 0.2].map((later) => [at + later, String(now)]),
    ],
  });
  const metrics = join(folder, 'pods.json');
  writeFileSync(
    metrics,
    JSON.stringify({
      data: {
        resultType: 'matrix',
        result: [series('pack-6bb8c9f4d-x2x9z', 9), series('web-0', 1), { metric: {} }, null],
      },
    }),
  );
  const causes = JSON.parse((await run(score, [file, '--json', '--pod-metrics', metrics])).out).rootCauses;
  assert.equal(causes[0].service, 'pack');
  writeFileSync(metrics, '{"data":{"resultType":"vector","result":[]}}');
  await assert.rejects(run(score, [file, '--pod-metrics', metrics]), /is no answer of a Prometheus range query/);
});
