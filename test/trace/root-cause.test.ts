import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanKinds, statusCodes } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { podShifts } from '../../lib/trace/pod-shift.ts';
import { type CallTree, profileOf, rankCauses, rankDefaults, rankProfiles } from '../../lib/trace/root-cause.ts';
import { aSpan } from '../support/a-span.ts';

interface Times {
  readonly pay?: number;
  readonly stock?: number;
  readonly link?: number;
  /** Whether the request ends after paying. */
  readonly isCut?: boolean;
}

/** web calls pay (behind a client span) and, unless it is cut short, stock; times in milliseconds. */
const request = ({ pay = 20, stock = 10, link = 1, isCut = false }: Times, noise: number): CallTree => {
  const paid = 5 + link + pay + link;
  const stocked = isCut ? paid : paid + 2 + stock;
  const rows: [string, string, number, number, number][] = [
    ['web', 'GET /', -1, 0, stocked + 5],
    ['web', 'call pay', 0, 5, paid],
    ['pay', 'charge', 1, 5 + link, 5 + link + pay],
    ...(isCut
      ? []
      : ([
          ['web', 'call stock', 0, paid, stocked],
          ['stock', 'take', 3, paid + 1, stocked - 1],
        ] as [string, string, number, number, number][])),
  ];
  return {
    services: rows.map(([service]) => service),
    operations: rows.map(([, name]) => name),
    parents: rows.map(([, , parent]) => parent),
    starts: rows.map(([, , , start]) => (start * noise) / 1000),
    ends: rows.map(([, , , , end]) => (end * noise) / 1000),
  };
};

const requests = (count: number, times: (at: number) => Times, seed = 1): CallTree[] => {
  let state = seed;
  return Array.from({ length: count }, (_, at) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return request(times(at), 0.9 + (0.2 * state) / 2 ** 32);
  });
};

const usual = profileOf(requests(200, () => ({}), 7));
const first = (trees: readonly CallTree[]) => rankProfiles(profileOf(trees), usual)[0]?.service;

test('the service whose own time grew is the cause, not the ones that waited for it', () => {
  assert.equal(first(requests(100, () => ({ pay: 80 }))), 'pay');
  assert.equal(first(requests(100, () => ({ stock: 60 }))), 'stock');
});

test('a call that takes longer than what it calls speaks against the called one more than against the caller', () => {
  const causes = rankProfiles(profileOf(requests(100, () => ({ link: 40 }))), usual).map(({ service }) => service);
  assert.deepEqual(causes, ['pay', 'web', 'stock']);
});

test('requests that end after a call speak against the one that was called', () => {
  assert.equal(first(requests(100, (at) => ({ isCut: at % 2 === 0 }))), 'pay');
});

test('what does differently because it is asked differently is no cause', () => {
  // ads looks up by category, or at random where it is asked without one; web asks only as it comes so far.
  const trees = (share: number, isCut: (at: number) => boolean): CallTree[] =>
    Array.from({ length: 200 }, (_, at) => {
      const isCategory = (at % 100) / 100 < share;
      const cut = isCut(at);
      const rows: [string, string, number, number, number][] = [
        ['web', 'GET /', -1, 0, 100],
        ['web', 'list', 0, 10, 20],
        ...(cut
          ? []
          : ([
              ['ads', 'ads', 0, 30, 90],
              ['ads', isCategory ? 'by category' : 'at random', 2, 40, 80],
            ] as [string, string, number, number, number][])),
      ];
      return {
        services: rows.map(([service]) => service),
        operations: rows.map(([, name]) => name),
        parents: rows.map(([, , parent]) => parent),
        starts: rows.map(([, , , start]) => start / 1000),
        ends: rows.map(([, , , , end]) => end / 1000),
      };
    });
  const healthy = profileOf(trees(0.8, () => false));
  const [cause] = rankProfiles(profileOf(trees(0.3, (at) => at % 2 === 0)), healthy);
  assert.equal(cause?.service, 'web');
});

test('two slow spans of a rare operation are not evidence', () => {
  const rare = (count: number, ms: number): CallTree[] =>
    Array.from({ length: count }, () => ({
      services: ['web', 'mail'],
      operations: ['GET /rare', 'send'],
      parents: [-1, 0],
      starts: [0, 0.001],
      ends: [(ms + 2) / 1000, ms / 1000],
    }));
  const before = profileOf([...requests(200, () => ({}), 7), ...rare(2, 1)]);
  const causes = rankProfiles(profileOf([...requests(100, () => ({ pay: 40 })), ...rare(2, 5000)]), before);
  assert.equal(causes[0]?.service, 'pay');
});

test('profiles do not depend on the order of traces, and every service has a rank', () => {
  const trees = [...requests(20, () => ({ pay: 50 })), ...requests(20, () => ({ isCut: true }), 3)];
  const expected = rankProfiles(profileOf(trees), usual);
  assert.deepEqual(expected.map(({ service }) => service).sort(), ['pay', 'stock', 'web']);
  fc.assert(
    fc.property(fc.shuffledSubarray(trees, { minLength: trees.length, maxLength: trees.length }), (shuffled) => {
      rankProfiles(profileOf(shuffled), usual).forEach(({ service, score }, at) => {
        assert.equal(service, expected[at]?.service);
        assert.ok(Math.abs(score - (expected[at]?.score ?? 0)) < 1e-9);
      });
    }),
    { numRuns: 30 },
  );
});

test('without a baseline the place in the calls decides, and nothing breaks', () => {
  const causes = rankProfiles(profileOf(requests(10, () => ({}))), profileOf([]));
  assert.equal(causes.length, 3);
  assert.ok(causes.every(({ score }) => Number.isFinite(score)));
  assert.deepEqual(rankProfiles(profileOf([]), profileOf([])), []);
});

test('what pods show decides where traces show nothing, and adds to what they show', () => {
  const flat = (value: number, count = 10) => Array.from({ length: count }, (_, at) => value * (1 + (at % 3) / 100));
  const pods = podShifts([
    { service: 'stock', usual: flat(0.2), now: flat(0.9) },
    { service: 'pay', usual: flat(100), now: flat(104) },
    { service: 'web', usual: flat(1), now: flat(9, 2) },
  ]);
  assert.deepEqual(
    [...pods],
    [
      ['stock', 1],
      ['pay', 0],
    ],
    'two readings say nothing, nor do 4 %',
  );
  const calm = profileOf(requests(100, () => ({})));
  assert.equal(rankProfiles(calm, usual, rankDefaults, pods)[0]?.service, 'stock');
  assert.notEqual(rankProfiles(calm, usual)[0]?.service, 'stock');
  assert.equal(podShifts([{ service: 'a', usual: [0, 0, 0], now: [5, 5, 5] }]).get('a'), 1);
  assert.equal(podShifts([{ service: 'a', usual: [0, 0, 0], now: [0, 0, 0] }]).get('a'), 0);
  assert.equal(
    podShifts([{ service: 'a', usual: flat(1), now: flat(0.1) }]).get('a')! > 0.5,
    true,
    'less is a shift too',
  );
});

/** Requests of web at pay, which asks stock; `fails` says of which spans (web, its call, pay, its call, stock) the status is an error. */
const calls = (count: number, fails: (at: number) => readonly number[], isStockTraced = (_: number): boolean => true) =>
  assemble(
    Array.from({ length: count }, (_, at) => {
      const traceId = (at + 1).toString(16).padStart(32, '0');
      const id = (n: number) => (at * 8 + n + 1).toString(16).padStart(16, '0');
      const failed = new Set(fails(at));
      return (
        [
          ['web', 'GET /', spanKinds.server, {}],
          ['web', 'POST pay', spanKinds.client, { 'peer.service': 'pay' }],
          ['pay', 'POST /pay', spanKinds.server, {}],
          ['pay', 'POST stock', spanKinds.client, { 'peer.service': 'stock' }],
          ['stock', 'POST /stock', spanKinds.server, {}],
        ] as const
      )
        .slice(0, isStockTraced(at) ? 5 : 4)
        .map(([service, name, kind, attributes], n) =>
          aSpan({
            traceId,
            spanId: id(n),
            ...(n === 0 ? {} : { parentSpanId: id(n - 1) }),
            service,
            name,
            kind,
            attributes,
            from: n * 2,
            to: 50 - n * 2,
            status: failed.has(n) ? statusCodes.error : statusCodes.unset,
          }),
        );
    }).flat(),
  );
const firstCause = (
  fails: (at: number) => readonly number[],
  before: (at: number) => readonly number[] = () => [],
  isStockTraced = (_: number): boolean => true,
) => rankCauses(calls(100, fails, isStockTraced), calls(200, before))[0]?.service;
const half = (spans: readonly number[]) => (at: number) => (at % 2 === 0 ? spans : []);

test('errors speak against the service that they began in, not against those that passed them on', () => {
  assert.equal(firstCause(half([0, 1, 2, 3, 4])), 'stock');
  assert.equal(firstCause(half([0, 1, 2])), 'pay');
  assert.equal(firstCause(half([0])), 'web');
  const answers = (at: number) => at % 2 === 1;
  assert.equal(
    firstCause(half([0, 1, 2, 3]), () => [], answers),
    'stock',
    'it did not answer, and is named',
  );
  const untraced = calls(100, half([0, 1, 2, 3]), () => false);
  const before = calls(
    200,
    () => [],
    () => false,
  );
  assert.equal(rankCauses(untraced, before)[0]?.service, 'pay', 'stock emits no spans');
});

test('errors that are usual, or whose origin is not known, speak against nobody', () => {
  const calm = firstCause(() => []);
  assert.equal(firstCause(half([0, 1, 2, 3, 4]), half([0, 1, 2, 3, 4])), calm);
  assert.equal(firstCause(half([3])), calm, 'a call that failed though it was answered well');
});
