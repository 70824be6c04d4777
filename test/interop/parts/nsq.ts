import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { decodeEnvelope } from '../../../lib/message/envelope.ts';
import { injectNsq } from '../../../lib/middleware/inject-clients.ts';
import type { Part } from '../part.ts';
import { type Broker, carriesContext, type Received } from '../support/consume.ts';
import { freePort, listens, run, serve, until, withFolder } from '../support/process.ts';
import { goPrograms, goSource } from '../tools.ts';

const nsqd = goPrograms('nsqd', {
  packages: ['github.com/nsqio/nsq/apps/nsqd'],
  modulePath: 'github.com/nsqio/nsq',
  version: 'v1.3.0',
  replace: ['replace github.com/judwhite/go-svc => github.com/mreiferson/go-svc v1.2.2-0.20210815184239-7a96e00010f6'],
});
const client = goSource('nsqclient', 'nsq');

interface Message {
  readonly id: string;
  readonly timestamp: number;
  readonly attempts: number;
  readonly body: string;
}

interface NsqReceived extends Received {
  readonly message: Message;
}

/** A real nsqd between the producer and the consumer of NSQ's own Go client. */
export const part: Part = {
  name: 'nsq',
  title: 'NSQ',
  tools: [nsqd, client],
  run: (report) =>
    withFolder(async (folder) => {
      const [tcp, http] = [await freePort(), await freePort()];
      const address = `127.0.0.1:${tcp}`;
      const args = ['-tcp-address', address, '-http-address', `127.0.0.1:${http}`, '-data-path', folder];
      const server = await serve(join(nsqd.path, 'nsqd'), [...args, '-broadcast-address', '127.0.0.1'], {
        ready: () => listens(http),
      });
      const version = /v([\d.]+)/.exec(await run(join(nsqd.path, 'nsqd'), ['-version']))?.[1] ?? '?';
      const broker = brokerOn(address);
      try {
        const peer = report.peer('NSQ', `${version}, by go-nsq 1.1.0`);
        await carriesContext(peer, broker);
      } finally {
        await broker.close();
        await server.stop();
      }
    }),
};

const brokerOn = (address: string) => {
  const child = spawn(client.path, [address, 'orders', 'tidemark'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const tell = (command: object) => child.stdin.write(`${JSON.stringify(command)}\n`);
  const arrived: NsqReceived[] = [];
  // The timestamp has more digits than a number holds exactly; milliseconds are what is used of it.
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Message;
    arrived.push({
      message,
      body: Buffer.from(message.body, 'base64'),
      acknowledge: async () => void tell({ do: 'finish', id: message.id }),
      refuse: async () => void tell({ do: 'requeue', id: message.id }),
    });
  });
  const broker: Broker<NsqReceived> = {
    wrap: (body, own, options) => ({ body: Buffer.from(injectNsq(body, options)), headers: own }),
    send: async ({ body }) => void tell({ do: 'publish', body: body.toString('base64') }),
    receive: async (count) => {
      await until(`NSQ delivered ${count} messages`, 20, () => arrived.length >= count);
      return arrived.splice(0, count);
    },
    event: (messages) => ({
      eventSource: 'nsq',
      topic: 'orders',
      channel: 'tidemark',
      messages: messages.map(({ message }) => message),
    }),
    tellsAttempts: true,
    payload: (body) => {
      const envelope = decodeEnvelope(body);
      if (typeof envelope === 'string') throw new Error(`the body ${envelope}`);
      return envelope.payload;
    },
  };
  const close = async () => {
    const ended = new Promise((done) => child.on('close', done));
    child.stdin.end();
    await ended;
  };
  return { ...broker, close };
};
