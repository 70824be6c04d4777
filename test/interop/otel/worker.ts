/** A function with our middleware, between the queues that peers write to and read from. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  createTracing,
  eachRecord,
  encodeJson,
  jsonLog,
  propagation,
  spanQueue,
  systemClock,
  systemNanos,
  systemRandom,
  traced,
  traceSqs,
} from '../../../lib/index.ts';

const queueUrl = (name: string) => `${process.env['AWS_ENDPOINT_URL']}/000000000000/${name}`;
const tracing = createTracing({
  env: process.env,
  nanos: systemNanos,
  random: systemRandom,
  log: jsonLog({ clock: systemClock }),
  exportSpans: spanQueue({ queueUrl: queueUrl('tidemark-spans'), encode: encodeJson }),
});

type Format = 'w3c' | 'b3' | 'b3multi' | 'xray';
const clients = new Map<Format, Promise<SQSClient>>();

/** A client that writes one format. */
const clientFor = (format: Format): Promise<SQSClient> => {
  let client = clients.get(format);
  if (client === undefined) {
    client = import('@aws-sdk/client-sqs').then(({ SQSClient: Client }) => {
      const made = new Client({ useQueueUrlAsEndpoint: false });
      traceSqs(made, { ...tracing, propagation: propagation({ inject: [format] }) });
      return made;
    });
    clients.set(format, client);
  }
  return client;
};

/** Passes each message on to the queue that its body names, in the format that its body names. */
export const handler = traced(
  (event: unknown) =>
    eachRecord(
      event,
      async (message) => {
        const body = String(message.body);
        const { format, to } = JSON.parse(body) as { readonly format: Format; readonly to: string };
        const { SendMessageCommand } = await import('@aws-sdk/client-sqs');
        const client = await clientFor(format);
        await client.send(new SendMessageCommand({ QueueUrl: queueUrl(to), MessageBody: body }));
      },
      { ...tracing, relation: 'parent' },
    ),
  { ...tracing, trigger: 'pubsub' },
);
