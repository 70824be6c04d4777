import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shopSpans } from '../../bench/shop-spans.ts';
import type { Span } from '../../lib/model/span.ts';
import { readBaseline } from '../../lib/trace/baseline.ts';
import { score } from '../../lib/trace/score.ts';
import { usualOf } from '../../lib/trace/usual.ts';
import { aSpan } from '../support/a-span.ts';

const window = '2026-01-01T00:00:00Z';
const traceId = (n: number) => n.toString(16).padStart(32, '0');

/** A window of a service that calls stock: `failed` of `all` spans fail, spans take `ms`, and `called` of them call. */
const minute = ({
  failed = 0,
  all = 200,
  ms = 20,
  called = Number.POSITIVE_INFINITY,
  callee = 'stock',
}: {
  failed?: number;
  all?: number;
  ms?: number;
  called?: number;
  callee?: string;
} = {}): Span[] =>
  Array.from({ length: all }, (_, at) => {
    const spanId = (at + 1).toString(16).padStart(16, '0');
    const own = aSpan({
      traceId: traceId(at + 1),
      spanId,
      service: 'pay',
      status: at < failed ? 2 : 0,
      to: ms * (0.8 + (0.4 * (at % 20)) / 20),
    });
    return at < called
      ? [own, aSpan({ traceId: traceId(at + 1), parentSpanId: spanId, service: callee, from: 1, to: 3 })]
      : [own];
  }).flat();

const usual = (windows: readonly Span[][]) => usualOf(windows.map((spans) => score(window, spans)));
const told = (spans: readonly Span[], before: readonly Span[][]) =>
  score(window, spans, { usual: usual(before) }).findings.map(({ kind, service }) => `${kind} ${service}`);

const calm = Array.from({ length: 10 }, (_, at) => minute({ failed: at % 3 }));

test('what is as usual raises nothing', () => {
  assert.deepEqual(told(minute({ failed: 2 }), calm), []);
  assert.deepEqual(told(minute({ failed: 4 }), calm), [], 'fewer than five errors are no burst');
  const shop = (seed: number) => shopSpans(100, seed).flat();
  assert.deepEqual(
    score(window, shop(99), { usual: usual(Array.from({ length: 6 }, (_, seed) => shop(seed + 1))) }).findings,
    [],
  );
});

test('more errors than a service usually has are a burst, below the fixed limit too; its own ups and downs are not', () => {
  assert.deepEqual(told(minute({ failed: 20 }), calm), ['error-burst pay'], '10 %, where 0.5 % are usual');
  assert.deepEqual(score(window, minute({ failed: 20 })).findings, [], 'the fixed limit is 15 %');
  const wild = Array.from({ length: 10 }, (_, at) => minute({ failed: at % 2 === 0 ? 0 : 24 }));
  assert.deepEqual(told(minute({ failed: 20 }), wild), []);
  const [finding] = score(window, minute({ failed: 20 }), { usual: usual(calm) }).findings;
  assert.ok(finding !== undefined && finding.value > finding.threshold);
  assert.match(finding.summary, /usually 0\.45 %/);
});

test('a P95 half as long again is a long tail, far below 2 s too', () => {
  assert.deepEqual(told(minute({ ms: 40 }), calm), ['long-tail pay']);
  assert.deepEqual(told(minute({ ms: 26 }), calm), []);
  assert.deepEqual(told(minute({ ms: 40, all: 4 }), calm), [], 'four spans may be chance');
});

test('a call that was never made is new, once it is made often enough to have been seen', () => {
  const both = [...minute(), ...minute({ callee: 'gift' })];
  assert.deepEqual(told(both, calm), ['new-call pay']);
  assert.match(
    score(window, both, { usual: usual(calm) }).findings[0]?.summary ?? '',
    /pay calls gift, .* gift is new/,
  );
  assert.deepEqual(told([...minute(), ...minute({ callee: 'gift', called: 2, all: 2 })], calm), []);
  assert.deepEqual(told(both, [minute({ all: 8 })]), [], 'eight spans do not say what is never done');
  assert.deepEqual(score(window, both).findings, [], 'without a baseline nothing is new');
});

test('a call that is hardly made any more is missing, unless the service itself does less', () => {
  assert.deepEqual(told(minute({ called: 0 }), calm), ['missing-call pay']);
  assert.deepEqual(told(minute({ called: 40 }), calm), []);
  assert.deepEqual(told(minute({ called: 0, all: 5 }), calm), []);
  const [finding] = score(window, minute({ called: 0 }), { usual: usual(calm) }).findings;
  assert.equal(finding?.traceIds.length, 3);
});

test('detectors can be chosen', () => {
  const bad = minute({ failed: 100, ms: 3000 });
  assert.deepEqual(
    score(window, bad, { detectors: ['long-tail'] }).findings.map(({ kind }) => kind),
    ['long-tail'],
  );
  assert.deepEqual(score(window, bad, { detectors: [] }).findings, []);
});

test('a baseline is read from earlier scores, two windows back and further, and needs five', async () => {
  const scores = new Map<string, Uint8Array>();
  const bucket = { get: async (key: string) => scores.get(key) };
  const put = (minutes: number, text = JSON.stringify(score(window, minute()))) =>
    scores.set(`reports/2026-01-01T00:${String(minutes).padStart(2, '0')}:00Z/0/score.json`, Buffer.from(text));
  const read = (windows = 20) =>
    readBaseline(bucket, { windowStart: '2026-01-01T00:30:00Z', partition: 0 }, 60, windows);
  assert.equal(await read(), undefined);
  for (const minutes of [29, 28, 27, 26, 25]) put(minutes);
  assert.equal(await read(), undefined, 'the window before does not count');
  put(24, '{"half of');
  put(23, '{}');
  assert.equal(await read(), undefined, 'nor does what is no score');
  put(22);
  assert.equal((await read())?.services.get('pay')?.spans, 5 * 200);
  assert.equal(await read(0), undefined);
});
