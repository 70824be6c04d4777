import { join } from 'node:path';
import { injectRabbitmq } from '../../../lib/middleware/inject-clients.ts';
import type { Part } from '../part.ts';
import { type Broker, carriesContext, type Received, wholeTraces } from '../support/consume.ts';
import { freePort, listens, run, serve, until, withFolder } from '../support/process.ts';
import { npmPackages, npmRequire, npmVersion, program } from '../tools.ts';

const server = program('rabbitmq-server', 'apt-get install rabbitmq-server', ['rabbitmq-server']);

interface Delivery {
  readonly content: Buffer;
  readonly fields: { readonly redelivered: boolean };
  readonly properties: Readonly<Record<string, unknown>> & { readonly headers?: Readonly<Record<string, unknown>> };
}

interface Channel {
  assertQueue(name: string, options: object): Promise<unknown>;
  prefetch(count: number): Promise<unknown>;
  sendToQueue(queue: string, content: Buffer, options: object): boolean;
  waitForConfirms(): Promise<unknown>;
  consume(queue: string, handle: (message: Delivery | null) => void): Promise<unknown>;
  ack(message: Delivery): void;
  nack(message: Delivery, allUpTo: boolean, requeue: boolean): void;
}

interface Connection {
  readonly connection: { readonly serverProperties: { readonly version: string } };
  createConfirmChannel(): Promise<Channel>;
  close(): Promise<void>;
}

interface Amqp {
  connect(url: string, options: object): Promise<Connection>;
}

interface RabbitDelivery extends Received {
  readonly delivery: Delivery;
}

/** A real RabbitMQ between amqplib's producer and consumer. */
export const part: Part = {
  name: 'rabbitmq',
  title: 'RabbitMQ',
  tools: [server, npmPackages],
  run: (report) =>
    withFolder(async (folder) => {
      const { url, node, env, stop } = await startRabbitmq(folder);
      try {
        const amqp = npmRequire('amqplib') as Amqp;
        const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        const connection = await amqp.connect(url, { clientProperties: { traceparent } });
        const { version } = connection.connection.serverProperties;
        const peer = report.peer('RabbitMQ', `${version}, by amqplib ${npmVersion('amqplib')}`);
        try {
          await peer.holds('context given when connecting is what the broker tells of that connection', async () => {
            const args = ['-n', node, '-q', 'list_connections', 'client_properties'];
            const listed = await run(join(binaries, 'rabbitmqctl'), args, { env });
            if (!listed.includes(traceparent)) throw new Error(`the broker tells ${listed.trim().slice(0, 500)}`);
          });
          await carriesContext(peer, await brokerOn(connection, 'classic'));
          const quorum = await brokerOn(connection, 'quorum');
          await peer.holds('the same, W3C, through a quorum queue', () => wholeTraces(quorum, {}));
        } finally {
          await connection.close();
        }
        peer.leaves(
          'the poller of Amazon MQ: the event is built here, as its documentation has it, from what the client received',
        );
      } finally {
        await stop();
      }
    }),
};

/** The scripts themselves: the ones in /usr/sbin change to another user. */
const binaries = '/usr/lib/rabbitmq/bin';

const startRabbitmq = async (folder: string) => {
  const [port, distribution, mapper] = [await freePort(), await freePort(), await freePort()];
  const node = `tidemark${port}@localhost`;
  const env = {
    HOME: folder,
    ERL_EPMD_PORT: String(mapper),
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  const names = await serve('epmd', ['-port', String(mapper), '-address', '127.0.0.1'], {
    ready: () => listens(mapper),
  });
  try {
    const broker = await serve(join(binaries, 'rabbitmq-server'), [], { env, ready: () => listens(port) });
    const stop = async () => {
      await broker.stop();
      await names.stop();
    };
    return { url: `amqp://guest:guest@127.0.0.1:${port}`, node, env, stop };
  } catch (thrown) {
    await names.stop();
    throw thrown;
  }
};

const brokerOn = async (connection: Connection, kind: string): Promise<Broker<RabbitDelivery>> => {
  const queue = `orders-${kind}`;
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': kind } });
  await channel.prefetch(100);
  const arrived: RabbitDelivery[] = [];
  await channel.consume(queue, (delivery) => {
    if (delivery === null) return;
    arrived.push({
      delivery,
      body: delivery.content,
      acknowledge: async () => channel.ack(delivery),
      refuse: async () => channel.nack(delivery, false, true),
    });
  });
  let sent = 0;
  return {
    wrap: (body, own, options) => ({ body, headers: injectRabbitmq(own, options) }),
    send: async ({ body, headers }) => {
      sent += 1;
      const timestamp = Math.floor(Date.now() / 1000);
      channel.sendToQueue(queue, body, { headers, messageId: `m-${sent}`, timestamp, persistent: true });
      await channel.waitForConfirms();
    },
    receive: async (count) => {
      await until(`RabbitMQ delivered ${count} messages`, 10, () => arrived.length >= count);
      return arrived.splice(0, count);
    },
    event: (messages) => ({
      eventSource: 'aws:rmq',
      eventSourceArn: 'arn:aws:mq:eu-west-1:111122223333:broker:orders:b-1',
      rmqMessagesByQueue: { [`${queue}::/`]: messages.map(recordOf) },
    }),
    tellsAttempts: true,
    payload: (body) => body,
  };
};

/** A record as Amazon MQ's poller writes it: texts of headers as lists of Java's signed bytes. */
const recordOf = ({ delivery: { content, fields, properties } }: RabbitDelivery) => ({
  basicProperties: {
    contentType: properties['contentType'] ?? null,
    contentEncoding: properties['contentEncoding'] ?? null,
    headers: Object.fromEntries(
      Object.entries(properties.headers ?? {}).map(([name, value]) => [
        name,
        typeof value === 'string' ? { bytes: [...new Int8Array(Buffer.from(value))] } : value,
      ]),
    ),
    deliveryMode: properties['deliveryMode'] ?? null,
    priority: properties['priority'] ?? null,
    correlationId: properties['correlationId'] ?? null,
    replyTo: properties['replyTo'] ?? null,
    expiration: properties['expiration'] ?? null,
    messageId: properties['messageId'] ?? null,
    timestamp: new Date(Number(properties['timestamp']) * 1000).toLocaleString('en-US', {
      timeZone: 'UTC',
      dateStyle: 'medium',
      timeStyle: 'medium',
    }),
    type: properties['type'] ?? null,
    userId: properties['userId'] ?? null,
    appId: properties['appId'] ?? null,
    clusterId: null,
    bodySize: content.length,
  },
  redelivered: fields.redelivered,
  data: content.toString('base64'),
});
