import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Context, context, propagation as otelBaggage, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { decodeEnvelope } from '../../lib/message/envelope.ts';
import { recordsOf } from '../../lib/message/records.ts';
import {
  injectKafka,
  injectNsq,
  injectRabbitmq,
  traceEventBridge,
  traceKinesis,
  traceLambda,
  traceSns,
  traceSqs,
  traceStepFunctions,
} from '../../lib/middleware/inject-clients.ts';
import { extract, extractFrom } from '../../lib/propagation/extract.ts';
import { propagation } from '../../lib/propagation/propagation.ts';
import { recording, spanId, traceId, traceparent } from './recording.ts';

type Body = Record<string, unknown>;
const queue = 'https://sqs.us-east-2.amazonaws.com/123456789012/orders';

/** The real client of the SDK, up to the request that it would send. */
const sqs = (options: Parameters<typeof traceSqs>[1], answer: unknown = {}) => {
  const bodies: Body[] = [];
  const client = new SQSClient({
    region: 'us-east-2',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: {
      handle: async (request: { body: string }) => {
        bodies.push(JSON.parse(request.body));
        // The client checks this one: a body that was changed after it was checksummed would be refused.
        const md5 = createHash('md5')
          .update(String(bodies.at(-1)?.['MessageBody']))
          .digest('hex');
        const body = Buffer.from(JSON.stringify({ MD5OfMessageBody: md5, ...(answer as object) }));
        return { response: { statusCode: 200, headers: {}, body } };
      },
    } as never,
  });
  traceSqs(client as never, options);
  return { client, bodies };
};

/** A client as a plug-in sees it, for services whose SDK is not among the dependencies. */
const structural = (plug: (client: never) => void, output: unknown = {}) => {
  type Middleware = (
    next: (call: { input: Body }) => Promise<unknown>,
    about: object,
  ) => (call: object) => Promise<unknown>;
  const added: Middleware[] = [];
  plug({ middlewareStack: { add: (middleware: Middleware) => added.push(middleware) } } as never);
  return async (commandName: string, input: Body): Promise<Body> => {
    let sent: Body = {};
    const next = async (call: { input: Body }) => {
      sent = call.input;
      return { output };
    };
    await added[0]?.(next, { commandName })({ input });
    return sent;
  };
};

const attributes = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`own${index}`, { DataType: 'String', StringValue: `v${index}` }]),
  );

const names = (message: unknown) => Object.keys((message as { MessageAttributes?: object }).MessageAttributes ?? {});

const withBaggage = <T>(entries: Record<string, string>, run: () => T): T => {
  const wrapped = Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, { value }]));
  return context.with(otelBaggage.setBaggage(context.active(), otelBaggage.createBaggage(wrapped)), run);
};

test('a message carries the context of its PRODUCER span, as plain strings, and the caller’s input is untouched', async () => {
  const { tracer, spans } = recording();
  const { client, bodies } = sqs({ tracer }, { MessageId: 'm-1' });
  const input: SendMessageCommandInput = {
    QueueUrl: queue,
    MessageBody: '{}',
    MessageAttributes: attributes(1) as never,
  };
  const before = structuredClone(input);
  await client.send(new SendMessageCommand(input));
  assert.deepEqual(input, before);
  const [span] = spans();
  assert.equal(span?.name, 'send orders');
  assert.equal(span?.kind, SpanKind.PRODUCER);
  assert.equal(span?.attributes['messaging.system.name'], 'aws.sqs');
  assert.equal(span?.attributes['messaging.message.id'], 'm-1');
  const { traceId: trace32, spanId: span16 } = span?.spanContext() ?? { traceId: '', spanId: '' };
  assert.deepEqual(((bodies[0]?.['MessageAttributes'] ?? {}) as Body)['traceparent'], {
    DataType: 'String',
    StringValue: `00-${trace32}-${span16}-01`,
  });
  assert.deepEqual(names(bodies[0]), ['own0', 'traceparent']);
});

test('every entry of a batch carries it; with a span per message each its own, linked from the send', async () => {
  const { tracer, spans, named } = recording();
  const { client, bodies } = sqs({ tracer, spanPerMessage: true }, { Failed: [{ Id: '1' }], Successful: [] });
  const Entries = [0, 1, 2].map((index) => ({ Id: String(index), MessageBody: 'x' }));
  await client.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
  const sent = (bodies[0]?.['Entries'] ?? []) as { MessageAttributes: { traceparent: { StringValue: string } } }[];
  assert.deepEqual(
    sent.map((entry) => entry.MessageAttributes.traceparent.StringValue.split('-')[2]),
    named('create orders').map((span) => span.spanContext().spanId),
  );
  const [send] = named('send orders');
  assert.equal(send?.kind, SpanKind.CLIENT);
  assert.equal(send?.links.length, 3);
  assert.equal(send?.attributes['messaging.batch.message_count'], 3);
  assert.equal(send?.attributes['tidemark.batch.failed_count'], 1);
  assert.equal(send?.status.code, SpanStatusCode.ERROR);
  assert.equal(spans().length, 4);
  const plain = recording();
  const shared = sqs({ tracer: plain.tracer });
  await shared.client.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
  assert.equal(
    ((shared.bodies[0]?.['Entries'] ?? []) as unknown[]).every((entry) => names(entry).includes('traceparent')),
    true,
  );
  assert.equal(plain.spans().length, 1);
  assert.equal(plain.spans()[0]?.kind, SpanKind.PRODUCER);
});

test('a creation context is never overwritten, in whatever case or format; the send links to it', async () => {
  const { tracer, spans } = recording();
  const { client, bodies } = sqs({ tracer });
  for (const [name, StringValue] of [
    ['TraceParent', traceparent(3)],
    ['b3', `${traceId(3)}-${spanId(3)}-1`],
  ] as const) {
    const own = { [name]: { DataType: 'String', StringValue } };
    await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x', MessageAttributes: own }));
    assert.deepEqual(bodies.at(-1)?.['MessageAttributes'], own);
    assert.equal(spans().at(-1)?.links[0]?.context.spanId, spanId(3));
    assert.equal(spans().at(-1)?.kind, SpanKind.CLIENT);
  }
});

const parent = (): Context =>
  trace.setSpanContext(context.active(), {
    traceId: traceId(1),
    spanId: spanId(1),
    traceFlags: 1,
    traceState: { serialize: () => 'a=b', get: () => 'b', set: () => assert.fail(), unset: () => assert.fail() },
  });

for (const [own, expected, header] of [
  [7, ['traceparent', 'tracestate', 'baggage'], false],
  [8, ['traceparent', 'tracestate'], false],
  [9, ['traceparent'], false],
  [10, [], true],
  [11, [], true],
] as const) {
  test(`with ${own} attributes of its own a message gets ${expected.join(', ') || 'AWSTraceHeader'}`, async () => {
    const { tracer, spans } = recording();
    const { client, bodies } = sqs({ tracer });
    await context.with(parent(), () =>
      withBaggage({ tenant: 'a' }, () =>
        client.send(
          new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x', MessageAttributes: attributes(own) as never }),
        ),
      ),
    );
    const [body] = bodies;
    assert.deepEqual(
      names(body).filter((name) => !name.startsWith('own')),
      expected,
    );
    const system = body?.['MessageSystemAttributes'] as { AWSTraceHeader: { StringValue: string } } | undefined;
    const id = spans()[0]?.spanContext().spanId;
    assert.equal(
      system?.AWSTraceHeader.StringValue,
      header ? `Root=1-${traceId(1).slice(0, 8)}-${traceId(1).slice(8)};Parent=${id};Sampled=1` : undefined,
    );
    assert.deepEqual(
      spans()[0]?.attributes['tidemark.context.dropped'],
      expected.length === 3
        ? undefined
        : ['traceparent', 'tracestate', 'baggage'].filter(
            (name) => !expected.includes(name as never) && (name !== 'tracestate' || expected.length > 0),
          ),
    );
  });
}

test('where slots and AWSTraceHeader are taken, the envelope carries it if that was asked for', async () => {
  for (const envelope of [true, false]) {
    const { tracer, spans } = recording();
    const { client, bodies } = sqs({ tracer, envelope });
    const AWSTraceHeader = { DataType: 'String' as const, StringValue: 'Root=1-5759e988-bd862e3fe1be46a994272793' };
    await client.send(
      new SendMessageCommand({
        QueueUrl: queue,
        MessageBody: 'päyload',
        MessageAttributes: attributes(10) as never,
        MessageSystemAttributes: { AWSTraceHeader },
      }),
    );
    assert.deepEqual(bodies[0]?.['MessageSystemAttributes'], { AWSTraceHeader });
    if (!envelope) {
      assert.equal(bodies[0]?.['MessageBody'], 'päyload');
      continue;
    }
    const twin = JSON.parse(String(bodies[0]?.['MessageBody']));
    assert.equal(Buffer.from(twin.payload, 'base64').toString(), 'päyload');
    assert.equal(twin.metadata.traceparent.split('-')[2], spans()[0]?.spanContext().spanId);
  }
});

const limit = 1_048_576;
const size = (message: Body): number => {
  let bytes = Buffer.byteLength(String(message['MessageBody']));
  for (const [name, value] of Object.entries(
    (message['MessageAttributes'] ?? {}) as Record<string, Record<string, string>>,
  )) {
    bytes +=
      Buffer.byteLength(name) +
      Buffer.byteLength(value['DataType'] ?? '') +
      Buffer.byteLength(value['StringValue'] ?? '');
  }
  return bytes;
};

test('a message never grows over the limit of the service, to the byte and in multi-byte text', async () => {
  // traceparent: a name of 11, a type of 6, a value of 55.
  const cost = 11 + 6 + 55;
  for (const [fill, carries] of [
    [limit - cost, true],
    [limit - cost + 1, false],
    [limit, false],
  ] as const) {
    const { tracer } = recording();
    const { client, bodies } = sqs({ tracer });
    const MessageBody = '€'.repeat(Math.floor(fill / 3)) + 'x'.repeat(fill % 3);
    await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody }));
    assert.equal(names(bodies[0]).includes('traceparent'), carries, String(fill));
    assert.ok(size(bodies[0] as Body) <= limit);
    assert.equal(bodies[0]?.['MessageBody'], MessageBody);
    assert.equal(bodies[0]?.['MessageSystemAttributes'] !== undefined, !carries, 'AWSTraceHeader is outside the limit');
  }
});

test('the limit of a batch is that of all its entries together', async () => {
  const { tracer } = recording();
  const { client, bodies } = sqs({ tracer });
  const half = (limit - 100) / 2;
  const Entries = [0, 1].map((index) => ({ Id: String(index), MessageBody: 'x'.repeat(half) }));
  await client.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
  const sent = bodies[0]?.['Entries'] as Body[];
  assert.deepEqual(
    sent.map((entry) => names(entry).length),
    [1, 0],
  );
  assert.ok(sent.reduce((sum, entry) => sum + size(entry), 0) <= limit);
});

test('multi-byte baggage goes out percent-encoded and comes back unharmed', async () => {
  const { tracer } = recording();
  const { client, bodies } = sqs({ tracer });
  const value = 'Zürich — 東京 🚆, a;b=c%';
  await withBaggage({ city: value }, () => client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x' })));
  const [message] = recordsOf({ Messages: [{ MessageId: 'm', Body: 'x', ...bodies[0] }] });
  assert.ok(message !== undefined);
  assert.deepEqual(extract(message).baggage, [{ key: 'city', value }]);
});

test('a receive asks for the attributes that can hold a context, and leaves All alone', async () => {
  const { client, bodies } = sqs({});
  await client.send(new ReceiveMessageCommand({ QueueUrl: queue, MessageAttributeNames: ['own'] }));
  const asked = bodies[0]?.['MessageAttributeNames'] as string[];
  for (const name of ['own', 'traceparent', 'tracestate', 'baggage', 'b3', 'X-B3-SpanId', 'x-b3-traceid', '_datadog'])
    assert.ok(asked.includes(name), name);
  assert.deepEqual(bodies[0]?.['MessageSystemAttributeNames'], ['AWSTraceHeader']);
  await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queue,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  );
  assert.deepEqual(bodies[1]?.['MessageAttributeNames'], ['All']);
  assert.deepEqual(bodies[1]?.['MessageSystemAttributeNames'], ['All']);
});

test('a failing tracer or input fails no send, and a failed send is on its span', async () => {
  const broken = {
    startSpan: () => {
      throw new Error('tracer');
    },
    startActiveSpan: () => assert.fail(),
  };
  const { client, bodies } = sqs({ tracer: broken as never });
  await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x' }));
  assert.equal(bodies[0]?.['MessageBody'], 'x');
  const { tracer, spans } = recording();
  const failing = structural((stack) => traceSqs(stack, { tracer }));
  assert.deepEqual(await failing('SendMessageBatchCommand', { Entries: 'none' }), { Entries: 'none' });
  const client2 = sqs({ tracer }).client;
  client2.middlewareStack.add(
    () => async () => {
      throw new Error('refused');
    },
    { step: 'build' },
  );
  await assert.rejects(client2.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x' })), /refused/);
  assert.equal(spans().at(-1)?.status.code, SpanStatusCode.ERROR);
});

test('without a provider nothing is injected: zeros are no context', async () => {
  const { client, bodies } = sqs({});
  await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x' }));
  assert.deepEqual(names(bodies[0]), []);
  assert.equal(bodies[0]?.['MessageSystemAttributes'], undefined);
});

test('EventBridge: the detail gets _trace first, every other byte stays, and nothing but objects is touched', async () => {
  const { tracer, spans } = recording();
  const bodies: Body[] = [];
  const client = new EventBridgeClient({
    region: 'us-east-2',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: {
      handle: async (request: { body: string }) => {
        bodies.push(JSON.parse(request.body));
        return { response: { statusCode: 200, headers: {}, body: Buffer.from('{"FailedEntryCount":0,"Entries":[]}') } };
      },
    } as never,
  });
  traceEventBridge(client as never, { tracer, except: (_, type) => type === 'Strict' });
  const own = `{"_trace":{"traceparent":"${traceparent(4)}"}}`;
  const details = [
    '{"id":12345678901234567890, "text":"é"}',
    ' {} ',
    '[1]',
    '"text"',
    own,
    '{"a":1}',
    '{"traceparent":7}',
  ];
  const Entries = details.map((Detail, index) => ({
    Source: 's',
    DetailType: index === 5 ? 'Strict' : 'T',
    Detail,
    EventBusName: 'arn:aws:events:us-east-2:1:event-bus/shop',
  }));
  await client.send(new PutEventsCommand({ Entries }));
  const sent = ((bodies[0]?.['Entries'] ?? []) as { Detail: string }[]).map((entry) => entry.Detail);
  const { traceId: trace32, spanId: span16 } = spans()[0]?.spanContext() ?? { traceId: '', spanId: '' };
  const splice = `"_trace":{"traceparent":"00-${trace32}-${span16}-01"}`;
  assert.equal(sent[0], `{${splice},"id":12345678901234567890, "text":"é"}`);
  assert.equal(sent[1], ` {${splice}} `);
  assert.deepEqual(sent.slice(2, 6), details.slice(2, 6));
  assert.equal(sent[6], `{${splice},"traceparent":7}`);
  assert.equal(spans()[0]?.name, 'send shop');
  assert.deepEqual(
    spans()[0]?.links.map((link) => link.context.spanId),
    [spanId(4)],
  );
});

test('what was injected is extracted again: SNS, Kinesis, Step Functions, Lambda', async () => {
  const { tracer, spans } = recording();
  const lastId = () => spans().at(-1)?.spanContext().spanId;
  const found = (event: unknown, about?: object) => {
    const [message] = recordsOf(event, about);
    return message === undefined ? undefined : extract(message).context?.spanId;
  };
  const sns = structural((stack) => traceSns(stack, { tracer }));
  const published = await sns('PublishBatchCommand', {
    TopicArn: 'arn:aws:sns:x:1:t',
    PublishBatchRequestEntries: [{ Id: '1', Message: 'm' }],
  });
  const [entry] = published['PublishBatchRequestEntries'] as { MessageAttributes: Record<string, Body> }[];
  const carried = Object.fromEntries(
    Object.entries(entry?.MessageAttributes ?? {}).map(([name, value]) => [
      name,
      { Type: value['DataType'], Value: value['StringValue'] },
    ]),
  );
  assert.equal(
    found({ Records: [{ EventSource: 'aws:sns', Sns: { Message: 'm', MessageAttributes: carried } }] }),
    lastId(),
  );
  assert.deepEqual(await sns('PublishCommand', { PhoneNumber: '+1', Message: 'm' }), {
    PhoneNumber: '+1',
    Message: 'm',
  });

  const kinesis = structural((stack) => traceKinesis(stack, { tracer, envelope: true }));
  const data = [Buffer.from('{"a":"é"}'), Buffer.from([1, 2, 3]), Buffer.from([123, 255, 254])];
  const put = await kinesis('PutRecordsCommand', {
    StreamName: 's',
    Records: data.map((Data) => ({ Data, PartitionKey: 'p' })),
  });
  for (const { Data } of put['Records'] as { Data: Uint8Array }[]) {
    const record = { eventSource: 'aws:kinesis', kinesis: { data: Buffer.from(Data).toString('base64') } };
    assert.equal(found({ Records: [record] }), lastId());
  }
  assert.equal(JSON.parse(Buffer.from((put['Records'] as { Data: Uint8Array }[])[0]?.Data ?? []).toString()).a, 'é');

  const states = structural((stack) => traceStepFunctions(stack, { tracer }));
  assert.equal(
    found(JSON.parse(String((await states('StartExecutionCommand', { stateMachineArn: 'a:m' }))['input']))),
    lastId(),
  );

  const lambda = structural((stack) => traceLambda(stack, { tracer }));
  const custom = Buffer.from('{"custom":{"own":"1"},"client":{}}').toString('base64');
  const { ClientContext } = await lambda('InvokeCommand', { FunctionName: 'f', ClientContext: custom });
  const clientContext = JSON.parse(Buffer.from(String(ClientContext), 'base64').toString());
  assert.equal(clientContext.custom.own, '1');
  assert.equal(found({ any: 1 }, { clientContext }), lastId());
  const event = { FunctionName: 'f', InvocationType: 'Event' };
  assert.deepEqual(await lambda('InvokeCommand', event), event);
  const full = {
    FunctionName: 'f',
    ClientContext: Buffer.from(JSON.stringify({ custom: { own: 'x'.repeat(2640) } })).toString('base64'),
  };
  assert.deepEqual(await lambda('InvokeCommand', full), full);
});

test('Kafka and RabbitMQ headers get the active context, in a copy; NSQ gets the envelope', () => {
  const active = trace.setSpanContext(context.active(), { traceId: traceId(7), spanId: spanId(7), traceFlags: 1 });
  context.with(active, () => {
    const headers = { own: Buffer.from('1') };
    assert.equal(extractFrom(injectKafka(headers)).context?.spanId, spanId(7));
    assert.deepEqual(Object.keys(headers), ['own']);
    const forwarded = { traceparent: Buffer.from(traceparent(8)) };
    assert.equal(injectRabbitmq(forwarded), forwarded);
    const b3 = injectRabbitmq({}, { propagation: propagation({ inject: ['b3'] }) });
    assert.deepEqual(b3, { b3: `${traceId(7)}-${spanId(7)}-1` });
    const envelope = decodeEnvelope(injectNsq('päyload'));
    assert.ok(typeof envelope !== 'string');
    assert.equal(Buffer.from(envelope.payload).toString(), 'päyload');
    assert.equal(envelope.metadata['traceparent'], traceparent(7));
  });
  assert.deepEqual(injectKafka({ own: '1' }), { own: '1' });
});

test('any message stays within the limits and keeps everything of its own', async () => {
  const { tracer } = recording();
  const send = structural((stack) => traceSqs(stack, { tracer, envelope: true }));
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const attribute = fc.record({ DataType: fc.constantFrom('String', 'Number', 'String.x'), StringValue: text });
  const own = fc.dictionary(
    text.filter((name) => name !== '__proto__'),
    attribute,
    { maxKeys: 10 },
  );
  const body = fc.oneof(
    text,
    fc.integer({ min: limit - 400, max: limit }).map((length) => 'x'.repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(own, body, text, async (MessageAttributes, MessageBody, value) => {
      const input = { QueueUrl: queue, MessageBody, MessageAttributes };
      fc.pre(size(input) <= limit);
      const sent = await withBaggage({ value }, () => send('SendMessageCommand', input));
      assert.ok(size(sent) <= limit);
      assert.ok(Math.max(Object.keys(MessageAttributes).length, 10) >= names(sent).length);
      for (const [name, kept] of Object.entries(MessageAttributes)) {
        assert.deepEqual((sent['MessageAttributes'] as Body)[name], kept);
      }
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 100) },
  );
});
