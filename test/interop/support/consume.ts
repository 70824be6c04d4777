/**
 * One scenario for every broker: a producer in a connection's context sends through a real client, a consumer's client receives, what
 * it received becomes the event of a Lambda event source, and our handler processes it. The broker alone lies between the two.
 */
import { context, propagation as otelBaggage, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { systemNanos } from '../../../lib/adapters/clock.ts';
import { eachRecord } from '../../../lib/middleware/each-record.ts';
import { traced } from '../../../lib/middleware/traced.ts';
import type { TracingOptions } from '../../../lib/middleware/tracing.ts';
import type { PropagationConfig } from '../../../lib/model/config/propagation.ts';
import type { Span } from '../../../lib/model/span.ts';
import { propagation } from '../../../lib/propagation/propagation.ts';
import { createTracing } from '../../../lib/provider/tracing.ts';
import { ownNames } from '../../../lib/telemetry/semconv.ts';
import { recording } from '../../middleware/recording.ts';
import { type Peer, present, same } from '../part.ts';

/** A message as its sender hands it to the client. */
export interface Sent {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** A message as the consumer's client received it. */
export interface Received {
  /** Its body before any decoding. */
  readonly body: Buffer;
  readonly acknowledge: () => Promise<void>;
  /** Gives it back to the broker, which delivers it again. */
  readonly refuse: () => Promise<void>;
}

/** A broker with a producer and a consumer connected. */
export interface Broker<R extends Received = Received> {
  /** The message with the active context, as our helper for this broker writes it. */
  readonly wrap: (body: Buffer, own: Readonly<Record<string, string>>, options: TracingOptions) => Sent;
  readonly send: (message: Sent) => Promise<void>;
  /** So many messages that are under way; rejects when they do not come in time. */
  readonly receive: (count: number) => Promise<readonly R[]>;
  /** The event of the event source, from what the client received. */
  readonly event: (messages: readonly R[]) => unknown;
  /** True where a delivery says which message it is and that it came before, so that attempts can be linked. */
  readonly tellsAttempts: boolean;
  /** What the record's body must be for the handler; the envelope's payload where the broker has no headers. */
  readonly payload: (body: Uint8Array) => Uint8Array;
}

export const formats: Readonly<Record<string, PropagationConfig>> = {
  W3C: { extract: ['w3c'], inject: ['w3c'] },
  'B3 single': { extract: ['b3'], inject: ['b3'] },
  'B3 multi': { extract: ['b3multi'], inject: ['b3multi'] },
  'X-Ray': { extract: ['xray'], inject: ['xray'] },
  'custom (my_trace_id in base64)': {
    extract: ['custom'],
    inject: ['custom'],
    custom: { fields: { traceId: 'my_trace_id' }, encoding: 'base64' },
  },
};

/** Every byte there is, text of several bytes a character, nothing at all, and a body that looks like a carrier. */
const bodies: readonly Buffer[] = [
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from('{"order":"Größe 漢字 🙂"}'),
  Buffer.alloc(0),
  Buffer.from('{"traceparent":"00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01","amount":12.50}'),
];

const own = { 'x-own': 'stays as it is' };

/** The whole scenario, once a format. */
export const carriesContext = async <R extends Received>(peer: Peer, broker: Broker<R>): Promise<void> => {
  for (const [format, config] of Object.entries(formats)) {
    await peer.holds(`${format}: ${bodies.length} messages, ${bodies.length} whole traces, bodies untouched`, () =>
      wholeTraces(broker, { propagation: propagation(config) }),
    );
  }
  await peer.holds('taken when it connects: baggage of the connection travels with every message of it', () =>
    atConnect(broker),
  );
  await peer.holds('taken before decoding: a body that cannot be decoded fails inside its sender’s trace', () =>
    beforeDecoding(broker),
  );
  const linked = broker.tellsAttempts ? ', counted and linked to the first attempt' : '';
  await peer.holds(
    `taken before acknowledging: refused once, a message comes again into the same trace, with its wait told${linked}`,
    () => beforeAcknowledging(broker),
  );
  if (!broker.tellsAttempts) {
    peer.leaves(
      'a link from a redelivery to the first attempt: its event tells neither a message id nor a count of deliveries',
    );
  }
};

/** Every message continues its sender's trace, and the handler gets the bodies that were sent. */
export const wholeTraces = async <R extends Received>(broker: Broker<R>, options: TracingOptions): Promise<void> => {
  const { tracer, spans } = recording();
  const all = { ...options, tracer };
  const senders = await sendAll(broker, all, bodies);
  const seen: Buffer[] = [];
  await process(broker, all, bodies.length, async (body) => {
    seen.push(Buffer.from(body));
    tracer.startSpan('work').end();
  });
  same(
    sorted(seen.map((body) => body.toString('base64'))),
    sorted(bodies.map((body) => body.toString('base64'))),
    'the bodies that the handler got',
  );
  senders.forEach((sender, index) => {
    const { traceId, spanId } = sender.spanContext();
    const trace = spans().filter((span) => span.spanContext().traceId === traceId);
    const consumed = trace.filter((span) => span.parentSpanContext?.spanId === spanId);
    same(consumed.length, 1, `message ${index}: spans that continue its sender`);
    const [consumer] = consumed as [ReadableSpan];
    same(consumer.kind, SpanKind.CONSUMER, `message ${index}: kind of the span that continues its sender`);
    const works = trace.filter(({ name }) => name === 'work');
    same(works.length, 1, `message ${index}: spans of its work in its trace`);
    same(works[0]?.parentSpanContext?.spanId, consumer.spanContext().spanId, `message ${index}: parent of its work`);
  });
};

const sorted = (texts: readonly string[]): string[] => [...texts].sort();

/** Sends each body in a PRODUCER span of a trace of its own, and answers with those spans. */
const sendAll = async <R extends Received>(
  broker: Broker<R>,
  options: TracingOptions,
  sent: readonly Buffer[],
  connection = ROOT_CONTEXT,
): Promise<ReadableSpan[]> => {
  const producers: ReadableSpan[] = [];
  for (const body of sent) {
    const span = present(options.tracer, 'a tracer').startSpan('send orders', { kind: SpanKind.PRODUCER }, connection);
    const message = context.with(trace.setSpan(connection, span), () => broker.wrap(body, own, options));
    await broker.send(message);
    span.end();
    producers.push(span as unknown as ReadableSpan);
  }
  return producers;
};

/** Receives so many messages, hands their event to our handler, and acknowledges or refuses as its answer says. */
const process = async <R extends Received>(
  broker: Broker<R>,
  options: TracingOptions,
  count: number,
  handle: (body: Uint8Array) => unknown,
): Promise<unknown> => {
  const messages = await broker.receive(count);
  // As Lambda delivers it: through JSON.
  const event: unknown = JSON.parse(JSON.stringify(broker.event(messages)));
  const handler = traced(
    (received: unknown) =>
      eachRecord(received, (message) => handle(broker.payload(bytesOf(message.body))), {
        ...options,
        relation: 'parent',
      }),
    options,
  );
  try {
    const reply = (await handler(event)) as { readonly batchItemFailures: readonly unknown[] } | undefined;
    const failed = (reply?.batchItemFailures.length ?? 0) > 0;
    for (const message of messages) await (failed ? message.refuse() : message.acknowledge());
    return reply;
  } catch (thrown) {
    for (const message of messages) await message.refuse();
    return thrown;
  }
};

const bytesOf = (body: string | Uint8Array | undefined): Uint8Array =>
  typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array(0));

const atConnect = async <R extends Received>(broker: Broker<R>): Promise<void> => {
  const { tracer } = recording();
  const baggage = otelBaggage.createBaggage({ tenant: { value: 'Müller & Söhne' } });
  const connection = otelBaggage.setBaggage(ROOT_CONTEXT, baggage);
  await sendAll(broker, { tracer }, bodies.slice(0, 2), connection);
  const tenants: unknown[] = [];
  await process(broker, { tracer }, 2, () => {
    tenants.push(otelBaggage.getActiveBaggage()?.getEntry('tenant')?.value);
  });
  same(tenants, ['Müller & Söhne', 'Müller & Söhne'], 'the tenants that the handler saw');
};

const beforeDecoding = async <R extends Received>(broker: Broker<R>): Promise<void> => {
  const { tracer, spans } = recording();
  const [sender] = (await sendAll(broker, { tracer }, [Buffer.from('{"cut":')])) as [ReadableSpan];
  const decode = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString()) as unknown;
  await process(broker, { tracer }, 1, decode);
  const { traceId, spanId } = sender.spanContext();
  const consumers = spans().filter((span) => span.parentSpanContext?.spanId === spanId);
  same(
    consumers.map((span) => span.spanContext().traceId),
    [traceId],
    'traces of the spans that continue the sender',
  );
  same(consumers[0]?.attributes['error.type'], 'SyntaxError', 'error.type of the span');
  // It was refused, and comes again: this time it is taken off.
  await process(broker, { tracer }, 1, () => undefined);
};

const beforeAcknowledging = async <R extends Received>(broker: Broker<R>): Promise<void> => {
  const spans: Span[] = [];
  // Our own tracer: it gives attempts the ids that later ones link to.
  const { tracer, flush } = createTracing({
    env: { OTEL_TRACES_SAMPLER: 'always_on' },
    nanos: systemNanos,
    random: Math.random,
    exportSpans: async (batch) => {
      spans.push(...batch);
    },
  });
  await sendAll(broker, { tracer }, [Buffer.from('twice')]);
  let attempts = 0;
  const work = () => {
    attempts += 1;
    if (attempts === 1) throw new Error('not yet');
  };
  await process(broker, { tracer }, 1, work);
  await process(broker, { tracer }, 1, work);
  same(attempts, 2, 'attempts');
  await flush(1000);
  const sender = present(
    spans.find(({ name }) => name === 'send orders'),
    'the span of the sender',
  );
  const tries = spans.filter(({ parentSpanId }) => parentSpanId === sender.spanId);
  same(
    tries.map(({ traceId }) => traceId),
    [sender.traceId, sender.traceId],
    'traces of the two attempts',
  );
  same(
    tries.map(({ status }) => status),
    [2, 0],
    'status of the two attempts',
  );
  for (const [index, { attributes }] of tries.entries()) {
    const dwell = attributes[ownNames.dwell];
    if (typeof dwell !== 'number' || dwell < 0 || dwell > 60_000) {
      throw new Error(`attempt ${index}: ${ownNames.dwell} is ${String(dwell)}, not a wait of this run`);
    }
  }
  if (!broker.tellsAttempts) return;
  same(tries[1]?.attributes[ownNames.receiveCount], 2, 'deliveries, as the second attempt tells them');
  same(
    tries[1]?.links
      .filter(({ attributes }) => attributes?.[ownNames.linkReason] === 'earlier-attempt')
      .map(({ traceId, spanId }) => ({ traceId, spanId })),
    [{ traceId: tries[0]?.traceId, spanId: tries[0]?.spanId }],
    'links of the second attempt to earlier ones',
  );
};
