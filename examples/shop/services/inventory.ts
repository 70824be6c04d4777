/** Takes ordered pieces off the shelf, and tells tidemark how full the reservation book is. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { eachRecord, Failure, jsonLog, systemClock, systemRandom, traced } from '../../../lib/index.ts';
import { parseOrder, readFaults, reserve, saveOrder } from './shop.ts';
import { tracing } from './tracing.ts';

const log = jsonLog({ clock: systemClock, context: () => ({ service: 'inventory' }) });
/** How many pieces of one article the book can hold. */
const bookSize = 5000;

let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-sqs'); client: SQSClient }> | undefined;
const sqs = () => {
  loaded ??= import('@aws-sdk/client-sqs').then((sdk) => {
    const client = new sdk.SQSClient({ useQueueUrlAsEndpoint: process.env['AWS_ENDPOINT_URL'] === undefined });
    return { sdk, client };
  });
  return loaded;
};

const pushReading = async (sku: string, reserved: number): Promise<void> => {
  const { sdk, client } = await sqs();
  const reading = {
    gauge: 'pushed',
    series: { resource: 'reservation-book', sku },
    value: reserved,
    capacity: bookSize,
    at: new Date(systemClock()).toISOString(),
  };
  await client.send(
    new sdk.SendMessageCommand({
      QueueUrl: process.env['SHOP_READINGS_QUEUE'] ?? '',
      MessageBody: JSON.stringify(reading),
    }),
  );
};

const handle = async (event: unknown) =>
  eachRecord(
    event,
    async (message, span) => {
      const parsed = parseOrder(orderText(String(message.body)));
      if ('error' in parsed) throw new Failure('bad-input', parsed.error, { where: 'body' });
      const { order } = parsed;
      const { slowInventory } = await readFaults();
      await tracing.tracer.startActiveSpan('reserve', async (reserving) => {
        try {
          if (systemRandom() < slowInventory) await new Promise((resume) => setTimeout(resume, 2600));
          const reserved = await reserve(order);
          if (reserved % 10 === 0) await pushReading(order.sku, reserved);
        } finally {
          reserving.end();
        }
      });
      await saveOrder(order, 'reserved', span.spanContext().traceId);
    },
    { ...tracing, log, relation: 'parent', concurrency: 5 },
  );

/** The order stands in the `detail` of the bus event that is the body. */
const orderText = (body: string): string => {
  try {
    return JSON.stringify((JSON.parse(body) as { detail?: unknown }).detail ?? null);
  } catch {
    return body;
  }
};

export const handler = traced(handle, { ...tracing, trigger: 'pubsub' });
