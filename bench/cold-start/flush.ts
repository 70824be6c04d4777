/** The first flush: spans whose request is about 20 KB, to a Collector beside the function. */
import { createTracing, systemNanos, systemRandom } from '../../lib/index.ts';

const { tracer, flush } = createTracing({ env: process.env, nanos: systemNanos, random: systemRandom });
for (let at = 0; at < 60; at++) {
  const attributes = {
    'messaging.system.name': 'aws.sqs',
    'messaging.operation.name': 'process',
    'messaging.destination.name': 'orders',
    'messaging.message.id': `059f36b4-87a3-44ab-83d2-66197527${String(at).padStart(4, '0')}`,
    'messaging.message.body.size': 600 + at,
    'aws.sqs.queue.url': 'https://sqs.eu-central-1.amazonaws.com/123456789012/orders',
  };
  tracer.startSpan(`process ${at}`, { attributes }).end();
}
export const handler = (): Promise<void> => flush(5000);
