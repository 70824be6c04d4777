import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../../scripts/commands/replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));

const run = async (input: unknown, ...args: string[]) => {
  const file = join(folder, 'recording.json');
  writeFileSync(file, JSON.stringify(input));
  let out = '';
  let err = '';
  const code = await command.run([file, ...args], {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: {},
    isTerminal: false,
  });
  return { code, out, err };
};

const rule = { high: 0.9, forSeconds: 60 };
const readings = [0.95, 0.95, 0.95, 'error', null].map((value, n) => ({ at: n * 30, value }));

test('--json prints the transitions and nothing else', async () => {
  const { code, out } = await run({ rule, readings }, '--json');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), [
    { at: 0, from: 'inactive', to: 'pending' },
    { at: 60, from: 'pending', to: 'firing' },
    { at: 120, from: 'firing', to: 'inactive' },
  ]);
});

test('with noData alert a missing series is blind, and data brings it back', async () => {
  const { out } = await run(
    {
      rule: { high: 0.9, noData: 'alert' },
      readings: [
        { at: 0, value: 1 },
        { at: 30, value: null },
        { at: 60, value: 1 },
        { at: 90, value: 0 },
      ],
    },
    '--json',
  );
  assert.deepEqual(
    (JSON.parse(out) as { from: string; to: string }[]).map(({ from, to }) => `${from} ${to}`),
    ['inactive firing', 'firing blind', 'blind firing', 'firing inactive'],
  );
});

test('the answer of a Prometheus range query is replayed series by series, with gaps as missing data', async () => {
  const values = [
    [0, '1'],
    [30, '1'],
    [90, '1'],
  ];
  const answer = { status: 'success', data: { resultType: 'matrix', result: [{ metric: { pod: 'a' }, values }] } };
  const { out } = await run(answer, '--json', '--high', '0.9', '--for', '30');
  assert.deepEqual(
    (JSON.parse(out) as { at: number; to: string; series: unknown }[]).map(({ at, to }) => `${at} ${to}`),
    ['0 pending', '30 firing', '60 inactive', '90 pending'],
  );
  assert.deepEqual((JSON.parse(out) as { series: unknown }[])[0]?.series, { pod: 'a' });
});

test('the picture shows the marks and every transition', async () => {
  const { out } = await run({ rule: { ...rule, low: 0.5 }, readings });
  assert.match(out, /high │/);
  assert.match(out, /low │/);
  assert.match(out, /60 {2}pending → firing {2}\(is above high for 60 s\)/);
});

test('bad input is told with its place', async () => {
  for (const [input, words] of [
    [{ rule: { hihg: 1 }, readings }, /rule\.hihg: is unknown; known are high/],
    [{ rule: { high: 0.8, low: 0.9 }, readings }, /rule\.low: is 0\.9, above rule\.high 0\.8/],
    [{ rule, readings: [{ at: 'x', value: 1 }] }, /readings\[0\]\.at: is "x"/],
    [{ rule, readings: [{ at: 0, value: 'high' }] }, /readings\[0\]\.value: is "high"/],
    [{ rule }, /readings: is missing/],
    [[], /is not an object/],
    [{ status: 'error', error: 'timeout', rule }, /the query failed \("timeout"\)/],
  ] as const) {
    await assert.rejects(run(input), words);
  }
  await assert.rejects(run({ rule, readings }, '--hgih', '1'), /unknown option '--hgih'/);
});
