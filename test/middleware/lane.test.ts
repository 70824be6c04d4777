import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, propagation as otelBaggage, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { eachRecord } from '../../lib/middleware/each-record.ts';
import { traced } from '../../lib/middleware/traced.ts';
import type { Span } from '../../lib/model/span.ts';
import { createTracing } from '../../lib/provider/tracing.ts';

// Without test/middleware/recording.ts, which registers a context manager of its own: here it is ours.
const own = (sampler = 'parentbased_always_on') => {
  const sent: Span[] = [];
  const tracing = createTracing({
    env: { OTEL_TRACES_SAMPLER: sampler },
    nanos: () => process.hrtime.bigint(),
    random: Math.random,
    exportSpans: async (spans) => void sent.push(...spans),
  });
  return { tracing, sent };
};

const traceId = (index: number) => `0af7651916cd43dd8448eb211c80${String(index).padStart(4, '0')}`;
const record = (index: number, carrier: Readonly<Record<string, string>>) => ({
  messageId: `059f36b4-87a3-44ab-83d2-66197${String(index).padStart(7, '0')}`,
  body: String(index),
  attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1545082649183' },
  messageAttributes: Object.fromEntries(
    Object.entries(carrier).map(([name, stringValue]) => [name, { stringValue, dataType: 'String' }]),
  ),
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:us-east-2:123456789012:orders',
});
const event = (count: number, carrier: (index: number) => Readonly<Record<string, string>>) => ({
  Records: Array.from({ length: count }, (_, index) => record(index, carrier(index))),
});
const parents = (index: number) => ({
  traceparent: `00-${traceId(index)}-b7ad6b716920${String(index).padStart(4, '0')}-01`,
});
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('in a lane each handler sees its own span, over awaits, and may activate what it likes', async () => {
  const { tracing, sent } = own();
  assert.ok(tracing.inLane, 'our context manager is in charge');
  let captured: ReturnType<typeof context.active> | undefined;
  const handler = traced(
    (incoming) =>
      eachRecord(
        incoming,
        async (message, span) => {
          assert.equal(trace.getActiveSpan(), span);
          await turn();
          assert.equal(trace.getActiveSpan(), span, 'after an await');
          await Promise.all([turn(), turn().then(() => assert.equal(trace.getActiveSpan(), span))]);
          tracing.tracer.startActiveSpan('inner', (inner) => {
            assert.equal(trace.getActiveSpan(), inner);
            inner.end();
          });
          assert.equal(trace.getActiveSpan(), span, 'what was activated inside is over');
          if (message.index === 0) captured = context.active();
          else assert.notEqual(context.active(), captured, 'a context that was kept is the one of its record');
        },
        tracing,
      ),
    tracing,
  );
  await handler(event(3, parents), { functionName: 'take' });
  assert.equal(trace.getActiveSpan(), undefined, 'nothing stays active');
  const byId = new Map(sent.map((span) => [span.spanId, span]));
  const inner = sent.filter(({ name }) => name === 'inner');
  assert.equal(inner.length, 3);
  const records = inner.map(({ parentSpanId = '' }) => byId.get(parentSpanId));
  assert.deepEqual(
    records.map((span) => span?.links.map((link) => link.traceId)),
    [[traceId(0)], [traceId(1)], [traceId(2)]],
  );
  assert.equal(captured && trace.getSpan(captured)?.spanContext().spanId, records[0]?.spanId);
});

test('work beside the batch keeps its own context, and work left behind stays in the trace', async () => {
  const { tracing, sent } = own();
  const left: Promise<void>[] = [];
  const handler = traced(async (incoming) => {
    const before = context.active();
    const [reply] = await Promise.all([
      eachRecord(
        incoming,
        async () => {
          left.push(turn().then(() => tracing.tracer.startSpan('left behind').end()));
        },
        tracing,
      ),
      turn().then(() => assert.equal(context.active(), before)),
    ]);
    assert.equal(context.active(), before);
    await Promise.all(left);
    return reply;
  }, tracing);
  await handler(event(3, parents), { functionName: 'take' });
  assert.equal(new Set(sent.map((span) => span.traceId)).size, 1);
  assert.equal(sent.filter(({ name }) => name === 'left behind').length, 3);
});

test('records with baggage, in traces of their own, or beside others each have a context of their own', async () => {
  const carriers = (index: number) => ({ ...parents(index), baggage: `tenant=t${index}` });
  for (const options of [{}, { relation: 'parent' }, { concurrency: 3 }] as const) {
    const { tracing, sent } = own();
    const late: Promise<unknown>[] = [];
    await eachRecord(
      event(3, carriers),
      (message, span) => {
        late.push(
          turn()
            .then(turn)
            .then(() => {
              assert.equal(trace.getActiveSpan(), span, 'even after the handler has ended');
              const tenant = otelBaggage.getBaggage(context.active())?.getEntry('tenant')?.value;
              assert.equal(tenant, `t${message.index}`);
            }),
        );
      },
      { ...tracing, ...options },
    );
    await Promise.all(late);
    await tracing.flush(100);
    assert.equal(sent.length, 3);
  }
});

test('a failed record, a throw at once and a failed flush leave the lane in order', async () => {
  const { tracing, sent } = own();
  const seen: (string | undefined)[] = [];
  const reply = await eachRecord(
    event(3, parents),
    (message) => {
      seen.push(trace.getActiveSpan()?.spanContext().spanId);
      if (message.index === 0) throw new Error('at once');
      if (message.index === 1) return Promise.reject(new Error('later'));
      return undefined;
    },
    tracing,
  );
  assert.equal(reply?.batchItemFailures.length, 2);
  await tracing.flush(100);
  assert.equal(new Set(seen).size, 3);
  for (const spanId of seen) assert.ok(sent.some((span) => span.spanId === spanId));
  assert.equal(context.active(), ROOT_CONTEXT);
});

test('a message that only says how its trace is to start is believed: decision, and trace id', async () => {
  const [half] = [traceId(9)];
  const cases = [
    [{ b3: '0' }, 'parentbased_always_on', 0, undefined],
    [{ b3: '1' }, 'parentbased_always_off', 2, undefined],
    [{ 'X-B3-Flags': '1' }, 'parentbased_always_off', 2, undefined],
    [{ 'X-Amzn-Trace-Id': `Root=1-${half.slice(0, 8)}-${half.slice(8)};Sampled=1` }, 'parentbased_always_off', 2, half],
    [{ 'X-Amzn-Trace-Id': `Root=1-${half.slice(0, 8)}-${half.slice(8)};Sampled=0` }, 'parentbased_always_on', 0, half],
  ] as const;
  for (const [carrier, sampler, count, wanted] of cases) {
    const { tracing, sent } = own(sampler);
    let active: string | undefined;
    const handler = traced(
      (incoming) => eachRecord(incoming, () => void (active = trace.getActiveSpan()?.spanContext().traceId), tracing),
      tracing,
    );
    await handler(
      event(1, () => carrier),
      { functionName: 'take' },
    );
    assert.equal(sent.length, count, JSON.stringify(carrier));
    assert.match(active ?? '', /^[0-9a-f]{32}$/);
    if (wanted !== undefined) assert.equal(active, wanted);
  }
  const { tracing, sent } = own();
  await eachRecord(
    event(2, (index) => ({ b3: String(index) })),
    () => undefined,
    { ...tracing, relation: 'parent' },
  );
  await tracing.flush(100);
  assert.equal(sent.length, 1, 'each record by its own word');
});

test('a span that its handler has ended says nothing of when the next one starts', async () => {
  const { tracing, sent } = own();
  const handler = traced(
    (incoming) =>
      eachRecord(
        incoming,
        async (message, span) => {
          if (message.index === 0) span.end();
          await turn();
        },
        tracing,
      ),
    tracing,
  );
  await handler(event(3, parents), { functionName: 'take' });
  const [first, second, third] = sent.filter(({ name }) => name === 'process orders' && sent.length > 0);
  assert.ok(first && second && third);
  assert.ok(second.startNanos > first.endNanos, 'the first handler went on after its span');
  assert.equal(third.startNanos, second.endNanos, 'nothing was waited for in between');
});

test('what is said of a span is there whenever it is read: under way, changed by the handler, or at its end', async () => {
  const { tracing, sent } = own();
  const under: unknown[] = [];
  const handler = traced(
    (incoming) =>
      eachRecord(
        incoming,
        (message, span) => {
          if (message.index === 1) span.setAttribute('order', 1).addLink({ context: span.spanContext() });
          if (message.index === 2) under.push((span as unknown as Span).attributes['messaging.message.id']);
        },
        tracing,
      ),
    tracing,
  );
  await handler(event(3, parents), { functionName: 'take' });
  const spans = sent.filter(({ name, parentSpanId }) => name === 'process orders' && parentSpanId !== undefined);
  const records = spans.filter(({ attributes }) => attributes['messaging.message.id'] !== undefined);
  assert.equal(records.length, 3);
  for (const [index, span] of records.entries()) {
    assert.equal(span.attributes['messaging.message.id'], record(index, {}).messageId);
    assert.equal(span.links[0]?.traceId, traceId(index));
    assert.equal(span.attributes['tidemark.context.path'], 'sqs.messageAttributes.traceparent');
  }
  assert.deepEqual(
    records.map(({ attributes, links }) => [attributes['order'], links.length]),
    [
      [undefined, 1],
      [1, 2],
      [undefined, 1],
    ],
  );
  assert.deepEqual(under, [record(2, {}).messageId]);
  assert.equal(new Set(sent.map(({ spanId }) => spanId)).size, sent.length);
});

test('beside each other, handlers see their own spans, and spans of theirs hang on them', async () => {
  const { tracing, sent } = own();
  const handler = traced(
    (incoming) =>
      eachRecord(
        incoming,
        async (message, span) => {
          for (let at = 0; at < 4 - (message.index % 3); at++) {
            await turn();
            assert.equal(trace.getActiveSpan(), span);
          }
          tracing.tracer.startSpan(`inner ${message.index}`).end();
          assert.equal(trace.getSpan(context.active().setValue(Symbol('other'), 1)), span, 'a context of its own');
        },
        { ...tracing, concurrency: 3 },
      ),
    tracing,
  );
  assert.deepEqual(await handler(event(7, parents), { functionName: 'take' }), { batchItemFailures: [] });
  const byId = new Map(sent.map((span) => [span.spanId, span]));
  for (let index = 0; index < 7; index++) {
    const inner = sent.find(({ name }) => name === `inner ${index}`);
    const around = byId.get(inner?.parentSpanId ?? '');
    assert.equal(around?.links[0]?.traceId, traceId(index));
    assert.equal(around?.attributes['messaging.message.id'], record(index, {}).messageId);
  }
});

test('what handlers answer may be a value, a promise, or anything that can be waited for, and calls back once', async () => {
  const { tracing, sent } = own();
  const answers: ((index: number) => unknown)[] = [
    () => 'a value',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: a promise of somebody else's making is what is tested
      then: (resolve: (value: unknown) => void) => {
        resolve(1);
        resolve(2);
      },
    }),
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: as above
      then: (resolve: (value: unknown) => void, reject: (thrown: unknown) => void) => {
        setImmediate(() => reject(new Error('late')));
        setImmediate(() => resolve(1));
      },
    }),
    () => {
      throw new Error('at once');
    },
    async () => {
      throw new Error('later');
    },
    async () => undefined,
  ];
  const handled: number[] = [];
  const handler = traced(
    (incoming) =>
      eachRecord(
        incoming,
        ({ index }) => {
          handled.push(index);
          return (answers[index] as (index: number) => unknown)(index);
        },
        tracing,
      ),
    tracing,
  );
  const reply = await handler(event(answers.length, parents), { functionName: 'take' });
  assert.deepEqual(handled, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(reply, { batchItemFailures: [2, 3, 4].map((at) => ({ itemIdentifier: record(at, {}).messageId })) });
  const failed = sent.filter(({ status, kind }) => status === 2 && kind === 5);
  assert.deepEqual(
    failed.map(({ statusMessage }) => statusMessage),
    ['late', 'at once', 'later'],
  );
});

test('around an invalid span each record starts a trace of its own, and none has an id of zeros', async () => {
  const { tracing, sent } = own();
  const invalid = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 });
  await context.with(trace.setSpan(ROOT_CONTEXT, invalid), () =>
    eachRecord(event(2, parents), () => undefined, tracing),
  );
  await tracing.flush(100);
  assert.equal(sent.length, 2);
  assert.ok(sent.every(({ traceId: id, parentSpanId }) => /[^0]/.test(id) && parentSpanId === undefined));
});

test('a sampler that may look at more than the trace is asked about every record', async () => {
  const asked: string[] = [];
  const sent: Span[] = [];
  const tracing = createTracing({
    env: {},
    nanos: () => process.hrtime.bigint(),
    random: Math.random,
    exportSpans: async (spans) => void sent.push(...spans),
    sampler: {
      shouldSample: (_context, _id, name, _kind, attributes) => {
        const id = (attributes as Record<string, unknown>)['messaging.message.id'];
        if (name === 'process orders' && id !== undefined) asked.push(String(id));
        return { decision: id === record(1, {}).messageId ? 0 : 2 };
      },
      toString: () => 'by message',
    },
  });
  await traced((incoming) => eachRecord(incoming, () => undefined, tracing), tracing)(event(3, parents));
  assert.deepEqual(
    asked,
    [0, 1, 2].map((index) => record(index, {}).messageId),
  );
  const kept = sent.map(({ attributes }) => attributes['messaging.message.id']).filter((id) => id !== undefined);
  assert.deepEqual(kept, [record(0, {}).messageId, record(2, {}).messageId]);
});
