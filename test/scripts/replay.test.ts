import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { replay } from '../../lib/watermark/replay.ts';
import { command } from '../../scripts/commands/replay.ts';
import { plot } from '../../scripts/replay-plot.ts';

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

test('the picture shows the marks, what there was of data, the phases and every transition', async () => {
  const { out } = await run({ rule: { ...rule, low: 0.5 }, readings });
  const plain = '               │███  ';
  assert.deepEqual(out.split('\n'), [
    ' high      0.9 │███··',
    plain,
    plain,
    plain,
    '  low      0.5 │███··',
    plain,
    plain,
    plain,
    plain,
    '             0 │███  ',
    ' data          │   x-   (x failed, - no data)',
    'phase          │ppFF·   (· inactive, p pending, F firing, b blind)',
    '                0 to 120, 5 readings',
    '                       0  inactive → pending  (is above high)',
    '                      60  pending → firing  (is above high for 60 s)',
    '                     120  firing → inactive  (has no data)',
    'it fires once, for 60 s in all',
    '',
  ]);
});

test('a picture of any recording is drawn', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          at: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
          value: fc.oneof(fc.double(), fc.constantFrom(null, 'error' as const)),
        }),
      ),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (recorded, high) => {
        const plain = { high, low: high, forSeconds: 0, keepFiringForSeconds: 0, noData: 'ok' as const };
        const text = plot(plain, recorded, replay(plain, recorded).transitions);
        for (const line of text.split('\n').slice(0, 10)) assert.ok(line.length < 100, line);
      },
    ),
  );
});

test('a rule copied from the configuration has its defaults; without a gauge they are those of Prometheus', async () => {
  const wave = [0.95, 0.95, 0.95, 0.85, 0.7].map((value, n) => ({ at: n * 60, value }));
  const copied = { gauge: 'pod-memory', severity: 'critical', labels: { team: 'a' }, runbookUrl: 'https://x' };
  const moves = async (fields: object) =>
    (JSON.parse((await run({ rule: fields, readings: wave }, '--json')).out) as { at: number; to: string }[]).map(
      ({ at, to }) => `${at} ${to}`,
    );
  assert.deepEqual(await moves(copied), ['0 pending', '60 firing'], 'for 60 s, low 0.8, kept for 300 s');
  assert.deepEqual(await moves({ high: 0.9 }), ['0 firing', '180 inactive']);
});

test('damping and forecasts can be tried on history', async () => {
  const saw = Array.from({ length: 60 }, (_, n) => ({ at: n * 60, value: n % 4 < 2 ? 0.95 : 0.5 }));
  const count = async (...args: string[]) =>
    (JSON.parse((await run({ rule: { high: 0.9 }, readings: saw }, '--json', ...args)).out) as unknown[]).length;
  assert.equal(await count(), 30);
  assert.equal(await count('--flap-damping'), 5, 'the third firing lasts');
  const ramp = Array.from({ length: 40 }, (_, n) => ({ at: n * 30, value: 0.4 + n * 0.01 }));
  const { out } = await run({ rule: { high: 0.9, low: 0.6 }, readings: ramp }, '--json', '--forecast', '1200');
  assert.deepEqual(JSON.parse(out), [{ at: 660, from: 'inactive', to: 'firing' }]);
});

test('a clock that was set back is followed, a late reading is not, and both are told', async () => {
  const at = (...pairs: [number, number][]) => pairs.map(([seconds, value]) => ({ at: seconds, value }));
  const { out, err } = await run(
    { rule: { high: 0.9 }, readings: at([1000, 1], [1030, 1], [1015, 0], [1060, 1], [1060, 0], [100, 0], [130, 0]) },
    '--json',
  );
  assert.deepEqual(JSON.parse(out), [
    { at: 1000, from: 'inactive', to: 'firing' },
    { at: 100, from: 'firing', to: 'inactive' },
  ]);
  assert.match(err, /^2 readings are not later than the one before and were skipped, first at 1015$/m);
  assert.match(err, /^the clock was set back to 100; what comes after went on from there$/m);
});

test('series that differ in their name alone are one, and refused where both are above the mark', async () => {
  const series = (name: string, values: [number, string][]) => ({ metric: { __name__: name, pod: 'a' }, values });
  const answer = (...result: object[]) => ({ status: 'success', data: { resultType: 'matrix', result } });
  const { out } = await run(
    answer(
      series('x', [
        [0, '1'],
        [30, '1'],
        [60, '0'],
      ]),
      series('y', [
        [0, '0'],
        [30, '1'],
        [60, '0'],
      ]),
    ),
    '--json',
    '--high',
    '0.5',
  );
  assert.deepEqual(JSON.parse(out), [
    { at: 0, from: 'inactive', to: 'firing', series: { pod: 'a' } },
    { at: 60, from: 'firing', to: 'inactive', series: { pod: 'a' } },
  ]);
  await assert.rejects(
    run(answer(series('x', [[0, '1']]), series('x', [[0, '1']])), '--high', '1'),
    /data\.result\[1\]: has the same labels as data\.result\[0\]/,
  );
});

test('a mark of 90 for readings that are fractions is pointed out', async () => {
  const { err } = await run({ rule: { high: 90 }, readings: [{ at: 0, value: 0.97 }] }, '--json');
  assert.equal(err, 'high is 90, but the highest reading is 0.97; did you mean 0.9?\n');
});

test('bad input is told with its place', async () => {
  for (const [input, words] of [
    [{ rule: { hihg: 1 }, readings }, /rule\.hihg: is unknown; known are high/],
    [{ rule: { high: 0.8, low: 0.9 }, readings }, /rule\.low: is 0\.9, above rule\.high 0\.8/],
    [{ rule, readings: [{ at: 'x', value: 1 }] }, /readings\[0\]\.at: is "x"/],
    [{ rule, readings: [{ at: 0, value: 'high' }] }, /readings\[0\]\.value: is "high"/],
    [{ rule }, /readings: is missing/],
    [[], /is not an object/],
    [{ rule: 5, readings }, /rule: is 5, an object with `high`/],
    [{ rule: {}, readings }, /rule\.high: is missing, a number is needed \(or --high N\)/],
    [{ rule: { high: '0.9' }, readings }, /rule\.high: is "0\.9"/],
    [{ rule: { high: 1, forSeconds: -1 }, readings }, /rule\.forSeconds: is -1, a number of seconds from 0/],
    [{ rule: { high: 1, noData: 'x' }, readings }, /rule\.noData: is "x", one of keep, ok, alert/],
    [{ rule: { high: 1, samples: { atLeast: 3, of: 2 } }, readings }, /rule\.samples: is not \{ atLeast, of \}/],
    [{ rule: { gauge: 'pod-memory', high: 90 }, readings }, /rule\.high: is 90, but pod-memory is a fraction.*0\.9\?/],
    [{ rule: { gauge: 'pod-memory', low: 0.95 }, readings }, /rule\.low: is 0\.95, above rule\.high 0\.9/],
    [{ rule: { gauge: 'pod' }, readings }, /rule\.gauge: is "pod", one of pod-memory/],
    [{ rule: { high: 1, forecast: { within: 5 } }, readings }, /rule\.forecast: is not \{ withinSeconds, from\? \}/],
    [{ rule, readings: [{ at: 0, value: '0x10' }] }, /readings\[0\]\.value: is "0x10"/],
    [{ rule, status: 'success', data: { resultType: 'vector', result: [] } }, /ask \/api\/v1\/query_range/],
    [
      { rule, status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, histograms: [] }] } },
      /data\.result\[0\]: is a native histogram/,
    ],
    [{ status: 'error', error: 'timeout', rule }, /the query failed \("timeout"\)/],
  ] as const) {
    await assert.rejects(run(input), words);
  }
  await assert.rejects(run({ rule, readings }, '--hgih', '1'), /unknown option '--hgih'/);
});
