import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Span, spanKinds } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { pathProfile } from '../../lib/trace/path-profile.ts';
import { retime, whatIf } from '../../lib/trace/what-if.ts';
import { aSpan } from '../support/a-span.ts';

const traceId = (n: number) => n.toString(16).padStart(32, '0');
const id = (n: number) => n.toString(16).padStart(16, '0');

/** web [0, 100] calls stock [10, 40], then pay [50, 50 + slow]; cache [50, 60] runs beside pay. */
const shop = (n: number, slow: number): Span[] => [
  aSpan({ traceId: traceId(n), spanId: id(1), service: 'web', name: 'GET /', from: 0, to: 60 + slow }),
  aSpan({ traceId: traceId(n), spanId: id(2), parentSpanId: id(1), service: 'stock', name: 'take', from: 10, to: 40 }),
  aSpan({
    traceId: traceId(n),
    spanId: id(3),
    parentSpanId: id(1),
    service: 'pay',
    name: 'charge',
    from: 50,
    to: 50 + slow,
  }),
  aSpan({ traceId: traceId(n), spanId: id(4), parentSpanId: id(1), service: 'cache', name: 'warm', from: 50, to: 60 }),
];

test('shares of the critical path add up over services and over operations, with the longest traces as exemplars', () => {
  const { services, operations, traces, workSeconds, queueSeconds } = pathProfile(
    assemble([20, 30, 40, 50].flatMap((slow, at) => shop(at + 1, slow))),
  );
  assert.equal(traces, 4);
  assert.equal(queueSeconds, 0);
  assert.ok(Math.abs(workSeconds - 0.38) < 1e-12);
  for (const list of [services, operations])
    assert.ok(Math.abs(list.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-12);
  assert.deepEqual(
    services.map(({ service, seconds }) => [service, Math.round(seconds * 1e6) / 1e3]),
    [
      ['pay', 140],
      ['stock', 120],
      ['web', 120],
    ],
    'what runs beside is not on the path',
  );
  assert.deepEqual(services[0]?.exemplars, [traceId(4), traceId(3), traceId(2)]);
  assert.equal(operations[0]?.name, 'charge');
  assert.equal(operations[0]?.traces, 4);
});

test('time in queues is apart from work', () => {
  const { services, queues, queueSeconds } = pathProfile(
    assemble([
      aSpan({ spanId: id(1), service: 'web', kind: spanKinds.server, from: 0, to: 10 }),
      aSpan({ spanId: id(2), parentSpanId: id(1), service: 'web', kind: spanKinds.producer, from: 5, to: 6 }),
      aSpan({
        spanId: id(3),
        parentSpanId: id(2),
        service: 'pack',
        kind: spanKinds.consumer,
        from: 106,
        to: 120,
        attributes: { 'messaging.destination.name': 'orders' },
      }),
    ]),
  );
  assert.equal(queueSeconds, 0.1);
  assert.deepEqual(
    queues.map(({ service, name, share }) => [service, name, share]),
    [['pack', 'orders', 1]],
  );
  assert.ok(Math.abs(services.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-12);
});

test('what-if: an operation on the path saves what it loses, until another path takes its place', () => {
  const traces = assemble(shop(1, 40));
  const after = (service: string, ms: number) => {
    const [trace] = traces;
    assert.ok(trace !== undefined);
    return (retime(trace, { service, fasterNanos: ms * 1e6 })?.afterNanos ?? 0) / 1e6;
  };
  assert.equal(after('pay', 0), 100);
  assert.equal(after('pay', 25), 75);
  assert.equal(after('pay', 100), 70, 'then warming the cache decides');
  assert.equal(after('cache', 100), 100, 'what is not on the path saves nothing');
  assert.equal(after('stock', 10), 90, 'what waited for it starts earlier');
  assert.equal(after('web', 1000), 70, 'no span gets faster than no work of its own');
  const answer = whatIf(assemble([20, 40].flatMap((slow, at) => shop(at + 1, slow))), {
    service: 'pay',
    name: 'charge',
    fasterNanos: 15e6,
  });
  assert.deepEqual(
    [answer.traces, answer.touched, Math.round(answer.beforeSeconds * 1e3), Math.round(answer.afterSeconds * 1e3)],
    [2, 2, 180, 155],
  );
  assert.equal(answer.exemplars[0], traceId(2));
});

test('what-if: nothing faster changes nothing, and faster is never slower, whatever the trace', () => {
  const shapes = fc.array(
    fc.record({ parent: fc.nat(20), from: fc.nat(300), length: fc.nat(200), service: fc.constantFrom('a', 'b') }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(shapes, fc.nat(100), (rows, faster) => {
      const spans = rows.map(({ parent, from, length, service }, at) =>
        aSpan({
          spanId: id(at + 1),
          ...(at === 0 ? {} : { parentSpanId: id((parent % at) + 1) }),
          service,
          from,
          to: from + length,
        }),
      );
      const [trace] = assemble(spans);
      assert.ok(trace !== undefined);
      const same = retime(trace, { service: 'a', fasterNanos: 0 });
      assert.ok(same !== undefined);
      assert.equal(same.afterNanos, same.beforeNanos);
      const retimed = retime(trace, { service: 'a', fasterNanos: faster * 1e6 });
      assert.ok(retimed !== undefined && retimed.afterNanos <= same.beforeNanos && retimed.afterNanos >= 0);
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 500) },
  );
});
