/**
 * `node examples/parent-loss/run.ts`: three customers order at once. Their orders reach one function as one batch: one plainly, one
 * with ten attributes of its own, one over an event bus. First traced the usual way, then with tidemark; the same transport both times.
 */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { context, ROOT_CONTEXT, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  createTracing,
  eachRecord,
  systemNanos,
  systemRandom,
  traced,
  traceEventBridge,
  traceSqs,
} from '../../lib/index.ts';
import type { Span } from '../../lib/model/span.ts';

interface Service {
  readonly send: (attributes: Record<string, { DataType: 'String'; StringValue: string }>) => Promise<void>;
  readonly publish: () => Promise<void>;
  readonly consume: (event: { Records: SqsRecord[] }) => Promise<unknown>;
}
interface SqsRecord {
  readonly messageAttributes: { readonly [name: string]: { readonly stringValue: string } };
  readonly [member: string]: unknown;
}

const customers = ['Ada', 'Grace', 'Edsger'] as const;
const tenAttributes = Object.fromEntries(
  Array.from({ length: 10 }, (_, index) => [`field${index}`, { DataType: 'String' as const, StringValue: 'x' }]),
);

const play = async (title: string, build: (tracer: Tracer, tap: Tap) => Service): Promise<number> => {
  const spans: Span[] = [];
  const { tracer, flush } = createTracing({
    env: { OTEL_TRACES_SAMPLER: 'always_on' },
    nanos: systemNanos,
    random: systemRandom,
    exportSpans: async (finished) => void spans.push(...finished),
  });
  const batch: SqsRecord[] = [];
  const service = build(tracer, tapInto(batch));
  const traceIds: string[] = [];
  const orders = [() => service.send({}), () => service.send(tenAttributes), () => service.publish()];
  for (const [index, order] of orders.entries()) {
    const root = tracer.startSpan(`${customers[index]} orders`, { kind: SpanKind.SERVER, root: true });
    traceIds.push(root.spanContext().traceId);
    await context.with(trace.setSpan(ROOT_CONTEXT, root), order);
    root.end();
  }
  await service.consume({ Records: batch });
  await flush(1000);

  process.stdout.write(`\n${title}\n`);
  let whole = 0;
  for (const [index, traceId] of traceIds.entries()) {
    const charge = spans.find(({ name }) => name === `charge ${index}`);
    const own = charge?.traceId === traceId;
    if (own) whole++;
    const where = own ? 'in the trace of the order' : 'in another trace: the parent is lost';
    process.stdout.write(`  ${(customers[index] ?? '').padEnd(7)} charge ${index} is ${where}\n`);
  }
  process.stdout.write(`  ${whole} of ${traceIds.length} traces are whole\n`);
  return whole;
};

/** A request handler for the SDK's clients that turns what they send into records of the batch, as the queue and the bus would. */
type Tap = (client: Tapped) => void;
interface Tapped {
  readonly middlewareStack: { readonly add: (middleware: never, options: { step: 'build'; name: string }) => void };
}
const tapInto =
  (batch: SqsRecord[]): Tap =>
  (client) => {
    client.middlewareStack.add(
      (() => async (call: { readonly input: unknown }) => {
        const { MessageBody, MessageAttributes, MessageSystemAttributes, Entries } = call.input as {
          MessageBody?: string;
          MessageAttributes?: { [name: string]: { StringValue: string } };
          MessageSystemAttributes?: { [name: string]: { StringValue: string } };
          Entries?: { Detail: string; DetailType: string; Source: string }[];
        };
        const [entry] = Entries ?? [];
        const event = { version: '0', id: '1', 'detail-type': entry?.DetailType, source: entry?.Source };
        batch.push({
          messageId: `059f36b4-87a3-44ab-83d2-66197500000${batch.length}`,
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:orders',
          body: entry === undefined ? MessageBody : JSON.stringify({ ...event, detail: JSON.parse(entry.Detail) }),
          attributes: Object.fromEntries(
            Object.entries(MessageSystemAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue]),
          ),
          messageAttributes: Object.fromEntries(
            Object.entries(MessageAttributes ?? {}).map(([name, { StringValue }]) => [
              name,
              { stringValue: StringValue, dataType: 'String' },
            ]),
          ),
        });
        return { output: { $metadata: {} }, response: {} };
      }) as never,
      { step: 'build', name: 'tap' },
    );
  };

const credentials = { accessKeyId: 'none', secretAccessKey: 'none' };
const clients = (tap: Tap) => {
  const sqs = new SQSClient({ region: 'eu-west-1', credentials, md5: false });
  const bus = new EventBridgeClient({ region: 'eu-west-1', credentials });
  tap(sqs);
  tap(bus);
  return { sqs, bus };
};
const QueueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';
const entry = { EventBusName: 'shop', Source: 'shop', DetailType: 'OrderPlaced', Detail: '{"order":2}' };

/** Standard propagators: inject where a slot is free, nothing for the bus, one parent for a batch from its first record. */
const usual = (tracer: Tracer, tap: Tap): Service => {
  const { sqs, bus } = clients(tap);
  const propagator = new W3CTraceContextPropagator();
  return {
    send: async (MessageAttributes) => {
      const fields: { [name: string]: string } = {};
      propagator.inject(context.active(), fields, {
        set: (into, name, value) => Object.assign(into, { [name]: value }),
      });
      const added = Object.entries(fields).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]);
      const fits = Object.keys(MessageAttributes).length + added.length <= 10;
      const all = fits ? { ...MessageAttributes, ...Object.fromEntries(added) } : MessageAttributes;
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}', MessageAttributes: all }));
    },
    publish: async () => void (await bus.send(new PutEventsCommand({ Entries: [entry] }))),
    consume: async ({ Records }) => {
      const parent = propagator.extract(ROOT_CONTEXT, Records[0]?.messageAttributes ?? {}, {
        keys: Object.keys,
        get: (from, name) => from[name]?.stringValue,
      });
      for (const index of Records.keys()) tracer.startSpan(`charge ${index}`, {}, parent).end();
    },
  };
};

const withTidemark = (tracer: Tracer, tap: Tap): Service => {
  const { sqs, bus } = clients(tap);
  traceSqs(sqs as never, { tracer });
  traceEventBridge(bus as never, { tracer });
  const charge = (event: unknown) =>
    eachRecord(event, ({ index }) => tracer.startSpan(`charge ${index}`).end(), { tracer, relation: 'parent' });
  return {
    send: async (MessageAttributes) =>
      void (await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}', MessageAttributes }))),
    publish: async () => void (await bus.send(new PutEventsCommand({ Entries: [entry] }))),
    consume: traced(charge, { tracer }),
  };
};

const before = await play('Before: standard propagators, one parent a batch', usual);
const after = await play('After: tidemark', withTidemark);
process.exitCode = before === 1 && after === customers.length ? 0 : 1;
