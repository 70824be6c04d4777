import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PathMode, walkPath } from '../../lib/trace/walk-path.ts';

/** [name, parent, start, end, kind?, host?] */
type Row = readonly [string, string | undefined, number, number, number?, number?];

const path = (rows: readonly Row[], mode: PathMode) => {
  const names = rows.map(([name]) => name);
  const walked = walkPath(
    {
      parents: Int32Array.from(rows, ([, parent]) => (parent === undefined ? -1 : names.indexOf(parent))),
      kinds: Uint8Array.from(rows, ([, , , , kind]) => kind ?? 1),
      starts: Float64Array.from(rows, ([, , start]) => start),
      ends: Float64Array.from(rows, ([, , , end]) => end),
      hosts: Int32Array.from(rows, ([, , , , , host]) => host ?? -1),
    },
    0,
    mode,
  );
  return Array.from({ length: walked.length }, (_, at) => [
    names[walked.at[at] as number],
    walked.from[at],
    walked.to[at],
  ]);
};

test('strict: a later child that ends after the root is clipped, and blocks', () => {
  const rows: Row[] = [
    ['R', undefined, 1, 101],
    ['C', 'R', 20, 50],
    ['D', 'R', 50, 120],
    ['E', 'D', 60, 110],
  ];
  assert.deepEqual(path(rows, 'strict'), [
    ['R', 1, 50],
    ['D', 50, 60],
    ['E', 60, 101],
  ]);
});

test('strict: of children that end together the first in order is on the path', () => {
  const rows: Row[] = [
    ['R', undefined, 0, 10],
    ['A', 'R', 2, 8],
    ['B', 'R', 4, 8],
  ];
  assert.deepEqual(path(rows, 'strict'), [
    ['R', 0, 2],
    ['A', 2, 8],
    ['R', 8, 10],
  ]);
  assert.deepEqual(
    path(rows, 'robust').map(([name]) => name),
    ['R', 'B', 'R'],
    'CRISP takes the last',
  );
});

test('robust: siblings may overlap by less than 1 % of their parent, and the overlap is charged to the later one', () => {
  const rows = (end: number): Row[] => [
    ['R', undefined, 0, 1000],
    ['A', 'R', 100, end],
    ['B', 'R', 500, 900],
  ];
  assert.deepEqual(path(rows(509), 'robust'), [
    ['R', 0, 100],
    ['A', 100, 500],
    ['B', 500, 900],
    ['R', 900, 1000],
  ]);
  assert.deepEqual(
    path(rows(510), 'robust').map(([name]) => name),
    ['R', 'B', 'R'],
    '1 % exactly is too much',
  );
  assert.deepEqual(
    path(rows(509), 'strict').map(([name]) => name),
    ['R', 'B', 'R'],
  );
});

test('robust: a third event in the overlap means that the siblings did not wait for each other', () => {
  const rows: Row[] = [
    ['R', undefined, 0, 1000],
    ['A', 'R', 100, 505],
    ['X', 'R', 503, 600],
    ['B', 'R', 500, 900],
  ];
  assert.deepEqual(
    path(rows, 'robust').map(([name]) => name),
    ['R', 'B', 'R'],
  );
});

test('robust: what overflows on both sides is dropped with all below it; strict clips it', () => {
  const rows: Row[] = [
    ['R', undefined, 10, 100],
    ['C', 'R', 0, 200],
    ['G', 'C', 20, 90],
  ];
  assert.deepEqual(path(rows, 'robust'), [['R', 10, 100]]);
  assert.deepEqual(path(rows, 'strict'), [
    ['C', 10, 20],
    ['G', 20, 90],
    ['C', 90, 100],
  ]);
});

test('robust: a server whose clock is ahead is shifted into its client, with what it did', () => {
  const rows: Row[] = [
    ['R', undefined, 0, 100, 3],
    ['S', 'R', 50, 140, 2],
    ['W', 'S', 60, 130, 1],
  ];
  assert.deepEqual(path(rows, 'robust'), [
    ['R', 0, 10],
    ['S', 10, 20],
    ['W', 20, 90],
    ['S', 90, 100],
  ]);
});

test('robust: hosts that differ are a sign of skew as well; one host is not', () => {
  const rows = (host: number): Row[] => [
    ['R', undefined, 0, 100, 1, 0],
    ['S', 'R', -40, 50, 1, host],
  ];
  assert.deepEqual(path(rows(1), 'robust'), [
    ['S', 0, 90],
    ['R', 90, 100],
  ]);
  assert.deepEqual(path(rows(0), 'robust'), [
    ['S', 0, 50],
    ['R', 50, 100],
  ]);
});

test('inputs are not changed', () => {
  const columns = {
    parents: Int32Array.of(-1, 0),
    kinds: Uint8Array.of(1, 1),
    starts: Float64Array.of(0, -5),
    ends: Float64Array.of(10, 20),
  };
  walkPath(columns, 0, 'strict');
  walkPath(columns, 0, 'robust');
  assert.deepEqual([...columns.starts, ...columns.ends], [0, -5, 10, 20]);
});
