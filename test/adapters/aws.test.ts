import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { eventBridgeBus } from '../../lib/adapters/eventbridge.ts';
import { s3Bucket } from '../../lib/adapters/s3.ts';
import { sqsQueue } from '../../lib/adapters/sqs.ts';

const app = buildApp({ logger: false });
const saved = { ...process.env };
let queueUrl = '';

before(async () => {
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: address,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'y',
  });
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  queueUrl = (await sqs.send(new CreateQueueCommand({ QueueName: 'jobs' }))).QueueUrl ?? '';
  const s3 = new S3Client({ forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'windows' }));
});

after(async () => {
  process.env = saved;
  await app.close();
});

test('messages beyond ten, and beyond a mebibyte together, go out in several batches and none is lost', async () => {
  const queue = sqsQueue({ queueUrl });
  await queue.send([]);
  const big = 'é'.repeat(200_000);
  await queue.send([
    ...Array.from({ length: 23 }, (_, n) => ({ body: `small ${n}`, attributes: { n: String(n) } })),
    ...Array.from({ length: 4 }, () => ({ body: big })),
  ]);
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    );
    if (Messages.length === 0) break;
    for (const { Body, MessageAttributes } of Messages) {
      bodies.push(Body ?? '');
      if (Body?.startsWith('small')) assert.equal(MessageAttributes?.['n']?.StringValue, Body.slice(6));
    }
  }
  assert.equal(bodies.length, 27);
  assert.equal(bodies.filter((body) => body === big).length, 4);
});

test('a queue that does not exist is a Failure that names it', async () => {
  const queue = sqsQueue({ queueUrl: queueUrl.replace('jobs', 'nowhere') });
  await assert.rejects(queue.send([{ body: 'x' }]), /unavailable: SendMessageBatch .*nowhere/);
});

test('objects are put, read and listed in order; a missing one is undefined', async () => {
  const bucket = s3Bucket({ bucketName: 'windows' });
  await bucket.put('spans/b', Buffer.from('two'));
  await bucket.put('spans/a', Buffer.from('one'), 'text/plain');
  await bucket.put('reports/a', Buffer.from('other'));
  assert.equal(Buffer.from((await bucket.get('spans/a')) ?? []).toString(), 'one');
  assert.equal(await bucket.get('spans/none'), undefined);
  assert.deepEqual(await bucket.list('spans/'), ['spans/a', 'spans/b']);
  await assert.rejects(s3Bucket({ bucketName: 'nowhere' }).list(''), /unavailable: ListObjectsV2 s3:\/\/nowhere/);
});

test('entries that PutEvents refuses inside a 200 are sent again, alone; after the third refusal it is a Failure', async () => {
  const requests: { Entries: { Detail: string }[] }[] = [];
  let refuse = 1;
  const server = createServer((request, response) => {
    void read(request).then((text) => {
      const body = JSON.parse(text) as (typeof requests)[number];
      requests.push(body);
      const failing = refuse > 0;
      refuse -= 1;
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(
        JSON.stringify({
          FailedEntryCount: failing ? 1 : 0,
          Entries: body.Entries.map((_, index) =>
            failing && index === 0 ? { ErrorCode: 'InternalFailure', ErrorMessage: 'busy' } : { EventId: `${index}` },
          ),
        }),
      );
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  process.env['AWS_ENDPOINT_URL'] = `http://127.0.0.1:${address.port}`;
  const bus = eventBridgeBus({ busName: 'bus' });
  const events = Array.from({ length: 12 }, (_, n) => ({
    source: 'tidemark.test',
    detailType: 'Alert',
    detail: { n },
  }));
  await bus.put(events);
  assert.deepEqual(
    requests.map(({ Entries }) => Entries.length),
    [10, 1, 2],
  );
  refuse = 3;
  await assert.rejects(bus.put(events.slice(0, 1)), /unavailable: PutEvents bus: InternalFailure: busy/);
  server.close();
  server.closeAllConnections();
});

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};
