/** Charges each order and announces it on the shop's bus. */
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SpanKind } from '@opentelemetry/api';
import { eachRecord, Failure, jsonLog, systemClock, traced, traceEventBridge } from '../../../lib/index.ts';
import { charge } from './payments-client.ts';
import { markOldWay, type Order, parseOrder, readFaults, saveOrder } from './shop.ts';
import { tracing } from './tracing.ts';

const log = jsonLog({ clock: systemClock, context: () => ({ service: 'orders' }) });

let loaded:
  | Promise<{ sdk: typeof import('@aws-sdk/client-eventbridge'); traced: EventBridgeClient; old: EventBridgeClient }>
  | undefined;
const eventBridge = () => {
  loaded ??= import('@aws-sdk/client-eventbridge').then((sdk) => {
    const client = new sdk.EventBridgeClient({});
    traceEventBridge(client, tracing);
    return { sdk, traced: client, old: new sdk.EventBridgeClient({}) };
  });
  return loaded;
};

const announce = async (order: Order): Promise<void> => {
  const { sdk, traced: client } = await eventBridge();
  await client.send(new sdk.PutEventsCommand({ Entries: [entryOf(order)] }));
};

/** What the shop published with years ago: it makes its own span, and writes no context into what it sends. */
const announceTheOldWay = async (order: Order): Promise<void> => {
  const { sdk, old } = await eventBridge();
  const destination = process.env['SHOP_BUS'] ?? '';
  const span = tracing.tracer.startSpan(`send ${destination}`, {
    kind: SpanKind.PRODUCER,
    attributes: {
      'messaging.system.name': 'aws.eventbridge',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': destination,
      'tidemark.example.library': 'old-publisher',
    },
  });
  try {
    await old.send(new sdk.PutEventsCommand({ Entries: [entryOf(order)] }));
  } finally {
    span.end();
  }
};

const entryOf = (order: Order) => ({
  EventBusName: process.env['SHOP_BUS'] ?? '',
  Source: 'shop.orders',
  DetailType: 'OrderPlaced',
  Detail: JSON.stringify(order),
});

const handle = async (event: unknown) =>
  eachRecord(
    event,
    async (message, span) => {
      const parsed = parseOrder(String(message.body));
      if ('error' in parsed) throw new Failure('bad-input', parsed.error, { where: 'body' });
      const { order } = parsed;
      const traceId = span.spanContext().traceId;
      if (!(await charge(order))) {
        // A declined payment is an outcome, not a failure of this message: a retry would charge again.
        await saveOrder(order, 'declined', traceId);
        return;
      }
      const { oldPublisher } = await readFaults();
      await saveOrder(order, 'announced', traceId);
      if (oldPublisher) await markOldWay(order);
      await (oldPublisher ? announceTheOldWay(order) : announce(order));
    },
    { ...tracing, log, relation: 'parent', concurrency: 5 },
  );

export const handler = traced(handle, { ...tracing, trigger: 'pubsub' });
