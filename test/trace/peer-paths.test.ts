import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JaegerSpan, jaegerPath } from '../../bench/jaeger-path.ts';
import { type Columns, type PathMode, walkPath } from '../../lib/trace/walk-path.ts';

/** Traces of any shape: children may stick out of their parents, lie beside them, or have no length; kinds of every sort. */
const traces = fc
  .array(
    fc.record({
      parent: fc.nat(30),
      from: fc.integer({ min: 1, max: 300 }),
      length: fc.nat(300),
      kind: fc.constantFrom(0, 1, 2, 3, 4, 5),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map(
    (rows): Columns => ({
      parents: Int32Array.from(rows, ({ parent }, at) => (at === 0 ? -1 : parent % at)),
      kinds: Uint8Array.from(rows, ({ kind }) => kind),
      starts: Float64Array.from(rows, ({ from }) => from),
      ends: Float64Array.from(rows, ({ from, length }, at) => from + length + (at === 0 ? 100 : 0)),
    }),
  );

const sectionsOf = (columns: Columns, mode: PathMode): [number, number, number][] => {
  const { length, at, from, to } = walkPath(columns, 0, mode);
  return Array.from({ length }, (_, index) => [at[index] as number, from[index] as number, to[index] as number]);
};

const kindNames = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 2000);

test('strict is what the algorithm of Jaeger gives, on any trace', () => {
  fc.assert(
    fc.property(traces, (columns) => {
      const { parents, kinds, starts, ends } = columns;
      const spans = Array.from(
        parents,
        (parent, at): JaegerSpan => ({
          spanID: String(at),
          kind: kindNames[kinds[at] as number] ?? '',
          parent: parent < 0 ? undefined : String(parent),
          startTime: starts[at] as number,
          duration: (ends[at] as number) - (starts[at] as number),
          childSpanIds: [],
        }),
      );
      parents.forEach((parent, at) => {
        spans[parent]?.childSpanIds.push(String(at));
      });
      const expected = jaegerPath(spans, '0')
        .filter(({ sectionStart, sectionEnd }) => sectionStart !== sectionEnd)
        .map(({ spanID, sectionStart, sectionEnd }): [number, number, number] => [
          Number(spanID),
          sectionStart,
          sectionEnd,
        ])
        .reverse();
      assert.deepEqual(sectionsOf(columns, 'strict'), expected);
    }),
    { numRuns },
  );
});

interface CrispSpan {
  start: number;
  end: number;
  duration: number;
  children: number[];
}

/** CRISP as it publishes its rules: sanitised children, then those that happen before the one followed last, and below each. */
const crispPath = ({
  parents,
  kinds,
  starts,
  ends,
}: Columns): { path: number[]; spans: CrispSpan[]; isExempt: boolean } => {
  const spans = Array.from(
    parents,
    (_, at): CrispSpan => ({
      start: starts[at] as number,
      end: ends[at] as number,
      duration: (ends[at] as number) - (starts[at] as number),
      children: [],
    }),
  );
  parents.forEach((parent, at) => {
    if (parent >= 0) spans[parent]?.children.push(at);
  });
  let isExempt = false;
  const isSkewed = (parent: number, child: number): boolean => {
    const above = parents[parent] as number;
    const isCall =
      kinds[child] === 2 && (kinds[parent] === 3 || (kinds[parent] !== 2 && above >= 0 && kinds[above] === 2));
    const [up, own] = [spans[parent] as CrispSpan, spans[child] as CrispSpan];
    return isCall && up.children.length === 1 && !(own.duration > 1.01 * up.duration);
  };
  const sanitise = (at: number): void => {
    const span = spans[at] as CrispSpan;
    const kept: number[] = [];
    for (const child of span.children) {
      const own = spans[child] as CrispSpan;
      if (isSkewed(at, child)) {
        if (own.start < span.start || own.end > span.end) isExempt = true;
        own.duration = Math.min(own.duration, span.duration);
      } else if (own.start >= span.start && own.end <= span.end) {
        // Lies inside.
      } else if (own.start < span.start && own.end <= span.end && own.end > span.start) {
        own.duration -= span.start - own.start;
        own.start = span.start;
      } else if (own.start >= span.start && own.end > span.end && own.start < span.end) {
        own.duration -= own.end - span.end;
        own.end = span.end;
      } else continue;
      kept.push(child);
      sanitise(child);
    }
    span.children = kept;
  };
  sanitise(0);
  const path: number[] = [];
  const follow = (at: number): void => {
    path.push(at);
    const span = spans[at] as CrispSpan;
    const order = span.children
      .map((child, place) => ({ child, place, end: (spans[child] as CrispSpan).end }))
      .sort((a, b) => b.end - a.end || b.place - a.place)
      .map(({ child }) => child);
    let later: CrispSpan | undefined;
    for (const child of order) {
      const own = spans[child] as CrispSpan;
      if (later !== undefined && !happensBefore(span, own, later)) continue;
      follow(child);
      later = own;
    }
  };
  const happensBefore = (parent: CrispSpan, before: CrispSpan, later: CrispSpan): boolean => {
    if (before.end < later.start) return true;
    if (!(before.end < later.end && before.start < later.start)) return false;
    if (!((before.end - later.start) / parent.duration < 0.01)) return false;
    const events = parent.children.flatMap((child) => [
      (spans[child] as CrispSpan).start,
      (spans[child] as CrispSpan).end,
    ]);
    return events.filter((each) => each >= later.start && each <= before.end).length === 2;
  };
  follow(0);
  return { path, spans, isExempt };
};

test('robust follows the spans that CRISP follows, with its times where no span overlaps or sticks out, on any trace', () => {
  let compared = 0;
  fc.assert(
    fc.property(traces, (columns) => {
      const { path, spans, isExempt } = crispPath(columns);
      const times = new Map<number, number>();
      for (const [span, from, to] of sectionsOf(columns, 'robust')) times.set(span, (times.get(span) ?? 0) + to - from);
      if (isExempt) return;
      for (const span of times.keys()) assert.ok(path.includes(span), `${span} is on ${path}`);
      const exclusive = new Map(path.map((at) => [at, spans[at]?.duration ?? 0]));
      for (const at of path.slice(1)) {
        const parent = columns.parents[at] as number;
        exclusive.set(parent, (exclusive.get(parent) ?? 0) - (spans[at]?.duration ?? 0));
      }
      const root = spans[0] as CrispSpan;
      const sum = [...exclusive.values()].reduce((all, each) => all + each, 0);
      if (sum !== root.duration || [...exclusive.values()].some((each) => each < 0)) return;
      const isOverlapping = path.some((at) => {
        const own = path.filter((each) => columns.parents[each] === at).map((each) => spans[each] as CrispSpan);
        return own.some((a) => own.some((b) => a !== b && a.start < b.end && b.start < a.end));
      });
      if (isOverlapping) return;
      compared += 1;
      for (const [at, time] of exclusive) assert.equal(times.get(at) ?? 0, time, `span ${at}`);
    }),
    { numRuns },
  );
  assert.ok(compared > numRuns / 4, `${compared} compared`);
});
