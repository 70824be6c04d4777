import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Span } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { criticalPath, type PathMode } from '../../lib/trace/critical-path.ts';
import { aSpan, origin } from '../support/a-span.ts';

const path = (spans: readonly Span[], mode?: PathMode) => {
  const [trace] = assemble(spans);
  assert.ok(trace !== undefined);
  return criticalPath(trace, mode).sections.map(({ name, startNanos, endNanos }) => [
    name,
    Number(startNanos - origin) / 1e6,
    Number(endNanos - origin) / 1e6,
  ]);
};

const root = aSpan({ name: 'R', spanId: '00000000000000ff', from: 1, to: 101 });
const child = (name: string, from: number, to: number, fields: Partial<Span> = {}) =>
  aSpan({ name, from, to, parentSpanId: '00000000000000ff', ...fields });

test('the last child to finish is on the path, its earlier sibling where it ended before', () => {
  assert.deepEqual(path([root, child('A', 11, 40), child('B', 51, 91), child('C', 20, 60)]), [
    ['R', 1, 11],
    ['A', 11, 40],
    ['R', 40, 51],
    ['B', 51, 91],
    ['R', 91, 101],
  ]);
});

test('back-to-back siblings follow each other in robust mode and not in strict mode, as in Jaeger', () => {
  const spans = [root, child('A', 11, 51), child('B', 51, 91)];
  assert.deepEqual(path(spans, 'strict'), [
    ['R', 1, 51],
    ['B', 51, 91],
    ['R', 91, 101],
  ]);
  assert.deepEqual(path(spans, 'robust'), [
    ['R', 1, 11],
    ['A', 11, 51],
    ['B', 51, 91],
    ['R', 91, 101],
  ]);
});

test('a consumer of a producer is asynchronous and not on the path', () => {
  const spans = [{ ...root, kind: 4 }, child('C', 11, 91, { kind: 5 })];
  assert.deepEqual(path(spans), [['R', 1, 101]]);
});

test('a child beyond its parent is clipped, one outside of it dropped', () => {
  assert.deepEqual(path([root, child('over', 90, 300), child('after', 101, 200), child('before', 0, 1)]), [
    ['R', 1, 90],
    ['over', 90, 101],
  ]);
});

test('a start at zero and a child there end, and cycles and self-parents too', () => {
  const own = aSpan({ spanId: '00000000000000aa', parentSpanId: '00000000000000aa' });
  const a = aSpan({ spanId: '00000000000000a1', parentSpanId: '00000000000000a2' });
  const b = aSpan({ spanId: '00000000000000a2', parentSpanId: '00000000000000a1' });
  assert.equal(path([own]).length, 1);
  assert.ok(path([a, b]).length >= 1);
});

for (const mode of ['strict', 'robust'] as const) {
  test(`${mode} sections tile the root exactly, whatever the trace`, () => {
    const arbitrary = fc.array(
      fc.record({ parent: fc.nat(30), from: fc.nat(1000), length: fc.nat(400), kind: fc.integer({ min: 0, max: 5 }) }),
      {
        minLength: 1,
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(arbitrary, (shapes) => {
        const spans = shapes.map(({ parent, from, length, kind }, at) =>
          aSpan({
            spanId: (at + 1).toString(16).padStart(16, '0'),
            ...(at === 0 ? {} : { parentSpanId: ((parent % at) + 1).toString(16).padStart(16, '0') }),
            from,
            to: from + length,
            kind,
          }),
        );
        const [trace] = assemble(spans);
        assert.ok(trace !== undefined);
        const { sections, durationNanos } = criticalPath(trace, mode);
        const first = trace.nodes[trace.roots[0] ?? -1]?.span;
        let at = first?.startNanos ?? 0n;
        for (const { startNanos, endNanos } of sections) {
          assert.equal(startNanos, at);
          assert.ok(endNanos > startNanos);
          at = endNanos;
        }
        assert.equal(at - (first?.startNanos ?? 0n), durationNanos);
      }),
      { numRuns: 500 },
    );
  });
}

test('a chain and a fan of 100,000 spans are walked without recursion', () => {
  const id = (n: number) => (n + 1).toString(16).padStart(16, '0');
  const deep = Array.from({ length: 100_000 }, (_, at) =>
    aSpan({ spanId: id(at), ...(at === 0 ? {} : { parentSpanId: id(at - 1) }), from: at / 1000, to: 400 - at / 1000 }),
  );
  assert.equal(path(deep).length, 199_999);
  const wide = Array.from({ length: 100_000 }, (_, at) =>
    at === 0
      ? aSpan({ spanId: id(0), to: 1000 })
      : aSpan({ spanId: id(at), parentSpanId: id(0), from: at / 200, to: at / 200 + 0.001 }),
  );
  assert.ok(path(wide).length > 190_000);
});
