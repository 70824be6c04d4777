/** Takes orders over HTTP and hands them to the orders queue. */

import type { SQSClient } from '@aws-sdk/client-sqs';
import { trace } from '@opentelemetry/api';
import { traced, traceSqs } from '../../../lib/index.ts';
import { parseOrder, saveOrder } from './shop.ts';
import { tracing } from './tracing.ts';

interface HttpEvent {
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-sqs'); client: SQSClient }> | undefined;
const sqs = () => {
  loaded ??= import('@aws-sdk/client-sqs').then((sdk) => {
    const client = new sdk.SQSClient({ useQueueUrlAsEndpoint: process.env['AWS_ENDPOINT_URL'] === undefined });
    traceSqs(client, tracing);
    return { sdk, client };
  });
  return loaded;
};

const takeOrder = async (event: HttpEvent) => {
  const text = event.isBase64Encoded === true ? Buffer.from(event.body ?? '', 'base64').toString() : (event.body ?? '');
  const parsed = parseOrder(text);
  if ('error' in parsed) return { statusCode: 400, body: JSON.stringify({ error: parsed.error }) };
  const traceId = trace.getActiveSpan()?.spanContext().traceId ?? '';
  await saveOrder(parsed.order, 'accepted', traceId);
  const { sdk, client } = await sqs();
  await client.send(
    new sdk.SendMessageCommand({
      QueueUrl: process.env['SHOP_ORDERS_QUEUE'] ?? '',
      MessageBody: JSON.stringify(parsed.order),
    }),
  );
  return {
    statusCode: 202,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: parsed.order.id, traceId }),
  };
};

export const handler = traced(takeOrder, { ...tracing, trigger: 'http' });
