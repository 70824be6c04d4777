import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { criticalPath, type PathMode } from '../../lib/trace/critical-path.ts';

/** [name, parent, start, duration, kind?] in microseconds, as the published cases have them. */
type Row = readonly [string, string | undefined, number, number, number?];

const idOf = (name: string) => Buffer.from(name).toString('hex').padStart(16, '0');

const spansOf = (rows: readonly Row[]): Span[] =>
  rows.map(([name, parent, start, duration, kind = 1]) => ({
    traceId: '0'.repeat(31).concat('1'),
    spanId: idOf(name),
    ...(parent === undefined ? {} : { parentSpanId: idOf(parent) }),
    name,
    kind,
    startNanos: BigInt(start) * 1000n,
    endNanos: BigInt(start + duration) * 1000n,
    status: 0,
    resource: { 'service.name': 'one' },
    attributes: {},
    links: [],
    events: [],
  }));

const pathOf = (spans: readonly Span[], mode: PathMode) => {
  const [trace] = assemble(spans, { keepOrder: true });
  assert.ok(trace !== undefined);
  return criticalPath(trace, mode);
};

const sectionsOf = (rows: readonly Row[], mode: PathMode) =>
  pathOf(spansOf(rows), mode).sections.map(({ name, startNanos, endNanos }) => [
    name,
    Number(startNanos) / 1000,
    Number(endNanos) / 1000,
  ]);

/** What jaeger-ui expects of its cases (TracePage/CriticalPath/testCases), and jaeger of those of get_critical_path. */
const jaeger: Readonly<
  Record<string, { readonly rows: readonly Row[]; readonly expected: readonly [string, number, number][] }>
> = {
  'two children after each other': {
    rows: [
      ['C', undefined, 1, 100],
      ['D', 'C', 20, 20],
      ['E', 'C', 50, 10],
    ],
    expected: [
      ['C', 1, 20],
      ['D', 20, 40],
      ['C', 40, 50],
      ['E', 50, 60],
      ['C', 60, 101],
    ],
  },
  'overlapping children': {
    rows: [
      ['X', undefined, 1, 100],
      ['A', 'X', 10, 40],
      ['C', 'X', 20, 40],
    ],
    expected: [
      ['X', 1, 20],
      ['C', 20, 60],
      ['X', 60, 101],
    ],
  },
  'a child that starts after its parent ended': {
    rows: [
      ['A', undefined, 100, 40],
      ['B', 'A', 150, 50],
    ],
    expected: [['A', 100, 140]],
  },
  'a dropped child with a child of its own': {
    rows: [
      ['A', undefined, 1, 30],
      ['B', 'A', 40, 40],
      ['C', 'B', 50, 10],
    ],
    expected: [['A', 1, 31]],
  },
  'a consumer of a producer, with a child': {
    rows: [
      ['A', undefined, 1, 30, 4],
      ['B', 'A', 10, 10, 5],
      ['C', 'B', 12, 2],
    ],
    expected: [['A', 1, 31]],
  },
  'a grandchild that starts before its clipped parent': {
    rows: [
      ['A', undefined, 1, 29],
      ['B', 'A', 15, 20],
      ['C', 'B', 10, 15],
    ],
    expected: [
      ['A', 1, 15],
      ['C', 15, 25],
      ['B', 25, 30],
    ],
  },
  'a grandchild that ends after its clipped parent': {
    rows: [
      ['A', undefined, 1, 29],
      ['B', 'A', 15, 20],
      ['C', 'B', 20, 20],
    ],
    expected: [
      ['A', 1, 15],
      ['B', 15, 20],
      ['C', 20, 30],
    ],
  },
  'a child that overflows on both sides': {
    rows: [
      ['A', undefined, 10, 20],
      ['B', 'A', 5, 30],
    ],
    expected: [['B', 10, 30]],
  },
  'a child that ended before its parent started': {
    rows: [
      ['A', undefined, 10, 20],
      ['B', 'A', 1, 4],
    ],
    expected: [['A', 10, 30]],
  },
};

for (const [name, { rows, expected }] of Object.entries(jaeger)) {
  test(`strict gives what Jaeger expects: ${name}`, () => {
    assert.deepEqual(sectionsOf(rows, 'strict'), expected);
  });
}

/** Time on the path by span that CRISP expects (test_cases), zero-length spans left out. */
const crisp: Readonly<
  Record<string, { readonly rows: readonly Row[]; readonly expected: Readonly<Record<string, number>> }>
> = {
  'one child': {
    rows: [
      ['A', undefined, 0, 100],
      ['B', 'A', 10, 50],
    ],
    expected: { A: 50, B: 50 },
  },
  'a child that ends after its parent': {
    rows: [
      ['A', undefined, 0, 100],
      ['B', 'A', 10, 100],
      ['C', 'B', 40, 10],
    ],
    expected: { A: 10, B: 80, C: 10 },
  },
  'a child outside of its parent': {
    rows: [
      ['A', undefined, 0, 100],
      ['B', 'A', 110, 50],
      ['C', 'B', 120, 30],
      ['D', 'A', 60, 30],
    ],
    expected: { A: 70, D: 30 },
  },
  'concurrent children of a child': {
    rows: [
      ['A', undefined, 0, 100],
      ['B', 'A', 10, 60],
      ['C', 'B', 25, 20],
      ['D', 'B', 30, 20],
    ],
    expected: { A: 40, B: 40, D: 20 },
  },
  'one of three overlapping children left out': {
    rows: [
      ['A', undefined, 0, 80],
      ['B', 'A', 10, 20],
      ['C', 'A', 20, 25],
      ['D', 'A', 40, 25],
    ],
    expected: { A: 35, B: 20, D: 25 },
  },
  'six children in a row, two of them concurrent': {
    rows: [
      ['A', undefined, 0, 110],
      ['B', 'A', 10, 10],
      ['C', 'A', 15, 20],
      ['D', 'A', 30, 10],
      ['E', 'A', 50, 10],
      ['F', 'A', 70, 30],
      ['G', 'F', 80, 10],
    ],
    expected: { A: 50, B: 10, D: 10, E: 10, F: 20, G: 10 },
  },
  'three levels': {
    rows: [
      ['A', undefined, 0, 250],
      ['B', 'A', 10, 100],
      ['C', 'B', 30, 10],
      ['D', 'B', 50, 10],
      ['E', 'B', 70, 10],
      ['F', 'A', 120, 100],
      ['G', 'F', 140, 60],
      ['H', 'G', 150, 20],
      ['I', 'G', 180, 10],
    ],
    expected: { A: 50, B: 70, C: 10, D: 10, E: 10, F: 40, G: 30, H: 20, I: 10 },
  },
  'a child that ends with its parent': {
    rows: [
      ['A', undefined, 0, 300],
      ['B', 'A', 50, 50],
      ['C', 'A', 150, 50],
      ['D', 'A', 250, 50],
    ],
    expected: { A: 150, B: 50, C: 50, D: 50 },
  },
  'servers that stick out of their clients': {
    rows: [
      ['R', undefined, 0, 1000],
      ['A', 'R', 100, 500, 3],
      ['S', 'A', 105, 504, 2],
      ['X', 'S', 550, 59],
      ['Z', 'R', 700, 0],
      ['B', 'R', 750, 200, 3],
      ['T', 'B', 745, 200, 2],
    ],
    expected: { R: 300, S: 441, X: 59, T: 200 },
  },
};

const timesOf = (rows: readonly Row[], mode: PathMode) => {
  const times: Record<string, number> = {};
  for (const [name, from, to] of sectionsOf(rows, mode) as [string, number, number][])
    times[name] = (times[name] ?? 0) + to - from;
  return times;
};

for (const [name, { rows, expected }] of Object.entries(crisp)) {
  test(`robust gives what CRISP expects: ${name}`, () => {
    assert.deepEqual(timesOf(rows, 'robust'), expected);
  });
}

test('robust gives CRISP’s path where siblings overlap; the overlap, which CRISP counts twice, goes to the later one', () => {
  const rows: Row[] = [
    ['A', undefined, 0, 1000],
    ['B', 'A', 10, 200],
    ['C', 'A', 209, 100],
    ['D', 'A', 308, 300],
  ];
  // CRISP: 400, 200, 100, 300.
  assert.deepEqual(timesOf(rows, 'robust'), { A: 402, B: 199, C: 99, D: 300 });
});

/** CRISP's own tests of its path: the spans on it, last first. */
const crispPaths: readonly (readonly [string, readonly Row[], readonly string[]])[] = [
  [
    'siblings after each other',
    [
      ['A', 'R', 0, 400],
      ['B', 'R', 500, 500],
    ],
    ['R', 'B', 'A'],
  ],
  [
    'a concurrent sibling',
    [
      ['A', 'R', 0, 600],
      ['B', 'R', 500, 500],
    ],
    ['B', 'R'],
  ],
  [
    'an overlap within the allowance',
    [
      ['A', 'R', 0, 505],
      ['B', 'R', 500, 500],
    ],
    ['B', 'A'],
  ],
  [
    'a third event in the overlap',
    [
      ['A', 'R', 0, 505],
      ['B', 'R', 500, 500],
      ['C', 'R', 502, 8],
    ],
    ['B', 'R'],
  ],
  [
    'an overlap of the allowance exactly',
    [
      ['A', 'R', 0, 510],
      ['B', 'R', 500, 500],
    ],
    ['B', 'R'],
  ],
  [
    'equal ends',
    [
      ['X', 'R', 500, 500],
      ['Y', 'R', 600, 400],
      ['XC', 'X', 500, 200],
      ['YC', 'Y', 600, 200],
    ],
    ['Y', 'YC', 'R'],
  ],
  [
    'nested paths',
    [
      ['A', 'R', 0, 400],
      ['B', 'R', 500, 500],
      ['B1', 'B', 900, 100],
      ['B2', 'B', 500, 300],
    ],
    ['B1', 'B', 'B2', 'R', 'A'],
  ],
];

for (const [name, rows, expected] of crispPaths) {
  test(`robust follows the spans that CRISP follows: ${name}`, () => {
    const names = sectionsOf([['R', undefined, 0, 1000], ...rows], 'robust').map(([span]) => String(span));
    const order = [...new Set(names.reverse())];
    assert.deepEqual(new Set(order), new Set(expected));
    for (const span of expected) assert.ok(order.includes(span), span);
  });
}

test('what follows from its parent is on no path, and is no root where there is another', () => {
  const follows = (spanId: string) => [
    {
      traceId: '0'.repeat(31).concat('1'),
      spanId,
      attributes: { 'opentracing.ref_type': 'follows_from' },
    },
  ];
  const [a, b, c] = spansOf([
    ['A', undefined, 1, 30],
    ['B', 'A', 10, 10],
    ['C', 'B', 12, 2],
  ]) as [Span, Span, Span];
  const { parentSpanId: _, ...free } = b;
  for (const span of [
    { ...b, links: follows(a.spanId) },
    { ...free, links: follows(a.spanId) },
  ]) {
    for (const mode of ['strict', 'robust'] as const) {
      assert.deepEqual(
        pathOf([a, span, c], mode).sections.map(({ name }) => name),
        ['A'],
      );
    }
  }
  const other = [{ traceId: 'f'.repeat(32), spanId: a.spanId, attributes: { 'opentracing.ref_type': 'follows_from' } }];
  assert.ok(
    pathOf([a, { ...b, links: other }, c], 'strict').sections.some(({ name }) => name === 'B'),
    'a link to another trace says nothing of this one',
  );
});

test('roots are taken by their start: all of them by strict, the first by robust; an orphan only when there is no root', () => {
  const rows: Row[] = [
    ['late', undefined, 200, 50],
    ['early', undefined, 100, 50],
    ['orphan', 'gone', 10, 500],
  ];
  assert.deepEqual(sectionsOf(rows, 'strict'), [
    ['early', 100, 150],
    ['late', 200, 250],
  ]);
  assert.deepEqual(sectionsOf(rows, 'robust'), [['early', 100, 150]]);
  assert.deepEqual(sectionsOf([['orphan', 'gone', 10, 500]], 'strict'), [['orphan', 10, 510]]);
});

test('sides of a call that share one span id, as Zipkin writes them, are client above server', () => {
  const spans = spansOf([
    ['R', undefined, 0, 100],
    ['call', 'R', 10, 80, 3],
    ['call', 'R', 20, 60, 2],
    ['work', 'call', 30, 40],
  ]).map((span, at) => ({ ...span, name: ['R', 'client', 'server', 'work'][at] ?? '' }));
  for (const order of [spans, [...spans].reverse()]) {
    assert.deepEqual(
      pathOf(order, 'strict').sections.map(({ name }) => name),
      ['R', 'client', 'server', 'work', 'server', 'client', 'R'],
    );
  }
});

test('nanoseconds are kept over days: a root that starts at zero, and roots far apart', () => {
  const now = 1_767_225_600_000_000_123n;
  const [a, b] = spansOf([
    ['A', undefined, 0, 1],
    ['B', undefined, 0, 1],
  ]) as [Span, Span];
  const long = pathOf([{ ...a, startNanos: 0n, endNanos: now }], 'strict');
  assert.equal(long.durationNanos, now);
  assert.equal(long.sections.at(-1)?.endNanos, now);
  const apart = pathOf(
    [
      { ...a, startNanos: 1n, endNanos: 4n },
      { ...b, startNanos: now, endNanos: now + 7n },
    ],
    'strict',
  );
  assert.equal(apart.durationNanos, 10n);
  assert.deepEqual(
    apart.sections.map(({ startNanos, endNanos }) => endNanos - startNanos),
    [3n, 7n],
  );
});
