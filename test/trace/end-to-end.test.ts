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

test('a consumer of a batch is known by its links, the message sent last let it begin', () => {
  const links = [2, 3].map((n) => ({ traceId: order[0]?.traceId ?? '', spanId: id(n) }));
  const batch = [
    span(1, 0, 'root', spanKinds.server, 0, 50),
    span(2, 1, 'send first', spanKinds.producer, 10, 12),
    span(3, 1, 'send second', spanKinds.producer, 30, 32),
    { ...span(4, 0, 'pack', spanKinds.consumer, 80, 120), links },
  ];
  assert.deepEqual(path(batch), [
    ['root', 'work', 0, 10],
    ['send first', 'work', 10, 12],
    ['root', 'work', 12, 30],
    ['send second', 'work', 30, 32],
    ['queue of pack', 'queue', 32, 80],
    ['pack', 'work', 80, 120],
  ]);
  const foreign = batch.map((each) =>
    each.name === 'pack' ? { ...each, links: links.map((link) => ({ ...link, traceId: 'f'.repeat(32) })) } : each,
  );
  assert.ok(
    path(foreign).every(([name]) => name !== 'pack'),
    'a link to another trace is no message of this one',
  );
});

test('a chain of ten thousand messages, and as many consumers of one, end', () => {
  const chain = Array.from({ length: 10_000 }, (_, at) =>
    span(at + 1, at, `s${at}`, at === 0 ? 2 : at % 2 === 1 ? 4 : 5, at, at + 2),
  );
  assert.ok(path(chain).length > 0);
  const fan = [
    span(1, 0, 'root', 2, 0, 10),
    span(2, 1, 'send', 4, 1, 2),
    ...Array.from({ length: 10_000 }, (_, at) => span(at + 3, 2, `c${at}`, 5, 20 + at / 100, 30 + at / 100)),
  ];
  assert.equal(path(fan).at(-1)?.[0], 'c9999');
});

test('sections follow each other without a gap, whatever the trace', () => {
  const shapes = fc.array(
    fc.record({
      parent: fc.nat(30),
      from: fc.nat(500),
      length: fc.nat(300),
      kind: fc.constantFrom(1, 4, 4, 5, 5),
      link: fc.option(fc.nat(30), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(shapes, (rows) => {
      const [trace] = assemble(
        rows.map(({ parent, from, length, kind, link }, at) => ({
          ...span(
            at + 1,
            at === 0 || link !== undefined ? 0 : (parent % at) + 1,
            `s${at}`,
            at === 0 ? 2 : kind,
            from,
            from + length,
          ),
          links: link === undefined ? [] : [{ traceId: order[0]?.traceId ?? '', spanId: id((link % rows.length) + 1) }],
        })),
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
