import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { attemptId } from '../../lib/middleware/attempt-id.ts';
import { eachRecord } from '../../lib/middleware/each-record.ts';
import { traced } from '../../lib/middleware/traced.ts';
import type { Span } from '../../lib/model/span.ts';
import { propagation } from '../../lib/propagation/propagation.ts';
import { createTracing } from '../../lib/provider/tracing.ts';
import { conventionsOf } from '../../lib/telemetry/semconv.ts';
import { anSqsEvent, anSqsRecord, messageId, recording, spanId, traceId } from './recording.ts';

const identifiers = (reply: unknown) =>
  (reply as { batchItemFailures: { itemIdentifier: unknown }[] }).batchItemFailures.map((item) => item.itemIdentifier);

test('the span of a record is active while its handler runs, over awaits and beside others', async () => {
  const { tracer, spans } = recording();
  const seen: [number, string | undefined, string][] = [];
  await eachRecord(
    anSqsEvent(6),
    async (message, span) => {
      await new Promise((resolve) => setTimeout(resolve, 5 - message.index));
      seen.push([message.index, trace.getActiveSpan()?.spanContext().spanId, span.spanContext().spanId]);
    },
    { tracer, concurrency: 3 },
  );
  assert.equal(seen.length, 6);
  for (const [index, active, own] of seen) assert.equal(active, own, `record ${index}`);
  assert.equal(new Set(spans().map((span) => span.spanContext().spanId)).size, 6);
  assert.equal(trace.getActiveSpan(), undefined);
});

test('no more records are handled at a time than were asked for, and as many as were', async () => {
  for (const concurrency of [undefined, 1, 3, 50]) {
    let running = 0;
    let most = 0;
    const reply = await eachRecord(
      anSqsEvent(9),
      async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      },
      { tracer: recording().tracer, concurrency },
    );
    assert.equal(most, Math.min(concurrency ?? 1, 9));
    assert.deepEqual(reply, { batchItemFailures: [] });
  }
});

test('OTEL_SEMCONV_STABILITY_OPT_IN adds the old names only where dup is asked for', () => {
  for (const optIn of [undefined, '', 'messaging', 'http/dup', 'database, http', 'messaging/dupe']) {
    assert.equal(conventionsOf(optIn), 'current', optIn);
  }
  for (const optIn of [
    'messaging/dup',
    'http,messaging/dup',
    ' messaging/dup , messaging',
    'messaging,messaging/dup',
  ]) {
    assert.equal(conventionsOf(optIn), 'current-and-old', optIn);
  }
});

test('each messaging source has its system, its destination and its operation on the span', async () => {
  const expected = {
    'sns/attribute.json': 'aws.sns',
    'kinesis/data.json': 'aws.kinesis',
    'dynamodb/images.json': 'aws.dynamodb',
    'eventbridge/trace.json': 'aws.eventbridge',
    'eventbridge-v2/metadata.json': 'aws.eventbridge',
    'kafka/byte-forms.json': 'kafka',
    'rabbitmq/headers.json': 'rabbitmq',
    'activemq/properties.json': 'activemq',
    'nsq/envelope.json': 'nsq',
  };
  for (const [file, system] of Object.entries(expected)) {
    const { tracer, spans } = recording();
    const event: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../events', file), 'utf8'));
    await eachRecord(event, () => undefined, { tracer });
    assert.ok(spans().length > 0, file);
    for (const { name, attributes, kind } of spans()) {
      assert.equal(kind, SpanKind.CONSUMER);
      assert.equal(attributes['messaging.system.name'], system, file);
      assert.equal(attributes['messaging.operation.type'], 'process');
      const destination = attributes['messaging.destination.name'];
      assert.equal(name, destination === undefined ? 'process' : `process ${destination}`);
      assert.equal(attributes['messaging.batch.message_count'], undefined, 'never on a single message');
    }
  }
});

test('a single record continues its sender, with what was active as a link', async () => {
  const { tracer, named } = recording();
  const ambient = tracer.startSpan('ambient');
  await context.with(trace.setSpan(context.active(), ambient), () =>
    eachRecord(anSqsEvent(1), () => undefined, { tracer }),
  );
  const [span] = named('process orders');
  assert.equal(span?.kind, SpanKind.CONSUMER);
  assert.equal(span?.spanContext().traceId, traceId(0));
  assert.equal(span?.parentSpanContext?.spanId, spanId(0));
  assert.equal(span?.parentSpanContext?.isRemote, true);
  assert.deepEqual(
    span?.links.map((link) => link.context.spanId),
    [ambient.spanContext().spanId],
  );
});

test('several records are linked to their senders, or continue them by policy', async () => {
  const linked = recording();
  await eachRecord(anSqsEvent(3), () => undefined, { tracer: linked.tracer });
  const spans = linked.named('process orders');
  assert.deepEqual(
    spans.map((span) => span.links.map((link) => `${link.context.traceId}/${link.context.spanId}`)),
    [0, 1, 2].map((index) => [`${traceId(index)}/${spanId(index)}`]),
  );
  assert.ok(spans.every((span) => span.parentSpanContext === undefined));

  const continued = recording();
  await eachRecord(anSqsEvent(3), () => undefined, { tracer: continued.tracer, relation: 'parent' });
  assert.deepEqual(
    continued.named('process orders').map((span) => [span.spanContext().traceId, span.parentSpanContext?.spanId]),
    [0, 1, 2].map((index) => [traceId(index), spanId(index)]),
  );

  const never = recording();
  await eachRecord(anSqsEvent(1), () => undefined, { tracer: never.tracer, relation: 'link' });
  assert.notEqual(never.spans()[0]?.spanContext().traceId, traceId(0));
  assert.equal(never.spans()[0]?.links[0]?.context.spanId, spanId(0));
});

test('a context that lost becomes a link with the reason', async () => {
  const { tracer, spans } = recording();
  const carrier = { traceparent: `00-${traceId(1)}-${spanId(1)}-01`, b3: `${traceId(2)}-${spanId(2)}-1` };
  await eachRecord({ Records: [anSqsRecord(0, { carrier })] }, () => undefined, { tracer });
  assert.equal(spans()[0]?.spanContext().traceId, traceId(1));
  assert.deepEqual(
    spans()[0]?.links.map((link) => [link.context.spanId, link.attributes?.['tidemark.link.reason']]),
    [[spanId(2), 'conflict']],
  );
});

test('an untrusted source restarts the trace and keeps the context as a link', async () => {
  const { tracer, spans } = recording();
  const using = propagation({ sources: { sqs: { trustedAccounts: ['999999999999'] } } });
  await eachRecord(anSqsEvent(1), () => undefined, { tracer, propagation: using });
  assert.notEqual(spans()[0]?.spanContext().traceId, traceId(0));
  assert.equal(spans()[0]?.links[0]?.attributes?.['tidemark.link.reason'], 'untrusted');
});

test('a failed record is reported, marked and logged once; the others are not touched by it', async () => {
  const { tracer, spans } = recording();
  const lines: [string, string, Readonly<Record<string, unknown>> | undefined][] = [];
  const handled: number[] = [];
  const reply = await eachRecord(
    anSqsEvent(4),
    ({ index }) => {
      handled.push(index);
      if (index === 1) throw new TypeError('no such order');
      if (index === 2) return Promise.reject('refused');
      return Promise.resolve();
    },
    { tracer, log: (level, message, fields) => lines.push([level, message, fields]) },
  );
  assert.deepEqual(handled, [0, 1, 2, 3]);
  assert.deepEqual(identifiers(reply), [messageId(1), messageId(2)]);
  assert.deepEqual(
    spans().map((span) => span.status.code),
    [SpanStatusCode.UNSET, SpanStatusCode.ERROR, SpanStatusCode.ERROR, SpanStatusCode.UNSET],
  );
  assert.equal(spans()[1]?.attributes['error.type'], 'TypeError');
  assert.equal(spans()[1]?.events[0]?.name, 'exception');
  assert.equal(lines.length, 2);
  assert.equal(lines[0]?.[2]?.['messageId'], messageId(1));
  assert.equal(lines[0]?.[2]?.['traceId'], spans()[1]?.spanContext().traceId);
});

test('a batch that went well is answered with an empty list and never with nothing', async () => {
  const { tracer } = recording();
  assert.deepEqual(await eachRecord(anSqsEvent(2), () => undefined, { tracer }), { batchItemFailures: [] });
});

for (const concurrency of [1, 4]) {
  test(`in a FIFO queue the rest of a failed group is not begun and is reported (${concurrency} at a time)`, async () => {
    const { tracer } = recording();
    const arn = 'arn:aws:sqs:us-east-2:123456789012:orders.fifo';
    const groups = ['a', 'b', 'a', 'b', 'a'];
    const event = {
      Records: groups.map((MessageGroupId, index) => anSqsRecord(index, { arn, attributes: { MessageGroupId } })),
    };
    const handled: number[] = [];
    const reply = await eachRecord(
      event,
      async ({ index }) => {
        handled.push(index);
        if (index === 2) throw new Error('stop');
      },
      { tracer, concurrency },
    );
    assert.deepEqual(
      handled.toSorted((a, b) => a - b),
      [0, 1, 2, 3],
    );
    assert.deepEqual(identifiers(reply), [messageId(2), messageId(4)]);
  });
}

test('a group on a standard queue is for fairness, and stops nothing', async () => {
  const { tracer } = recording();
  const handled: number[] = [];
  const reply = await eachRecord(
    anSqsEvent(3, { attributes: { MessageGroupId: 'tenant' } }),
    ({ index }) => {
      handled.push(index);
      if (index === 0) throw new Error('first');
    },
    { tracer },
  );
  assert.deepEqual(handled, [0, 1, 2]);
  assert.deepEqual(identifiers(reply), [messageId(0)]);
});

test('a stream stops at its first failure, which is its checkpoint', async () => {
  const { tracer } = recording();
  const record = (index: number) => ({
    eventID: `shardId-000000000006:${index}`,
    eventSource: 'aws:kinesis',
    eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/clicks',
    kinesis: { data: Buffer.from('{}').toString('base64'), sequenceNumber: `4959${index}`, partitionKey: 'p' },
  });
  const handled: number[] = [];
  const reply = await eachRecord(
    { Records: [0, 1, 2, 3].map(record) },
    ({ index }) => {
      handled.push(index);
      if (index === 1) throw new Error('poison');
    },
    { tracer, concurrency: 4 },
  );
  assert.deepEqual(handled, [0, 1]);
  assert.deepEqual(identifiers(reply), ['49591']);
});

test('Kafka names the place of the first failure of each partition, and other partitions go on', async () => {
  const { tracer } = recording();
  const record = (partition: number, offset: number) => ({
    topic: 'orders',
    partition,
    offset,
    timestamp: 1545084650987,
    timestampType: 'CREATE_TIME',
    value: Buffer.from('{}').toString('base64'),
    headers: [],
  });
  const event = {
    eventSource: 'aws:kafka',
    records: { 'orders-0': [record(0, 15), record(0, 16)], 'orders-1': [record(1, 7), record(1, 8)] },
  };
  const handled: string[] = [];
  const reply = await eachRecord(
    event,
    ({ details }) => {
      handled.push(`${details.partition}:${details.offset}`);
      if (details.offset === '15' || details.offset === '8') throw new Error('bad');
    },
    { tracer },
  );
  assert.deepEqual(handled, ['0:15', '1:7', '1:8']);
  assert.deepEqual(identifiers(reply), [
    { partition: 'orders-0', offset: 15 },
    { partition: 'orders-1', offset: 8 },
  ]);
});

test('where the trigger knows no partial failures, the error itself is thrown', async () => {
  const { tracer, spans } = recording();
  const event = { version: '0', id: 'e1', 'detail-type': 'OrderPlaced', source: 'shop', detail: { id: 1 } };
  const error = new Error('not now');
  await assert.rejects(
    eachRecord(event, () => Promise.reject(error), { tracer }),
    (thrown) => thrown === error,
  );
  assert.equal(spans()[0]?.status.code, SpanStatusCode.ERROR);
  assert.equal(await eachRecord(event, () => undefined, { tracer }), undefined);
});

test('a failed record without an id fails the whole batch: an empty id would be read as success or failure of all', async () => {
  const { tracer } = recording();
  const event = { Records: [{ ...anSqsRecord(0), messageId: '' }, anSqsRecord(1)] };
  await assert.rejects(
    eachRecord(
      event,
      ({ index }) => {
        if (index === 0) throw new Error('nameless');
      },
      { tracer },
    ),
    /nameless/,
  );
});

test('an unreadable carrier never fails a record, and a body that is no JSON is the handler’s business', async () => {
  const { tracer } = recording();
  const event = {
    Records: [
      anSqsRecord(0, { carrier: { traceparent: '00-zz' }, body: '{"half":' }),
      anSqsRecord(1, { carrier: { b3: '\u0000' }, body: '' }),
      { ...anSqsRecord(2), messageAttributes: 7, attributes: null },
    ],
  };
  const bodies: unknown[] = [];
  const reply = await eachRecord(event, ({ body }) => void bodies.push(body), { tracer });
  assert.deepEqual(bodies, ['{"half":', '', '{"index":2}']);
  assert.deepEqual(reply, { batchItemFailures: [] });
});

test('semantic-convention names, dwell time, redelivery and redrive are on the span', async () => {
  const { tracer, spans } = recording();
  const attributes = {
    ApproximateReceiveCount: '3',
    DeadLetterQueueSourceArn: 'arn:aws:sqs:us-east-2:123456789012:orders',
  };
  const clock = () => 1545082649183 + 4000;
  await eachRecord(anSqsEvent(1, { attributes }), () => undefined, { tracer, clock });
  assert.deepEqual(spans()[0]?.attributes, {
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.system.name': 'aws.sqs',
    'messaging.destination.name': 'orders',
    'messaging.message.id': messageId(0),
    'tidemark.message.dwell_ms': 4000,
    'tidemark.message.receive_count': 3,
    'tidemark.message.since_first_received_ms': 3998,
    'tidemark.message.dead_lettered_from': 'arn:aws:sqs:us-east-2:123456789012:orders',
    'tidemark.context.path': 'sqs.messageAttributes.traceparent',
  });
  const old = recording();
  await eachRecord(anSqsEvent(1), () => undefined, { tracer: old.tracer, conventions: 'current-and-old' });
  assert.equal(old.spans()[0]?.attributes['messaging.system'], 'aws_sqs');
  assert.equal(old.spans()[0]?.attributes['messaging.operation'], 'process');
});

const own = () => {
  const sent: Span[] = [];
  let nanos = 0n;
  const tracing = createTracing({
    env: { OTEL_TRACES_SAMPLER: 'parentbased_always_on' },
    nanos: () => nanos++,
    random: Math.random,
    exportSpans: async (spans) => void sent.push(...spans),
  });
  return { tracing, sent };
};

test('a redelivered message is linked to its earlier attempt, which exists', async () => {
  for (const relation of ['parent', 'link'] as const) {
    const { tracing, sent } = own();
    const deliver = (count: number) =>
      eachRecord(
        anSqsEvent(2, { attributes: { ApproximateReceiveCount: String(count) } }),
        () => {
          if (count < 3) throw new Error('again');
        },
        { tracer: tracing.tracer, relation },
      );
    for (const count of [1, 2, 3]) await deliver(count);
    await tracing.flush(100);
    const ids = new Set(sent.map((span) => `${span.traceId}/${span.spanId}`));
    const links = sent.flatMap(({ links }) =>
      links.filter((link) => link.attributes?.['tidemark.link.reason'] === 'earlier-attempt'),
    );
    assert.equal(links.length, 4, relation);
    for (const link of links) assert.ok(ids.has(`${link.traceId}/${link.spanId}`), `${relation}: a dead link`);
    assert.equal(ids.size, sent.length, 'no id twice');
  }
});

test('a message on the dead-letter queue is linked to its last attempt on the queue that gave it up', async () => {
  const { tracing, sent } = own();
  const deliver = (count: string, more: object, arn: string) =>
    eachRecord(
      anSqsEvent(1, { attributes: { ApproximateReceiveCount: count, ...more }, arn }),
      () => {
        if (count === '1') throw new Error('no');
      },
      { tracer: tracing.tracer },
    );
  const queue = 'arn:aws:sqs:us-east-2:123456789012:orders';
  await deliver('1', {}, queue);
  await deliver('2', { DeadLetterQueueSourceArn: queue }, `${queue}-dead-letters`);
  await tracing.flush(100);
  const [first, redriven] = sent;
  assert.equal(redriven?.attributes['tidemark.message.dead_lettered_from'], queue);
  assert.equal(redriven?.traceId, first?.traceId);
  const [link] = (redriven?.links ?? []).filter(
    (each) => each.attributes?.['tidemark.link.reason'] === 'earlier-attempt',
  );
  assert.equal(link?.spanId, first?.spanId);
});

test('a single redelivered message of an invocation is linked to its earlier attempt too', async () => {
  for (const relation of ['auto', 'link'] as const) {
    const { tracing, sent } = own();
    const options = { ...tracing, relation };
    const handler = traced(
      (event) =>
        eachRecord(
          event,
          () => {
            throw new Error('again');
          },
          options,
        ),
      options,
    );
    for (const count of ['1', '2']) await handler(anSqsEvent(1, { attributes: { ApproximateReceiveCount: count } }));
    const [link, ...others] = sent.flatMap(({ links }) =>
      links.filter((each) => each.attributes?.['tidemark.link.reason'] === 'earlier-attempt'),
    );
    assert.ok(
      sent.some(({ traceId, spanId }) => traceId === link?.traceId && spanId === link?.spanId),
      relation,
    );
    assert.equal(others.length, 0);
  }
});

test('a tracer that chooses its own span ids gets no link to an attempt that does not exist', async () => {
  const { tracer, spans } = recording();
  await eachRecord(anSqsEvent(1, { attributes: { ApproximateReceiveCount: '2' } }), () => undefined, { tracer });
  assert.deepEqual(spans()[0]?.links, []);
});

test('ids of attempts are valid, of the message and of the count', () => {
  const ids = new Set<string>();
  for (const id of [messageId(1), messageId(2), '00000000-0000-0000-0000-000000000000', 'shardId-0:4959', '']) {
    for (let count = 1; count <= 50; count++) ids.add(attemptId(id, count));
  }
  assert.equal(ids.size, 250);
  for (const id of ids) assert.match(id, /^(?!0{16})[0-9a-f]{16}$/);
  assert.equal(attemptId(messageId(1), 2), attemptId(messageId(1), 2));
});

test('baggage that came with a record is active in its handler', async () => {
  const { tracer } = recording();
  const { propagation: baggage } = await import('@opentelemetry/api');
  const carrier = { traceparent: `00-${traceId(1)}-${spanId(1)}-01`, baggage: 'tenant=%C3%A9clair' };
  let seen: string | undefined;
  await eachRecord(
    { Records: [anSqsRecord(0, { carrier })] },
    () => {
      seen = baggage.getActiveBaggage()?.getEntry('tenant')?.value;
    },
    { tracer },
  );
  assert.equal(seen, 'éclair');
});

test('tells of each record once it is done: its source, its outcome, the format of its context, inside of its span', async () => {
  const { tracer } = recording();
  const fifo = 'arn:aws:sqs:eu-central-1:123456789012:orders.fifo';
  const groups = { attributes: { MessageGroupId: 'a' }, arn: fifo };
  const records = [
    anSqsRecord(0),
    anSqsRecord(1, { carrier: {} }),
    anSqsRecord(2, { ...groups, carrier: { b3: `${traceId(2)}-${spanId(2)}-1` } }),
    anSqsRecord(3, groups),
  ];
  const told: unknown[] = [];
  await eachRecord(
    { Records: records },
    ({ index }) => {
      if (index === 2) throw new Error('no');
    },
    { tracer, onRecord: (record) => told.push([record, trace.getActiveSpan() !== undefined]) },
  );
  assert.deepEqual(told, [
    [{ source: 'sqs', outcome: 'ok', format: 'w3c' }, true],
    [{ source: 'sqs', outcome: 'ok', format: 'none' }, true],
    [{ source: 'sqs', outcome: 'failed', format: 'b3' }, true],
    [{ source: 'sqs', outcome: 'deferred', format: 'w3c' }, false],
  ]);
});
