import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanKinds } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { endToEndPath } from '../../lib/trace/end-to-end.ts';
import { aSpan, origin } from '../support/a-span.ts';

const id = (n: number) => n.toString(16).padStart(16, '0');
const span = (n: number, parent: number, name: string, kind: number, from: number, to: number) =>
  aSpan({
    spanId: id(n),
    ...(parent === 0 ? {} : { parentSpanId: id(parent) }),
    name,
    kind,
    from,
    to,
    ...(kind === spanKinds.consumer ? { attributes: { 'messaging.destination.name': `queue of ${name}` } } : {}),
  });

const order = [
  span(1, 0, 'root', spanKinds.server, 0, 50),
  span(2, 1, 'send', spanKinds.producer, 10, 20),
  span(3, 2, 'pack', spanKinds.consumer, 80, 120),
  span(4, 3, 'send on', spanKinds.producer, 90, 95),
  span(5, 4, 'ship', spanKinds.consumer, 95, 200),
  span(6, 5, 'print', spanKinds.internal, 100, 150),
];

const path = (spans: typeof order) => {
  const [trace] = assemble(spans);
  assert.ok(trace !== undefined);
  return endToEndPath(trace).sections.map(({ name, kind, startNanos, endNanos }) => [
    name,
    kind,
    Number(startNanos - origin) / 1e6,
    Number(endNanos - origin) / 1e6,
  ]);
};

test('the path goes on through queues to the last consumer, waiting told apart from work', () => {
  assert.deepEqual(path(order), [
    ['root', 'work', 0, 10],
    ['send', 'work', 10, 20],
    ['queue of pack', 'queue', 20, 80],
    ['pack', 'work', 80, 90],
    ['send on', 'work', 90, 95],
    ['ship', 'work', 95, 100],
    ['print', 'work', 100, 150],
    ['ship', 'work', 150, 200],
  ]);
});

test('a consumer that starts before its sender returns did not wait', () => {
  const early = order.map((each) => (each.name === 'pack' ? span(3, 2, 'pack', spanKinds.consumer, 15, 120) : each));
  assert.ok(path(early).every(([name, kind]) => name !== 'queue of pack' && kind === 'work'));
  assert.equal(
    path(early).reduce((sum, [, , from, to]) => sum + Number(to) - Number(from), 0),
    200,
  );
});

test('where no consumer outlives the root, the path is the root’s', () => {
  assert.deepEqual(
    path([
      order[0] as (typeof order)[0],
      span(2, 1, 'send', spanKinds.producer, 10, 20),
      span(3, 2, 'pack', spanKinds.consumer, 22, 40),
    ]),
    [
      ['root', 'work', 0, 10],
      ['send', 'work', 10, 20],
      ['root', 'work', 20, 50],
    ],
  );
});

test('sections follow each other without a gap, whatever the trace', () => {
  const shapes = fc.array(
    fc.record({ parent: fc.nat(30), from: fc.nat(500), length: fc.nat(300), kind: fc.constantFrom(1, 4, 4, 5, 5) }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(shapes, (rows) => {
      const [trace] = assemble(
        rows.map(({ parent, from, length, kind }, at) =>
          span(at + 1, at === 0 ? 0 : (parent % at) + 1, `s${at}`, at === 0 ? 2 : kind, from, from + length),
        ),
      );
      assert.ok(trace !== undefined);
      const { sections, durationNanos } = endToEndPath(trace);
      let at = sections[0]?.startNanos ?? 0n;
      const first = at;
      for (const { startNanos, endNanos } of sections) {
        assert.equal(startNanos, at);
        at = endNanos;
      }
      assert.equal(at - first, durationNanos);
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1000) },
  );
});
