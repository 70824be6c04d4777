import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackEnd, ExportOutcome } from '../../lib/model/back-end.ts';
import type { Span } from '../../lib/model/span.ts';
import { type RouterOptions, routeSpans } from '../../lib/telemetry/route.ts';
import { aSpan } from '../support/a-span.ts';

const later = (ms: number, call: () => void) => {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
};

const collecting = (name: string, outcome?: (spans: readonly Span[]) => Promise<ExportOutcome>) => {
  const taken: Span[][] = [];
  const backEnd: BackEnd = {
    name,
    export: async (spans) => {
      taken.push([...spans]);
      return outcome === undefined ? { kept: spans.length, dropped: {} } : outcome(spans);
    },
  };
  return { backEnd, taken, services: () => taken.flat().map(({ resource }) => resource['service.name']) };
};

const router = (options: Partial<RouterOptions> & Pick<RouterOptions, 'backEnds'>) => {
  const drops: Record<string, number> = {};
  const made = routeSpans({
    routes: [],
    clock: () => Date.now(),
    later,
    onOutcome: (name, { dropped }) => {
      for (const [reason, count] of Object.entries(dropped)) {
        drops[`${name} ${reason}`] = (drops[`${name} ${reason}`] ?? 0) + count;
      }
    },
    ...options,
  });
  return { ...made, route: (spans: readonly Span[], ms = 10_000) => made.route(spans, ms), drops };
};

const from = (...services: string[]) => services.map((service) => aSpan({ service }));

test('sends by the whole name, a prefix, a pattern, or the default, and to several at once; the first match decides', async () => {
  const [a, b, c] = [collecting('a'), collecting('b'), collecting('c')];
  const { route, drops } = router({
    backEnds: [a.backEnd, b.backEnd, c.backEnd],
    routes: [
      { service: 'auth', backEnds: ['a'] },
      { servicePrefix: 'pay-', backEnds: ['a', 'b'] },
      { servicePattern: '(?:debug|canary)-[0-9]+', backEnds: ['b'] },
      { servicePrefix: 'secret', backEnds: [] },
      { servicePrefix: 'auth', backEnds: ['c'] },
    ],
    defaultBackEnds: ['c'],
  });
  await route(from('auth', 'pay-1', 'canary-7', 'canary-x', 'secret-9', 'auth2', 'other'));
  assert.deepEqual(a.services(), ['auth', 'pay-1']);
  assert.deepEqual(b.services(), ['pay-1', 'canary-7']);
  assert.deepEqual(c.services(), ['canary-x', 'auth2', 'other']);
  assert.deepEqual(drops, { 'none no-route': 1 });
});

test('gives every back end its own redaction, and drops what could not be redacted', async () => {
  const [a, b, c] = [collecting('a'), collecting('b'), collecting('c')];
  const { route, drops } = router({
    backEnds: [a.backEnd, b.backEnd, c.backEnd],
    redactors: {
      b: () => (span) => ({ ...span, name: 'redacted' }),
      c: () => Promise.reject(new Error('no key')),
    },
  });
  await route(from('x'));
  assert.deepEqual(
    a.taken.flat().map(({ name }) => name),
    ['work'],
  );
  assert.deepEqual(
    b.taken.flat().map(({ name }) => name),
    ['redacted'],
  );
  assert.deepEqual(c.taken, []);
  assert.deepEqual(drops, { 'c redaction-failed': 1 });
});

test('takes many at once whatever its queue holds, sends them in batches, and drops of those that stay behind what finds no room', async () => {
  const a = collecting('a');
  const dead = collecting('dead', () => new Promise(() => undefined));
  const limits = { maxQueue: 5, maxBatch: 2, timeoutMs: 1 };
  const { route, drops } = router({ backEnds: [a.backEnd, dead.backEnd], limits: { a: limits, dead: limits } });
  await route(from(...Array.from({ length: 15 }, (_, at) => `${at}`)));
  assert.deepEqual(
    a.taken.map(({ length }) => length),
    [2, 2, 2, 2, 2, 2, 2, 1],
  );
  // Three batches, then it is left alone; five wait, four find no room.
  assert.deepEqual(drops, { 'dead timeout': 6, 'dead queue-full': 4 });
});

test('keeps single spans up to what the queue holds, and sends a batch when it is full', async () => {
  let release: (() => void) | undefined;
  const slow = collecting(
    'slow',
    (spans) => new Promise((done) => (release = () => done({ kept: spans.length, dropped: {} }))),
  );
  const { keep, flush, drops } = router({ backEnds: [slow.backEnd], limits: { slow: { maxQueue: 3, maxBatch: 2 } } });
  for (const span of from('1', '2')) keep(span);
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(slow.services(), ['1', '2']);
  for (const span of from('3', '4', '5', '6')) keep(span);
  const flushed = flush(1000);
  release?.();
  await new Promise((done) => setImmediate(done));
  release?.();
  await new Promise((done) => setImmediate(done));
  release?.();
  await flushed;
  assert.deepEqual(slow.services(), ['1', '2', '3', '4', '5']);
  assert.deepEqual(drops, { 'slow queue-full': 1 });
});

test('holds nothing against a collector that nobody asked for and that is not there', async () => {
  const told: unknown[] = [];
  const absent = collecting('absent', async (spans) => ({ kept: 0, dropped: { 'no-collector': spans.length } }));
  const { route } = router({
    backEnds: [absent.backEnd],
    log: (...line) => told.push(line),
    onBreaker: (...all) => told.push(all),
  });
  for (let at = 0; at < 5; at++) await route(from('x'));
  assert.equal(absent.taken.length, 5);
  assert.deepEqual(told, []);
});

test('waits for a slow one no longer than told, while the others have theirs at once', async () => {
  let release: (() => void) | undefined;
  const slow = collecting('slow', () => new Promise((resolve) => (release = () => resolve({ kept: 1, dropped: {} }))));
  const fast = collecting('fast');
  const { route } = router({ backEnds: [slow.backEnd, fast.backEnd] });
  const flushed = route(from('x'), 50);
  await new Promise((done) => setImmediate(done));
  assert.equal(fast.taken.length, 1);
  await flushed;
  release?.();
});

test('leaves a back end alone after three failures, tries one batch after 30 s, and takes it back', async () => {
  let now = 0;
  let works = false;
  const told: boolean[] = [];
  const a = collecting('a', async (spans) =>
    works ? { kept: spans.length, dropped: {} } : { kept: 0, dropped: { unavailable: spans.length } },
  );
  const { route, drops } = router({
    backEnds: [a.backEnd],
    clock: () => now,
    limits: { a: { maxBatch: 1 } },
    onBreaker: (_, open) => told.push(open),
  });
  await route(from('1', '2', '3', '4', '5'));
  assert.equal(a.taken.length, 3);
  await route(from('6'));
  assert.equal(a.taken.length, 3);
  now = 29_999;
  await route([]);
  assert.equal(a.taken.length, 3);
  now = 30_000;
  await route([]);
  assert.equal(a.taken.length, 4);
  now = 60_000;
  works = true;
  await route([]);
  assert.deepEqual(told, [true, false]);
  assert.deepEqual(drops, { 'a unavailable': 4 });
  // Spans 5 and 6 had waited and were kept.
  assert.deepEqual(a.services().slice(4), ['5', '6']);
});

test('takes a back end that throws or never answers for one that failed', async () => {
  const throwing: BackEnd = { name: 'throwing', export: () => Promise.reject(new Error('x')) };
  const silent: BackEnd = { name: 'silent', export: () => new Promise(() => undefined) };
  const { route, drops } = router({ backEnds: [throwing, silent], limits: { silent: { timeoutMs: 5 } } });
  await route(from('x'), 100);
  assert.deepEqual(drops, { 'throwing internal': 1, 'silent timeout': 1 });
});

test('refuses routes that lead nowhere and patterns that cannot be matched, when it is made', () => {
  const { backEnd } = collecting('a');
  assert.throws(() => router({ backEnds: [backEnd], routes: [{ service: 's', backEnds: ['b'] }] }), /routes\[0\]/);
  assert.throws(
    () => router({ backEnds: [backEnd], routes: [{ servicePattern: '(', backEnds: [] }] }),
    /servicePattern/,
  );
  assert.throws(() => router({ backEnds: [backEnd], defaultBackEnds: ['c'] }), /defaultBackEnds/);
});
