import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forecast, type Point, predictLinear } from '../../lib/watermark/forecast.ts';

const line = (count: number, start: number, slope: number): Point[] =>
  Array.from({ length: count }, (_, n) => ({ at: n * 30_000, value: start + slope * n * 30 }));

test('predict_linear answers as Prometheus documents it', () => {
  // The example of Prometheus' own tests: testcounter_resets over 50 minutes, predicted an hour ahead.
  const points = [0, 10, 20, 30, 40, 0, 10, 20, 30, 40, 50].map((value, n) => ({ at: n * 300_000, value }));
  assert.ok(Math.abs((predictLinear(points, 3_000_000, 3600) ?? 0) - 76.81818181818181) < 1e-9);
  assert.equal(predictLinear([{ at: 0, value: 1 }], 0, 60), undefined);
  assert.equal(
    predictLinear(
      [
        { at: 0, value: 5 },
        { at: 30_000, value: 5 },
      ],
      30_000,
      60,
    ),
    5,
  );
  assert.ok(
    Number.isNaN(
      predictLinear(
        [
          { at: 0, value: 1 },
          { at: 1000, value: Number.POSITIVE_INFINITY },
        ],
        1000,
        60,
      ),
    ),
  );
});

test('a clean ramp is foreseen exactly, a flat or falling line never', () => {
  const seen = forecast(line(20, 0.4, 0.0001), 1);
  assert.ok(seen?.seconds !== undefined && Math.abs(seen.slope - 0.0001) < 1e-9);
  // The level is the median of the last five, two samples back.
  assert.ok(Math.abs(seen.seconds - (1 - 0.4 - 0.0001 * 17 * 30) / 0.0001) < 1e-6);
  assert.equal(forecast(line(20, 0.4, 0), 1)?.seconds, undefined);
  assert.equal(forecast(line(20, 0.9, -0.0001), 1)?.latest, undefined);
  assert.equal(forecast(line(7, 0.4, 0.0001), 1), undefined, 'too few points');
});

test('a restart begins a new run, and repeated samples are no evidence', () => {
  const before = line(20, 0.4, 0.0002);
  const after = line(7, 0.1, 0.0002).map(({ at, value }) => ({ at: at + 600_000, value }));
  assert.equal(forecast([...before, ...after], 1), undefined);
  const repeated = line(7, 0.4, 0.0001).flatMap((point) => [point, point]);
  assert.equal(forecast(repeated, 1), undefined);
});

/** mulberry32 */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

const stepSeconds = 30;
/** The range of predict_linear, and the points that ours takes its slope from; ours also sees the runs before. */
const windowPoints = 40;
const horizon = 1800;
/** Neither method warns below this level: level and trend together, as the mixin's volume rule does. */
const minLevel = 0.5;

type Shape = 'ramp' | 'ramp after restarts' | 'flat' | 'deploy step' | 'restarts' | 'daily swing';

/** Three hours of one series; a full one ends at 1. */
const history = (shape: Shape, random: () => number): Point[] => {
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const noise = 0.01 + 0.02 * random();
  const base = 0.5 + 0.15 * random();
  const rise = (1 - base) / ((60 + 90 * random()) * 60);
  const stepAt = 60 + Math.floor(random() * 200);
  const restartEvery = 50 + Math.floor(random() * 60);
  const points: Point[] = [];
  for (let n = 0; n < 360; n += 1) {
    const t = n * stepSeconds;
    let value = base;
    if (shape === 'ramp') value += rise * t;
    if (shape === 'ramp after restarts')
      value = n < 120 ? 0.2 + 0.006 * (n % restartEvery) : base - 0.1 + (rise + 0.00003) * (t - 3600);
    if (shape === 'deploy step') value += n > stepAt ? 0.15 : 0;
    if (shape === 'restarts') value = 0.25 + (0.5 * (n % restartEvery)) / restartEvery;
    if (shape === 'daily swing') value += 0.1 * Math.sin(t / 1500);
    value += noise * gauss() + (random() < 0.01 ? 0.15 * random() : 0);
    points.push({ at: t * 1000, value: Math.max(0, value) });
    if (value >= 1) break;
  }
  return points;
};

const methods = {
  predict_linear: (points: readonly Point[], now: number) =>
    (predictLinear(points.slice(-windowPoints), now, horizon) ?? 0) >= 1,
  tidemark: (points: readonly Point[]) => (forecast(points, 1)?.latest ?? Number.POSITIVE_INFINITY) <= horizon,
};

test('the forecast warns ten minutes ahead with less than half the false alarms of predict_linear', (t) => {
  const seed = Number(process.env['FORECAST_SEED'] ?? 20261123);
  const shapes: Shape[] = ['ramp', 'ramp after restarts', 'flat', 'deploy step', 'restarts', 'daily swing'];
  const perShape = 40;
  const totals = Object.keys(methods).map((method) => ({
    method,
    leads: [] as number[],
    missed: 0,
    falseAlarms: 0,
    by: {} as Record<string, number>,
  }));
  for (const total of totals) {
    const random = seeded(seed);
    for (const shape of shapes) {
      for (let n = 0; n < perShape; n += 1) {
        const points = history(shape, random);
        const fullAt = (points.at(-1)?.value ?? 0) >= 1 ? (points.at(-1)?.at as number) : undefined;
        let was = false;
        let warnedAt: number | undefined;
        for (let end = 8; end < points.length; end += 1) {
          const now = points[end]?.at as number;
          const window = points.slice(0, end + 1);
          const warns =
            (points[end]?.value as number) > minLevel && methods[total.method as keyof typeof methods](window, now);
          // An alarm that is still on when it becomes true is a warning; one that comes more than two horizons early is false.
          if (warns && !was) {
            const isTrue = fullAt !== undefined && fullAt - now <= 2 * horizon * 1000;
            if (isTrue) warnedAt ??= now;
            else {
              total.falseAlarms += 1;
              total.by[shape] = (total.by[shape] ?? 0) + 1;
            }
          }
          was = warns;
        }
        if (fullAt === undefined) continue;
        if (warnedAt === undefined && !was) total.missed += 1;
        else if (warnedAt !== undefined) total.leads.push((fullAt - warnedAt) / 60_000);
      }
    }
  }
  const table = totals.map(({ method, leads, missed, falseAlarms, by }) => {
    const sorted = [...leads].sort((a, b) => a - b);
    const quantile = (p: number) => sorted[Math.floor(p * (sorted.length - 1))] ?? Number.NaN;
    return { method, warned: leads.length, missed, median: quantile(0.5), p10: quantile(0.1), falseAlarms, by };
  });
  t.diagnostic(
    `seed ${seed}; ${perShape} series a shape; horizon ${horizon / 60} min; window ${(windowPoints * stepSeconds) / 60} min`,
  );
  for (const row of table) {
    t.diagnostic(
      `${row.method.padEnd(15)} warned ${row.warned}, missed ${row.missed}, lead median ${row.median.toFixed(1)} min, p10 ${row.p10.toFixed(1)} min, ` +
        `false alarms ${row.falseAlarms} ${JSON.stringify(row.by)}`,
    );
  }
  const [theirs, ours] = table;
  assert.ok(theirs !== undefined && ours !== undefined);
  assert.ok(ours.median >= 10, `lead ${ours.median} min`);
  assert.ok(ours.falseAlarms < theirs.falseAlarms / 2, `${ours.falseAlarms} against ${theirs.falseAlarms}`);
  assert.ok(ours.missed <= theirs.missed + 4);
});
