import assert from 'node:assert/strict';
import { test } from 'node:test';
import middy from '@middy/core';
import { context, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { eachRecord } from '../../lib/middleware/each-record.ts';
import type { InvocationOptions } from '../../lib/middleware/invocation.ts';
import { traceContext } from '../../lib/middleware/trace-context.ts';
import { traced } from '../../lib/middleware/traced.ts';
import { anSqsEvent, messageId, recording, spanId, traceId, traceparent } from './recording.ts';

const lambda = (left?: number) => ({
  functionName: 'take-orders',
  functionVersion: '7',
  awsRequestId: '8f507cfc-xmpl-4697-b07a-ac58fc914c95',
  invokedFunctionArn: 'arn:aws:lambda:us-east-2:123456789012:function:take-orders',
  ...(left === undefined ? {} : { getRemainingTimeInMillis: deadline(left) }),
});

const deadline = (left: number) => {
  const end = Date.now() + left;
  return () => end - Date.now();
};

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A flush that takes a while, and notes how many spans had ended when it began and whether it came to its end. */
const flushing = (ended: () => number) => {
  const seen = { begun: -1, done: false };
  return {
    seen,
    flush: async () => {
      seen.begun = ended();
      seen.done = false;
      await wait(5);
      seen.done = true;
    },
  };
};

type Wrap = (
  handler: (event: unknown) => unknown,
  options: InvocationOptions,
) => (event: unknown, lambda: object) => Promise<unknown>;
const wraps: Record<string, Wrap> = {
  traced: (handler, options) => traced(handler, options) as ReturnType<Wrap>,
  middy: (handler, options) => middy(traceContext(options)).handler(handler as never) as unknown as ReturnType<Wrap>,
};

for (const [name, wrap] of Object.entries(wraps)) {
  test(`${name}: invocation, batch and records make one tree, flushed before the answer`, async () => {
    const { tracer, spans } = recording();
    const { seen, flush } = flushing(() => spans().length);
    const options = { tracer, flush };
    const handler = wrap((event) => eachRecord(event, () => wait(1), options), options);
    const answer = await handler(anSqsEvent(3), lambda());
    assert.deepEqual(answer, { batchItemFailures: [] });
    assert.deepEqual(seen, { begun: 5, done: true });
    const [invocation] = spans().filter((span) => span.name === 'take-orders');
    const batch = spans().find((span) => span.attributes['messaging.batch.message_count'] === 3);
    const records = spans().filter((span) => span.attributes['messaging.message.id'] !== undefined);
    assert.equal(invocation?.kind, SpanKind.SERVER);
    assert.equal(invocation?.attributes['faas.trigger'], 'pubsub');
    assert.equal(invocation?.attributes['faas.invocation.id'], '8f507cfc-xmpl-4697-b07a-ac58fc914c95');
    assert.equal(batch?.parentSpanContext?.spanId, invocation?.spanContext().spanId);
    assert.equal(batch?.kind, SpanKind.CONSUMER);
    assert.deepEqual(batch?.links, [], 'records link for themselves');
    assert.equal(records.length, 3);
    for (const record of records) assert.equal(record.parentSpanContext?.spanId, batch?.spanContext().spanId);
    assert.deepEqual(
      records.map((record) => record.links[0]?.context.spanId),
      [0, 1, 2].map(spanId),
    );
  });

  test(`${name}: a single message is processed in its sender's trace, by one span, linked to the invocation`, async () => {
    const { tracer, spans } = recording();
    const options = { tracer };
    let active: string | undefined;
    const handler = wrap(
      (event) =>
        eachRecord(
          event,
          (_, span) => {
            active = trace.getActiveSpan()?.spanContext().spanId;
            assert.equal(active, span.spanContext().spanId);
          },
          options,
        ),
      options,
    );
    await handler(anSqsEvent(1), lambda());
    assert.equal(spans().length, 2);
    const [process, invocation] = spans();
    assert.equal(process?.spanContext().spanId, active);
    assert.equal(process?.spanContext().traceId, traceId(0));
    assert.equal(process?.parentSpanContext?.spanId, spanId(0));
    assert.deepEqual(
      process?.links.map((link) => link.context.spanId),
      [invocation?.spanContext().spanId],
    );
  });

  test(`${name}: a batch that nobody takes apart is linked to all its senders`, async () => {
    const { tracer, spans } = recording();
    await wrap(() => 'done', { tracer })(anSqsEvent(3), lambda());
    const batch = spans().find((span) => span.kind === SpanKind.CONSUMER);
    assert.deepEqual(
      batch?.links.map((link) => link.context.traceId),
      [0, 1, 2].map(traceId),
    );
  });

  test(`${name}: a throw reaches the caller, is on the spans, and is flushed`, async () => {
    const { tracer, spans } = recording();
    const { seen, flush } = flushing(() => spans().length);
    const error = new RangeError('too many');
    await assert.rejects(
      wrap(() => Promise.reject(error), { tracer, flush })(anSqsEvent(2), lambda()),
      (thrown) => thrown === error,
    );
    assert.deepEqual(seen, { begun: 2, done: true });
    assert.ok(spans().every((span) => span.status.code === SpanStatusCode.ERROR));
    assert.equal(spans()[0]?.attributes['error.type'], 'RangeError');
  });

  test(`${name}: a call continues the trace of its caller`, async () => {
    const { tracer, spans } = recording();
    const event = { version: '2.0', rawPath: '/', headers: { TraceParent: traceparent(5) }, requestContext: {} };
    await wrap(() => ({ statusCode: 503 }), { tracer })(event, lambda());
    assert.equal(spans().length, 1);
    assert.equal(spans()[0]?.parentSpanContext?.spanId, spanId(5));
    assert.equal(spans()[0]?.attributes['http.response.status_code'], 503);
    assert.equal(spans()[0]?.status.code, SpanStatusCode.ERROR);
    const invoked = recording();
    const clientContext = { custom: { traceparent: traceparent(6) } };
    await wrap(() => 1, { tracer: invoked.tracer })({ any: 'thing' }, { ...lambda(), clientContext });
    assert.equal(invoked.spans()[0]?.parentSpanContext?.spanId, spanId(6));
  });

  test(`${name}: the context does not leak into the next invocation, nor between two at once`, async () => {
    const { tracer } = recording();
    const seen: (string | undefined)[] = [];
    const handler = wrap(
      async (event) => {
        await wait((event as { ms: number }).ms);
        seen.push(trace.getActiveSpan()?.spanContext().traceId);
      },
      { tracer },
    );
    await Promise.all([
      handler({ ms: 4, traceparent: traceparent(1) }, lambda()),
      handler({ ms: 1, traceparent: traceparent(2) }, lambda()),
    ]);
    assert.equal(trace.getActiveSpan(), undefined);
    await handler({ ms: 0 }, lambda());
    assert.deepEqual(seen.slice(0, 2), [traceId(2), traceId(1)]);
    assert.ok(seen[2] !== traceId(1) && seen[2] !== traceId(2) && seen[2] !== undefined);
  });

  // Far more time is left than a busy machine needs to come round; what is told apart is the order of things, not their times.
  test(`${name}: near the deadline the unfinished spans are closed and flushed`, async () => {
    const { tracer, spans } = recording();
    const { seen, flush } = flushing(() => spans().length);
    let finish = () => {};
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const running = wrap(() => work, { tracer, flush, deadlineMarginMs: 800 })({ ms: 1 }, lambda(900));
    while (!seen.done) await wait(5);
    assert.deepEqual(seen, { begun: 1, done: true });
    assert.equal(spans()[0]?.status.code, SpanStatusCode.ERROR);
    assert.equal(spans()[0]?.attributes['error.type'], 'timeout');
    finish();
    await running;
    assert.equal(spans().length, 1);
  });

  test(`${name}: near the deadline a batch answers with what is done, and the rest comes again`, async () => {
    const { tracer, spans } = recording();
    const { seen, flush } = flushing(() => spans().length);
    const options = { tracer, flush, deadlineMarginMs: 800 };
    let finish = () => {};
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let isFinished = false;
    const work = ({ index }: { readonly index: number }) =>
      index === 1
        ? slow.then(() => {
            isFinished = true;
          })
        : undefined;
    const handler = wrap((event) => eachRecord(event, work, options), options);
    const answer = await handler(anSqsEvent(3), lambda(1400));
    assert.equal(isFinished, false, 'answered before the record was finished');
    assert.deepEqual(answer, {
      batchItemFailures: [{ itemIdentifier: messageId(1) }, { itemIdentifier: messageId(2) }],
    });
    assert.equal(seen.done, true);
    assert.equal(spans().length, 4);
    assert.equal(spans()[1]?.attributes['error.type'], 'timeout');
    finish();
  });

  test(`${name}: telemetry that fails or hangs fails nothing`, async () => {
    const { tracer } = recording();
    const lines: string[] = [];
    const log = (_: string, message: string) => void lines.push(message);
    const failing = wrap(() => 1, { tracer, log, flush: () => Promise.reject(new Error('down')) });
    assert.equal(await failing({}, lambda()), 1);
    const throwing = wrap(() => 2, {
      tracer,
      log,
      flush: () => {
        throw new Error('down');
      },
    });
    assert.equal(await throwing({}, lambda()), 2);
    const hanging = wrap(() => 3, { tracer, log, flush: () => new Promise(() => undefined), flushTimeoutMs: 10 });
    assert.equal(await hanging({}, lambda()), 3);
    assert.deepEqual(lines, [
      'spans could not be flushed',
      'spans could not be flushed',
      'spans were not flushed in time',
    ]);
  });

  test(`${name}: under a layer that opened the invocation span, none is added to it`, async () => {
    const { tracer, spans } = recording();
    const layer = tracer.startSpan('layer', { kind: SpanKind.SERVER });
    await context.with(trace.setSpan(context.active(), layer), () =>
      wrap((event) => eachRecord(event, () => undefined, { tracer }), { tracer })(anSqsEvent(2), lambda()),
    );
    assert.deepEqual(
      spans().map((span) => span.name),
      ['process orders', 'process orders', 'process orders'],
    );
    assert.equal(spans()[2]?.parentSpanContext?.spanId, layer.spanContext().spanId);
  });
}

test('middy: spans are ended and flushed when another middleware answers early', async () => {
  const { tracer, spans } = recording();
  const { seen, flush } = flushing(() => spans().length);
  let active: string | undefined;
  const handler = middy(traceContext({ tracer, flush }))
    .use({
      before: () => {
        active = trace.getActiveSpan()?.spanContext().spanId;
        return { cached: true };
      },
    })
    .handler((() => assert.fail('must not be reached')) as never);
  assert.deepEqual(await handler(anSqsEvent(2), lambda() as never), { cached: true });
  assert.deepEqual(seen, { begun: 2, done: true });
  assert.equal(active, spans()[0]?.spanContext().spanId);
});

test('middy: an error that onError turns into an answer is flushed too, and other plug-in hooks stay', async () => {
  const { tracer, spans } = recording();
  const { seen, flush } = flushing(() => spans().length);
  const hooks: string[] = [];
  const handler = middy({ ...traceContext({ tracer, flush }), requestEnd: () => void hooks.push('end') })
    .use({
      onError: (request) => {
        hooks.push(trace.getActiveSpan() === undefined ? 'inactive' : 'active');
        request.response = { statusCode: 400 };
      },
    })
    .handler((() => Promise.reject(new Error('bad'))) as never);
  assert.deepEqual(await handler({} as never, lambda() as never), { statusCode: 400 });
  assert.deepEqual(hooks, ['active', 'end']);
  assert.deepEqual(seen, { begun: 1, done: true });
});

test('the global provider is used, and flushed, when no tracer is handed in', async () => {
  const { tracer, spans } = recording();
  let flushed = 0;
  const provider = { getTracer: (): Tracer => tracer, forceFlush: async () => void flushed++ };
  trace.setGlobalTracerProvider(provider);
  try {
    await traced((event: unknown) => eachRecord(event, () => undefined))(anSqsEvent(2), lambda());
  } finally {
    trace.disable();
  }
  assert.equal(spans().length, 4);
  assert.equal(flushed, 1);
});
