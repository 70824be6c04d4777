import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { injectKafka } from '../../../lib/middleware/inject-clients.ts';
import { type Part, present } from '../part.ts';
import { type Broker, carriesContext, type Received } from '../support/consume.ts';
import { freePort, run, serve, until, withFolder } from '../support/process.ts';
import { jars, java, npmPackages, npmRequire, npmVersion } from '../tools.ts';

const server = jars('kafka', 'kafka/pom.xml');

interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly key?: Buffer;
  readonly value?: Buffer;
  readonly headers: ReadonlyMap<Buffer, Buffer>;
  commit(): Promise<void>;
}

interface Stream {
  on(event: 'data', handle: (message: Message) => void): unknown;
  on(event: 'error', handle: (error: Error) => void): unknown;
  close(): Promise<void>;
}

interface Client {
  close(force?: boolean): Promise<void>;
}

interface Kafka {
  readonly Admin: new (options: object) => Client & { createTopics(options: object): Promise<unknown> };
  readonly Producer: new (options: object) => Client & { send(options: object): Promise<unknown> };
  readonly Consumer: new (options: object) => Client & { consume(options: object): Promise<Stream> };
}

interface KafkaMessage extends Received {
  readonly message: Message;
}

/** A real Kafka, controller and broker in one process, between the producer and the consumer of @platformatic/kafka. */
export const part: Part = {
  name: 'kafka',
  title: 'Apache Kafka',
  tools: [java, server, npmPackages],
  run: (report) =>
    withFolder(async (folder) => {
      const { port, stop } = await startKafka(folder);
      const client = npmRequire('@platformatic/kafka') as Kafka;
      const version = /^kafka_2\.13-(.+)\.jar$/;
      const jar = present(
        readdirSync(server.path)
          .map((file) => version.exec(file)?.[1])
          .find(Boolean),
        'the broker’s jar',
      );
      const peer = report.peer(
        'Apache Kafka',
        `${jar} (KRaft), by @platformatic/kafka ${npmVersion('@platformatic/kafka')}`,
      );
      const broker = await brokerOn(client, port);
      try {
        await carriesContext(peer, broker);
        peer.leaves(
          'the poller of Amazon MSK: the event is built here, as its documentation has it, from what the client received',
        );
      } finally {
        await broker.close();
        await stop();
      }
    }),
};

const startKafka = async (folder: string) => {
  const [port, controller] = [await freePort(), await freePort()];
  const properties = join(folder, 'server.properties');
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
  };
  writeFileSync(
    properties,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const args = ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(server.path, '*')];
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
  await run(java.path, [...args, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', properties]);
  const { Admin } = npmRequire('@platformatic/kafka') as Kafka;
  const broker = await serve(java.path, [...args, 'kafka.Kafka', properties], {
    seconds: 90,
    ready: async () => {
      const admin = new Admin({
        clientId: 'admin',
        bootstrapBrokers: [`127.0.0.1:${port}`],
        retries: 0,
        timeout: 2000,
      });
      try {
        await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
        return true;
      } finally {
        await admin.close();
      }
    },
  });
  return { port, stop: broker.stop };
};

const topic = 'orders';

const brokerOn = async ({ Producer, Consumer }: Kafka, port: number) => {
  const bootstrapBrokers = [`127.0.0.1:${port}`];
  const producer = new Producer({ clientId: 'orders', bootstrapBrokers });
  const consumer = new Consumer({ clientId: 'tidemark', groupId: 'tidemark', bootstrapBrokers });
  const arrived: KafkaMessage[] = [];
  const open = async () => {
    const opened = await consumer.consume({
      topics: [topic],
      autocommit: false,
      mode: 'committed',
      fallbackMode: 'earliest',
    });
    opened.on('error', () => undefined);
    opened.on('data', (message) => {
      arrived.push({
        message,
        body: message.value ?? Buffer.alloc(0),
        acknowledge: () => message.commit(),
        refuse: async () => {
          // Nothing is committed: the next stream of the group begins at the refused message.
          arrived.length = 0;
          await stream.close();
          stream = await open();
        },
      });
    });
    return opened;
  };
  let stream = await open();
  const broker: Broker<KafkaMessage> = {
    wrap: (body, own, options) => ({ body, headers: injectKafka(own, options) }),
    send: async ({ body, headers }) => {
      const bytes = new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));
      await producer.send({ messages: [{ topic, key: Buffer.from('key'), value: body, headers: bytes }] });
    },
    receive: async (count) => {
      await until(`Kafka delivered ${count} messages`, 20, () => arrived.length >= count);
      return arrived.splice(0, count);
    },
    event: (messages) => {
      const records: Record<string, unknown[]> = {};
      for (const each of messages) (records[`${topic}-${each.message.partition}`] ??= []).push(recordOf(each));
      return { eventSource: 'SelfManagedKafka', bootstrapServers: bootstrapBrokers.join(), records };
    },
    tellsAttempts: false,
    payload: (body) => body,
  };
  const close = async () => {
    await stream.close();
    await consumer.close(true);
    await producer.close();
  };
  return { ...broker, close };
};

/** A record as Lambda's poller writes it: headers in a list, their values as lists of Java's signed bytes. */
const recordOf = ({ message: { topic: name, partition, offset, timestamp, key, value, headers } }: KafkaMessage) => ({
  topic: name,
  partition,
  offset: Number(offset),
  timestamp: Number(timestamp),
  timestampType: 'CREATE_TIME',
  key: key?.toString('base64'),
  value: value?.toString('base64'),
  headers: [...headers].map(([header, bytes]) => ({ [header.toString()]: [...new Int8Array(bytes)] })),
});
