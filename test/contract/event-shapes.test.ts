import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { encodeEnvelope } from '../../lib/message/envelope.ts';
import { recordsOf } from '../../lib/message/records.ts';
import { explain } from '../../lib/propagation/explain.ts';
import { answer } from '../../scripts/commands/doctor.ts';

/**
 * Events as AWS documents them and as other tracers and SDKs leave them, batches of mixed carriers among them. What is expected is
 * written by hand: `n` stands for trace and span number n, sampled; `n-` for not sampled, `n?` for a decision left open, `n/` for a
 * trace without a parent span, `-` for nothing. After a blank: the format, unless it is W3C.
 */
const hex = (n: number, digits: number, lead: string): string =>
  lead + n.toString(16).padStart(digits - lead.length, '0');
const T = (n: number): string => hex(n, 32, '4bf92f3577b34da6');
const S = (n: number): string => hex(n, 16, '00f067aa');
const half = (n: number): string => hex(n, 16, 'a3ce929d');

const tp = (n: number, flags = '01'): string => `00-${T(n)}-${S(n)}-${flags}`;
const b3 = (n: number, state = '-1'): string => `${T(n)}-${S(n)}${state}`;
const xr = (n: number, tail = `;Parent=${S(n)};Sampled=1`): string =>
  `Root=1-${T(n).slice(0, 8)}-${T(n).slice(8)}${tail}`;
const dd = (n: number, more: object = {}) => ({
  'x-datadog-trace-id': BigInt(`0x${T(n).slice(16)}`).toString(),
  'x-datadog-parent-id': BigInt(`0x${S(n)}`).toString(),
  'x-datadog-sampling-priority': '1',
  'x-datadog-tags': `_dd.p.dm=-1,_dd.p.tid=${T(n).slice(0, 16)}`,
  ...more,
});

const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
const bytes = (text: string): number[] => [...Buffer.from(text)];
const signed = (text: string): number[] => [...new Int8Array(Buffer.from(text))];
const indexed = (list: readonly unknown[]): object => Object.fromEntries(list.map((each, index) => [index, each]));
const envelope = (metadata: Record<string, string>, payload = 'x'): Buffer =>
  Buffer.from(encodeEnvelope({ payload: Buffer.from(payload), metadata }));

const field = (tag: number, value: Buffer): Buffer => {
  const head = [tag];
  let length = value.length;
  for (; length > 127; length >>= 7) head.push((length & 127) | 128);
  return Buffer.concat([Buffer.from([...head, length]), value]);
};
/** As the Kinesis Producer Library sends several records as one. */
const aggregate = (...data: readonly (string | Buffer)[]): Buffer => {
  const list = data.map((each) => field(26, Buffer.concat([Buffer.from([8, 0]), field(26, Buffer.from(each))])));
  const body = Buffer.concat([field(10, Buffer.from('key')), ...list]);
  return Buffer.concat([Buffer.from([0xf3, 0x89, 0x9a, 0xc2]), body, createHash('md5').update(body).digest()]);
};

const str = (stringValue: string, dataType = 'String') => ({
  stringValue,
  stringListValues: [],
  binaryListValues: [],
  dataType,
});
const sqs = (more: object) => ({
  messageId: '059f36b4-87a3-44ab-83d2-661975830a7d',
  receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
  body: 'test',
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '1545082649183',
    SenderId: 'AIDAIENQZJOLO23YVJ4VO',
    ApproximateFirstReceiveTimestamp: '1545082649185',
  },
  messageAttributes: {},
  md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:us-east-2:123456789012:my-queue',
  awsRegion: 'us-east-2',
  ...more,
});
const attributes = (map: Record<string, string>) => ({
  messageAttributes: Object.fromEntries(Object.entries(map).map(([name, value]) => [name, str(value)])),
});
const inBody = (body: unknown) => sqs({ body: typeof body === 'string' ? body : JSON.stringify(body) });
const withHeader = (AWSTraceHeader: string, more: object = {}) =>
  sqs({ attributes: { ApproximateReceiveCount: '1', AWSTraceHeader }, ...more });
const records = (...Records: object[]) => ({ Records });

const snsBody = (more: object) => ({
  Type: 'Notification',
  MessageId: '95df01b4-ee98-5cb9-9903-4c221d41eb5e',
  TopicArn: 'arn:aws:sns:us-east-2:123456789012:sns-topic',
  Subject: 'TestInvoke',
  Message: 'Hello from SNS!',
  Timestamp: '2019-01-02T12:45:07.000Z',
  SignatureVersion: '1',
  Signature: 'tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==',
  SigningCertURL: 'https://sns.us-east-2.amazonaws.com/SimpleNotificationService-ac565b8b1a6c5d002d285f9598aa1d9b.pem',
  UnsubscribeURL: 'https://sns.us-east-2.amazonaws.com/?Action=Unsubscribe',
  ...more,
});
const sns = (more: object) => ({
  EventVersion: '1.0',
  EventSubscriptionArn: 'arn:aws:sns:us-east-2:123456789012:sns-lambda:21be56ed',
  EventSource: 'aws:sns',
  Sns: snsBody({ MessageAttributes: {}, ...more }),
});
const value = (Value: string, Type = 'String') => ({ Type, Value });
const eb = (detail: unknown, more: object = {}) => ({
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': 'OrderPlaced',
  source: 'shop.orders',
  account: '111122223333',
  time: '2021-11-12T00:00:00Z',
  region: 'us-east-2',
  resources: [],
  detail,
  ...more,
});
const kinesis = (data: unknown) => ({
  kinesis: {
    kinesisSchemaVersion: '1.0',
    partitionKey: '1',
    sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
    data: Buffer.isBuffer(data) ? data.toString('base64') : base64(data),
    approximateArrivalTimestamp: 1545084650.987,
  },
  eventSource: 'aws:kinesis',
  eventVersion: '1.0',
  eventID: 'shardId-000000000006:49590338271490256608559692538361571095921575989136588898',
  eventName: 'aws:kinesis:record',
  invokeIdentityArn: 'arn:aws:iam::123456789012:role/lambda-role',
  awsRegion: 'us-east-2',
  eventSourceARN: 'arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream',
});
const kafkaRecord = (headers: unknown, more: object = {}) => ({
  topic: 'mytopic',
  partition: 0,
  offset: 15,
  timestamp: 1545084650987,
  timestampType: 'CREATE_TIME',
  key: base64('k'),
  value: base64('Hello, this is a test.'),
  headers,
  ...more,
});
const kafka = (...list: object[]) => ({
  eventSource: 'aws:kafka',
  eventSourceArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2',
  bootstrapServers: 'b-2.demo:9092',
  records: { 'mytopic-0': list },
});
const rabbit = (headers: unknown, more: object = {}) => ({
  basicProperties: {
    contentType: 'text/plain',
    contentEncoding: null,
    headers,
    deliveryMode: 1,
    priority: 34,
    correlationId: null,
    replyTo: null,
    expiration: '60000',
    messageId: null,
    timestamp: 'Jan 1, 1970, 12:33:41 AM',
    type: null,
    userId: 'AIDACKCEVSQ6C2EXAMPLE',
    appId: null,
    clusterId: null,
    bodySize: 80,
  },
  redelivered: false,
  data: 'eyJ0aW1lb3V0IjowLCJkYXRhIjoiQ1pybWYwR3c4T3Y0YnFMUXhENEUifQ==',
  ...more,
});
const rabbits = (queues: Record<string, object[]>) => ({
  eventSource: 'aws:rmq',
  eventSourceArn: 'arn:aws:mq:us-west-2:111122223333:broker:pizzaBroker:b-9bcfa592',
  rmqMessagesByQueue: queues,
});
const jms = (properties: unknown, more: object = {}) => ({
  messageID: 'ID:b-9bcfa592-423a-4942-879d-eb284b418fc8-1.mq.us-west-2.amazonaws.com-37557-1234520418293-4:1:1:1:1',
  messageType: 'jms/text-message',
  deliveryMode: 1,
  replyTo: null,
  type: null,
  expiration: '60000',
  priority: 1,
  correlationId: 'myJMSCoID',
  redelivered: false,
  destination: { physicalName: 'testQueue' },
  data: 'QUJDOkFBQUE=',
  timestamp: 1598827811958,
  brokerInTime: 1598827811958,
  brokerOutTime: 1598827811959,
  properties,
  ...more,
});
const activemq = (...messages: object[]) => ({
  eventSource: 'aws:mq',
  eventSourceArn: 'arn:aws:mq:us-west-2:111122223333:broker:test:b-9bcfa592',
  messages,
});
const dynamo = (images: object, eventName = 'INSERT') => ({
  eventID: '1',
  eventVersion: '1.0',
  dynamodb: {
    Keys: { Id: { N: '101' } },
    ApproximateCreationDateTime: 1479499740,
    StreamViewType: 'NEW_AND_OLD_IMAGES',
    SequenceNumber: '111',
    SizeBytes: 26,
    ...images,
  },
  awsRegion: 'us-west-2',
  eventName,
  eventSourceARN: 'arn:aws:dynamodb:us-west-2:123456789012:table/ExampleTable/stream/2015-06-27T00:48:05.899',
  eventSource: 'aws:dynamodb',
});
const s3Record = {
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: 'us-east-2',
  eventTime: '2019-09-03T19:37:27.192Z',
  eventName: 'ObjectCreated:Put',
  requestParameters: { sourceIPAddress: '205.255.255.255' },
  responseElements: {
    'x-amz-request-id': 'D82B88E5F771F645',
    'x-amz-id-2': 'vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo6QBU0Wo=',
  },
  s3: {
    s3SchemaVersion: '1.0',
    configurationId: '828aa6fc',
    bucket: {
      name: 'lambda-artifacts',
      ownerIdentity: { principalId: 'A3I5XTEXAMAI3E' },
      arn: 'arn:aws:s3:::lambda-artifacts',
    },
    object: {
      key: 'b21b84d653bb07b05b1e6b33684dc11b',
      size: 1305107,
      eTag: 'b21b84d653bb07b05b1e6b33684dc11b',
      sequencer: '0C0F6F405D6ED209E1',
    },
  },
};
const ce = (more: object) => ({
  specversion: '1.0',
  id: 'A234-1234-1234',
  source: '/mycontext',
  type: 'com.example.someevent',
  datacontenttype: 'application/json',
  ...more,
});
const proxyV1 = (more: object) => ({
  resource: '/my/path',
  path: '/my/path',
  httpMethod: 'GET',
  queryStringParameters: null,
  multiValueQueryStringParameters: null,
  requestContext: {
    accountId: '123456789012',
    apiId: 'id',
    httpMethod: 'GET',
    requestId: 'id=',
    requestTime: '04/Mar/2020:19:15:17 +0000',
    requestTimeEpoch: 1583349317135,
    stage: '$default',
  },
  pathParameters: null,
  stageVariables: null,
  body: null,
  isBase64Encoded: false,
  ...more,
});
const proxyV2 = (more: object) => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: '/my/path',
  rawQueryString: '',
  cookies: ['a=b'],
  requestContext: {
    accountId: '123456789012',
    apiId: 'id',
    http: { method: 'POST', path: '/my/path', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'agent' },
    requestId: 'id',
    timeEpoch: 1583348638390,
  },
  isBase64Encoded: false,
  ...more,
});
const alb = (more: object) => ({
  requestContext: {
    elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:1234567890:targetgroup/tg/5ae19f0b8d9d9c3f' },
  },
  httpMethod: 'GET',
  path: '/lambda',
  queryStringParameters: {},
  body: '',
  isBase64Encoded: false,
  ...more,
});

const shapes: Readonly<Record<string, readonly [event: unknown, expected: string, context?: unknown]>> = {
  // SQS
  'the attribute of the AWS sample event': [
    records(sqs(attributes({ traceparent: tp(1), tracestate: 'rojo=00f067aa0ba902b7' }))),
    '1',
  ],
  'ten records with a carrier each': [
    records(
      sqs({}),
      sqs(attributes({ traceparent: tp(2, '00') })),
      sqs(attributes({ b3: b3(3) })),
      sqs(attributes({ 'X-B3-TraceId': T(4), 'X-B3-SpanId': S(4), 'X-B3-Sampled': '0' })),
      withHeader(xr(5)),
      inBody(snsBody({ MessageAttributes: { traceparent: value(tp(6)) } })),
      inBody(eb({ _trace: { traceparent: tp(7) } })),
      inBody(envelope({ traceparent: tp(8) }).toString('base64')),
      inBody(ce({ traceparent: tp(9), data: {} })),
      sqs({ messageAttributes: { _datadog: str(JSON.stringify(dd(10))) } }),
    ),
    '- | 2- | 3 b3 | 4- b3 | 5 xray | 6 | 7 | 8 | 9 | 10 custom',
  ],
  'attributes null, absent, and of no known form': [
    records(
      sqs({ messageAttributes: null, attributes: null }),
      { eventSource: 'aws:sqs', body: 'x' },
      sqs({ messageAttributes: { traceparent: null, b3: 7, tracestate: [] } }),
    ),
    '- | - | -',
  ],
  'a record without eventSource and id, as written by hand': [
    records({ body: '{}', messageAttributes: { traceparent: { stringValue: tp(1), dataType: 'String' } } }),
    '1',
  ],
  'numbers, labels and binaries': [
    records(
      sqs({ messageAttributes: { traceparent: str(tp(1), 'String.trace') } }),
      sqs({
        messageAttributes: {
          traceparent: {
            binaryValue: base64(tp(2)),
            stringListValues: [],
            binaryListValues: [],
            dataType: 'Binary.w3c',
          },
        },
      }),
      sqs({ messageAttributes: { b3: { stringValue: '0', dataType: 'Number' } } }),
    ),
    '1 | 2 | -- b3',
  ],
  'a broken traceparent beside sound others': [
    records(
      withHeader(xr(1), attributes({ traceparent: tp(9).toUpperCase() })),
      sqs(attributes({ traceparent: tp(9).slice(0, -1), b3: b3(2, '-0') })),
      sqs(attributes({ traceparent: `"${tp(9)}"`, 'x-b3-traceid': T(3), 'x-b3-spanid': S(3), 'x-b3-sampled': '1' })),
      sqs(attributes({ traceparent: `00-${'0'.repeat(32)}-${S(4)}-01`, tracestate: 'a=1' })),
    ),
    '1 xray | 2- b3 | 3 b3 | -',
  ],
  'W3C before B3 before X-Ray': [
    records(
      withHeader(xr(3), attributes({ b3: b3(2, '-0'), traceparent: tp(1) })),
      withHeader(xr(3), attributes({ b3: b3(2, '-0') })),
    ),
    '1 | 2- b3',
  ],
  'versions of the future': [
    records(
      sqs(attributes({ traceparent: `01-${T(1)}-${S(1)}-01-what-the-future-will-be-like` })),
      sqs(attributes({ traceparent: `cc-${T(2)}-${S(2)}-00` })),
      sqs(attributes({ traceparent: `ff-${T(3)}-${S(3)}-01` })),
    ),
    '1 | 2- | -',
  ],
  'flags: random, unknown bits': [
    records(
      sqs(attributes({ traceparent: tp(1, '03') })),
      sqs(attributes({ traceparent: tp(2, '02') })),
      sqs(attributes({ traceparent: tp(3, 'ff') })),
    ),
    '1 | 2- | 3',
  ],
  'B3 of 64 bits, deferred, debug, decision only': [
    records(
      sqs(attributes({ b3: `${half(1)}-${S(1)}` })),
      sqs(attributes({ b3: b3(2, '-d-05e3ac9a4f6e3b90') })),
      sqs(attributes({ b3: 'd' })),
      sqs(attributes({ 'X-B3-Sampled': '0' })),
      sqs(attributes({ 'X-B3-Flags': '1' })),
    ),
    'half1? b3 | 2 b3 | -+ b3 | -- b3 | -+ b3',
  ],
  'AWSTraceHeader in every state': [
    records(
      withHeader(xr(1, `;Parent=${S(1)};Sampled=0;Lineage=a87bd80c:0|68fd508a:5`)),
      withHeader(xr(2, `;Parent=${S(2)};Sampled=?`)),
      withHeader(xr(3, `;Parent=${S(3)}`)),
      withHeader(xr(4, '')),
      withHeader(`Self=1-67891234-12456789abcdef012345678;${xr(5, '')}`),
      withHeader(`Sampled=1;Parent=${S(6)};${xr(6, '')}`),
      withHeader('Root=1-5759e988;Parent=x'),
    ),
    '1- xray | 2? xray | 3? xray | 4/ xray | 5/ xray | 6 xray | -',
  ],
  'ReceiveMessage of an SDK, bytes as a Buffer in JSON': [
    {
      $metadata: { httpStatusCode: 200 },
      Messages: [
        {
          MessageId: 'a',
          ReceiptHandle: 'r',
          MD5OfBody: 'm',
          Body: 'x',
          Attributes: { AWSTraceHeader: xr(1) },
          MessageAttributes: {},
        },
        { MessageId: 'b', Body: 'x', MessageAttributes: { TraceParent: { StringValue: tp(2), DataType: 'String' } } },
        {
          MessageId: 'c',
          Body: 'x',
          MessageAttributes: {
            traceparent: { BinaryValue: { type: 'Buffer', data: bytes(tp(3)) }, DataType: 'Binary' },
          },
        },
        {
          MessageId: 'd',
          Body: 'x',
          MessageAttributes: { traceparent: { BinaryValue: indexed(bytes(tp(4))), DataType: 'Binary' } },
        },
        { MessageId: 'e', Body: JSON.stringify({ metadata: { traceparent: tp(5) } }) },
      ],
    },
    '1 xray | 2 | 3 | 4 | 5',
  ],
  'JSON bodies: _trace, headers, metadata, flat, and other casings': [
    records(
      inBody({ orderId: 1, _trace: { traceparent: tp(1), tracestate: 'a=1' } }),
      inBody({ headers: { TraceParent: tp(2) }, payload: {} }),
      inBody({ metadata: { b3: b3(3, '-0') } }),
      inBody({ traceparent: tp(4) }),
      inBody({ headers: { 'X-Amzn-Trace-Id': xr(5) } }),
      inBody({ metadata: { 'X-B3-TraceId': T(6), 'X-B3-SpanId': S(6), 'X-B3-Sampled': '1' }, body: 'x' }),
      inBody({ headers: { traceparent: [tp(7)] } }),
      inBody(`  \n${JSON.stringify({ _trace: { traceparent: tp(8) } }, undefined, 2)}`),
      inBody(JSON.stringify(JSON.stringify({ _trace: { traceparent: tp(9) } }))),
    ),
    '1 | 2 | 3- b3 | 4 | 5 xray | 6 b3 | 7 | 8 | 9',
  ],
  'bodies that look like something and are nothing': [
    records(
      inBody('{"traceparent":'),
      inBody(`traceparent: ${tp(1)}`),
      inBody('[]'),
      inBody('"traceparent"'),
      inBody('CgVoZWxsbw=='),
      inBody({ traceparent: { x: 1 } }),
      inBody({ log: 'trace', traceId: T(1) }),
    ),
    '- | - | - | - | - | - | -',
  ],
  'an attribute before the body, the body before AWSTraceHeader': [
    records(
      sqs({ ...attributes({ traceparent: tp(1) }), body: JSON.stringify({ _trace: { traceparent: tp(2) } }) }),
      withHeader(xr(4), { body: JSON.stringify({ _trace: { traceparent: tp(3) } }) }),
    ),
    '1 | 3',
  ],
  // SNS
  'SNS to Lambda: String, Binary, B3, JSON message': [
    records(
      sns({ MessageAttributes: { traceparent: value(tp(1)) } }),
      sns({ MessageAttributes: { traceparent: value(base64(tp(2)), 'Binary') } }),
      sns({ MessageAttributes: { b3: value(b3(3, '')) } }),
      sns({ Message: JSON.stringify({ headers: { traceparent: tp(4, '00') } }) }),
      sns({ MessageAttributes: { _datadog: value(base64(dd(5)), 'Binary') } }),
      sns({ Message: 'plain' }),
    ),
    '1 | 2 | 3? b3 | 4- | 5 custom | -',
  ],
  'SNS to SQS, raw and not, several in a batch': [
    records(
      inBody(snsBody({ MessageAttributes: { traceparent: value(tp(1)), kind: value('order') } })),
      sqs(attributes({ traceparent: tp(2) })),
      inBody(snsBody({ Message: JSON.stringify({ _trace: { traceparent: tp(3) } }) })),
      inBody(snsBody({ MessageAttributes: { _datadog: value(base64(dd(4)), 'Binary') } })),
      withHeader(xr(5), { body: JSON.stringify(snsBody({})) }),
    ),
    '1 | 2 | 3 | 4 custom | 5 xray',
  ],
  'EventBridge to SNS to SQS, to SNS, to SQS': [
    records(
      inBody(snsBody({ Message: JSON.stringify(eb({ _trace: { traceparent: tp(1) } })) })),
      inBody(eb({ traceparent: tp(2) })),
      inBody(eb({ metadata: { traceparent: tp(3), correlationId: 'c' }, data: {} })),
      inBody(eb({ _datadog: dd(4) })),
      sqs({ body: JSON.stringify(eb({ id: 1 })), attributes: { AWSTraceHeader: xr(5) } }),
    ),
    '1 | 2 | 3 | 4 custom | 5 xray',
  ],
  'EventBridge to SNS to Lambda': [
    records(sns({ Message: JSON.stringify(eb({ _trace: { traceparent: tp(1) } })) })),
    '1',
  ],
  'SNS in SNS in SQS': [
    records(
      inBody(
        snsBody({
          Message: JSON.stringify(snsBody({ Message: JSON.stringify(eb({ _trace: { traceparent: tp(1) } })) })),
        }),
      ),
    ),
    '1',
  ],
  // EventBridge
  'EventBridge: flat, wrapped, in headers, text detail': [eb({ traceparent: tp(1), tracestate: 'a=1' }), '1'],
  'EventBridge: _trace with B3': [eb({ _trace: { b3: b3(2, '-0') }, order: 1 }), '2- b3'],
  'EventBridge: headers of the HTTP call behind it': [eb({ headers: { Traceparent: tp(3) } }), '3'],
  'EventBridge: a CloudEvent as detail': [eb(ce({ traceparent: tp(4), data: { a: 1 } })), '4'],
  'EventBridge: an envelope twin as detail': [eb({ payload: base64('x'), metadata: { traceparent: tp(5) } }), '5'],
  'EventBridge: replayed': [eb({ _trace: { traceparent: tp(6) } }, { 'replay-name': 'again' }), '6'],
  'EventBridge: a scheduled event': [eb({}, { 'detail-type': 'Scheduled Event', source: 'aws.events' }), '-'],
  'EventBridge: context deeper in data': [
    eb({ metadata: { domain: 'x' }, data: { _trace: { traceparent: tp(7) } } }),
    '7',
  ],
  'an input transformer that kept the context': [{ orderId: 1, _trace: { traceparent: tp(1) } }, '1'],
  'an input path: the detail alone': [{ orderId: 1, metadata: { traceparent: tp(1) } }, '1'],
  'EventBridge v2 with metadata': [
    {
      Data: { a: 1 },
      Metadata: { traceparent: tp(1), tracestate: 'a=1' },
      SystemMetadata: { 'aws:EventId': 'e', ContentType: 'application/json' },
    },
    '1',
  ],
  'EventBridge v2 in SQS, the data as text': [
    records(inBody({ Data: JSON.stringify({ a: 1 }), Metadata: { b3: b3(2) }, SystemMetadata: {} })),
    '2 b3',
  ],
  'EventBridge v2, context only in the data': [
    { Data: JSON.stringify({ _trace: { traceparent: tp(3) } }), Metadata: {}, SystemMetadata: { 'aws:EventId': 'e' } },
    '3',
  ],
  'EventBridge v2, protobuf data in base64': [
    {
      Data: envelope({ traceparent: tp(4) }).toString('base64'),
      SystemMetadata: { ContentType: 'application/protobuf' },
    },
    '4',
  ],
  // Pipes, Scheduler
  'a pipe of SQS records': [[sqs(attributes({ traceparent: tp(1) })), sqs({}), withHeader(xr(3))], '1 | - | 3 xray'],
  'a pipe of Kinesis, DynamoDB, Kafka and MQ records, flattened': [
    [
      {
        eventSource: 'aws:kinesis',
        eventID: 'shardId-0:1',
        kinesisSchemaVersion: '1.0',
        partitionKey: 'p',
        sequenceNumber: '1',
        data: base64({ _trace: { traceparent: tp(1) } }),
        approximateArrivalTimestamp: 1545084650.987,
      },
      dynamo({ NewImage: { _tp: { S: tp(2) } } }),
      {
        ...kafkaRecord([{ traceparent: bytes(tp(3)) }]),
        eventSource: 'aws:kafka',
        eventSourceKey: 'mytopic-0',
        bootstrapServers: 'b',
      },
      { ...rabbit({ traceparent: { bytes: bytes(tp(4)) } }), eventSource: 'aws:rmq', eventSourceArn: 'arn:aws:mq:x' },
      { ...jms({ b3: b3(5) }), eventSource: 'aws:mq', eventSourceArn: 'arn:aws:mq:x' },
    ],
    '1 | 2 | 3 | 4 | 5 b3',
  ],
  'a pipe with an input template': [
    [{ body: 'x', _trace: { traceparent: tp(1) } }, { traceparent: tp(2) }, 'plain'],
    '1 | 2 | -',
  ],
  'a schedule with an input': [{ tick: '2026-01-01T00:00:00Z', _trace: { traceparent: tp(1) } }, '1'],
  // streams
  'Kinesis: JSON, envelope, CloudEvent, Datadog, bytes': [
    records(
      kinesis({ traceparent: tp(1) }),
      kinesis({ _trace: { traceparent: tp(2, '00') } }),
      kinesis(envelope({ traceparent: tp(3) })),
      kinesis(ce({ traceparent: tp(4) })),
      kinesis({ _datadog: dd(5) }),
      kinesis(Buffer.from([0, 1, 2, 255])),
      kinesis({ payload: base64('x'), metadata: { b3: b3(7) } }),
    ),
    '1 | 2- | 3 | 4 | 5 custom | - | 7 b3',
  ],
  'DynamoDB: reserved, map, dotted, JSON text, removed, none': [
    records(
      dynamo({ NewImage: { Id: { N: '1' }, _tp: { S: tp(1) } } }),
      dynamo({ NewImage: { _otel: { M: { traceparent: { S: tp(2, '00') } } } } }, 'MODIFY'),
      dynamo({ NewImage: { '_otel.traceparent': { S: tp(3) } } }),
      dynamo({ NewImage: { _trace: { S: JSON.stringify({ traceparent: tp(4) }) } } }),
      dynamo({ OldImage: { _tp: { S: tp(5) } } }, 'REMOVE'),
      dynamo({}),
      dynamo({ NewImage: { _tp: { S: tp(7) } }, OldImage: { _tp: { S: tp(8) } } }, 'MODIFY'),
      dynamo({ NewImage: { traceparent: { S: tp(9) } } }),
      dynamo({
        NewImage: { _datadog: { M: Object.fromEntries(Object.entries(dd(10)).map(([name, S]) => [name, { S }])) } },
      }),
    ),
    '1 | 2- | 3 | 4 | - | - | 7 | 9 | 10 custom',
  ],
  'S3, alone': [records(s3Record), '-'],
  'S3 by way of SQS and of SNS and SQS': [
    records(
      withHeader(xr(1), { body: JSON.stringify({ Records: [s3Record] }) }),
      withHeader(xr(2, `;Parent=${S(2)}`), {
        body: JSON.stringify(snsBody({ Message: JSON.stringify({ Records: [s3Record] }) })),
      }),
      inBody({ Records: [s3Record] }),
    ),
    '1 xray | 2? xray | -',
  ],
  // Kafka
  'Kafka: every byte form': [
    kafka(
      kafkaRecord([{ traceparent: bytes(tp(1)) }, { baggage: signed('k=ä') }]),
      kafkaRecord([{ baggage: signed('ä') }, { traceparent: signed(tp(2)) }]),
      kafkaRecord([{ traceparent: bytes(tp(3)).map(String) }]),
      kafkaRecord([{ traceparent: indexed(bytes(tp(4)).map(String)) }]),
      kafkaRecord(indexed([{ other: bytes('x') }, { traceparent: indexed(bytes(tp(5))) }])),
      kafkaRecord([{ traceparent: base64(tp(6)) }]),
      kafkaRecord([{ traceparent: tp(7) }]),
      kafkaRecord([{ b3: bytes(b3(8, '-0')) }]),
      kafkaRecord([{ 'X-B3-TraceId': bytes(T(9)) }, { 'X-B3-SpanId': bytes(S(9)) }, { 'X-B3-Sampled': [49] }]),
      kafkaRecord([]),
      kafkaRecord(null),
      kafkaRecord(undefined),
      kafkaRecord([{ ce_traceparent: bytes(tp(13)) }, { ce_specversion: bytes('1.0') }]),
      kafkaRecord([{ ce_traceparent: bytes(tp(99)) }, { traceparent: bytes(tp(14)) }]),
      kafkaRecord([], { value: base64({ _trace: { traceparent: tp(15) } }) }),
      kafkaRecord([], { value: envelope({ traceparent: tp(16) }).toString('base64') }),
      kafkaRecord([], { value: base64(ce({ traceparent: tp(17) })) }),
      kafkaRecord(Object.entries(dd(18)).map(([name, text]) => ({ [name]: bytes(text) }))),
      kafkaRecord([{ traceparent: bytes(tp(19)) }], { value: null, key: null }),
      kafkaRecord([{ b3: [48] }]),
    ),
    '1 | 2 | 3 | 4 | 5 | 6 | 7 | 8- b3 | 9 b3 | - | - | - | 13 | 14 | 15 | 16 | 17 | 18 custom | 19 | -- b3',
  ],
  'Kafka: several topics, records as index objects, self-managed': [
    {
      eventSource: 'SelfManagedKafka',
      bootstrapServers: 'abc3.xyz.com:9092',
      records: {
        'a-0': [kafkaRecord([{ traceparent: bytes(tp(1)) }])],
        'b-1': indexed([
          kafkaRecord([{ traceparent: bytes(tp(2)) }]),
          kafkaRecord([]),
          kafkaRecord(indexed([{ traceparent: indexed(bytes(tp(4))) }])),
        ]),
      },
    },
    '1 | 2 | - | 4',
  ],
  'Kafka: a header twice': [
    kafka(
      kafkaRecord([{ traceparent: bytes(tp(1)) }, { traceparent: bytes(tp(2)) }]),
      kafkaRecord([{ tracestate: bytes('a=1') }, { traceparent: bytes(tp(3)) }, { tracestate: bytes('b=2') }]),
    ),
    '- | 3',
  ],
  // MQ
  'RabbitMQ: bytes, text, null, CloudEvents, several queues': [
    rabbits({
      'pizzaQueue::/': [
        rabbit({ header1: { bytes: [118, 97, 108] }, traceparent: { bytes: bytes(tp(1)) }, numberInHeader: 10 }),
        rabbit(null),
        rabbit({ 'cloudEvents:traceparent': { bytes: bytes(tp(3)) } }),
        rabbit({ traceparent: tp(4) }),
      ],
      'other::/vhost': [
        rabbit({ b3: { bytes: signed(b3(5, '-0')) } }),
        rabbit({}, { data: base64({ headers: { traceparent: tp(6) } }) }),
        rabbit({}, { data: envelope({ traceparent: tp(7) }).toString('base64') }),
      ],
    }),
    '1 | - | 3 | 4 | 5- b3 | 6 | 7',
  ],
  'ActiveMQ: B3, W3C, dashes, bytes, nothing': [
    activemq(
      jms({ b3: b3(1) }),
      jms({ traceparent: tp(2), index: '0' }),
      jms({ X__dash__B3__dash__TraceId: T(3), X__dash__B3__dash__SpanId: S(3) }),
      jms(null, { data: base64({ _trace: { traceparent: tp(4) } }) }),
      jms({}, { messageType: 'jms/bytes-message', data: envelope({ traceparent: tp(5) }).toString('base64') }),
      jms(undefined),
    ),
    '1 b3 | 2 | 3? b3 | 4 | 5 | -',
  ],
  'NSQ: a bridge with the envelope in base64, as JSON, and without': [
    {
      eventSource: 'nsq',
      topic: 'orders',
      channel: 'lambda',
      messages: [
        {
          id: '0a1b2c3d4e5f6071',
          timestamp: 1700000000000000000,
          attempts: 1,
          body: envelope({ traceparent: tp(1) }).toString('base64'),
        },
        {
          id: '0a1b2c3d4e5f6072',
          timestamp: 1700000000000000000,
          attempts: 2,
          body: base64({ payload: base64('x'), metadata: { traceparent: tp(2, '00') } }),
        },
        {
          id: '0a1b2c3d4e5f6073',
          timestamp: 1700000000000000000,
          attempts: 1,
          body: JSON.stringify({ payload: base64('x'), metadata: { b3: b3(3) } }),
        },
        { id: '0a1b2c3d4e5f6074', timestamp: 1700000000000000000, attempts: 1, body: base64('plain') },
      ],
    },
    '1 | 2- | 3 b3 | -',
  ],
  'NSQ: a bridge that says only topic and messages': [
    {
      topic: 'orders',
      channel: 'c',
      messages: [
        { id: '1', attempts: 1, timestamp: 1, body: envelope({ traceparent: tp(1) }).toString('base64') },
        { id: '2', attempts: 1, body: base64('x') },
      ],
    },
    '1 | -',
  ],
  'NSQ: one message a call': [
    { id: '1', attempts: 1, timestamp: 1700000000000000000, body: envelope({ traceparent: tp(1) }).toString('base64') },
    '1',
  ],
  // calls
  'Step Functions: input, context object, Datadog': [{ orderId: 1, _trace: { traceparent: tp(1) } }, '1'],
  'Step Functions: the context object beside the input': [
    {
      Execution: { Id: 'arn:aws:states:us-east-1:1:execution:m:e', Input: { a: 1 } },
      State: { Name: 's' },
      Input: { _trace: { traceparent: tp(2, '00') } },
    },
    '2-',
  ],
  'Step Functions: the payload of a task result': [
    { ExecutedVersion: '$LATEST', Payload: { _trace: { traceparent: tp(3) } }, StatusCode: 200 },
    '3',
  ],
  'Step Functions: Datadog': [{ a: 1, _datadog: dd(4, { 'x-datadog-sampling-priority': '-1' }) }, '4- custom'],
  'Step Functions: a task token call': [{ TaskToken: 't', input: { _trace: { traceparent: tp(5) } } }, '5'],
  'a durable function: the highest checkpoint': [
    { _datadog_0: dd(1), _datadog_10: dd(2), _datadog_9: dd(3) },
    '2 custom',
  ],
  'Invoke: custom': [{ a: 1 }, '1', { custom: { traceparent: tp(1) }, client: {}, env: {} }],
  'Invoke: Custom': [{ a: 1 }, '2-', { Custom: { TraceParent: tp(2, '00') } }],
  'Invoke: custom._datadog': [{}, '3 custom', { custom: { _datadog: dd(3) } }],
  'Invoke: custom as text': ['payload', '4 b3', base64({ custom: { b3: b3(4) } })],
  'Invoke: the payload first': [{ _trace: { traceparent: tp(5) } }, '5', { custom: { traceparent: tp(6) } }],
  'Invoke: an HTTP-shaped payload with a client context': [
    proxyV2({ headers: { host: 'x' } }),
    '7',
    { custom: { traceparent: tp(7) } },
  ],
  'Invoke: an event-shaped payload with a client context': [eb({ a: 1 }), '8', { custom: { traceparent: tp(8) } }],
  'Invoke: X-Ray in custom': [{}, '9 xray', { custom: { 'X-Amzn-Trace-Id': xr(9) } }],
  // HTTP
  'REST: casing of the caller, both maps': [
    proxyV1({ headers: { TraceParent: tp(1), Host: 'x' }, multiValueHeaders: { TraceParent: [tp(1)], Host: ['x'] } }),
    '1',
  ],
  'REST: a repeated traceparent, B3 behind it': [
    proxyV1({
      headers: { traceparent: tp(2), b3: b3(3) },
      multiValueHeaders: { traceparent: [tp(1), tp(2)], b3: [b3(3)] },
    }),
    '3 b3',
  ],
  'REST: multiValueHeaders null': [
    proxyV1({ headers: { 'x-b3-traceid': T(4), 'x-b3-spanid': S(4), 'x-b3-sampled': '0' }, multiValueHeaders: null }),
    '4- b3',
  ],
  'HTTP API: tracestate joined': [proxyV2({ headers: { traceparent: tp(5), tracestate: 'a=1,b=2' } }), '5'],
  'Function URL: traceparent joined': [
    proxyV2({ headers: { traceparent: `${tp(1)},${tp(2)}`, 'x-amzn-trace-id': xr(6, '') } }),
    '6/ xray',
  ],
  'ALB: single': [
    alb({
      headers: {
        host: 'x',
        'x-amzn-trace-id': `Self=1-67891234-12456789abcdef012345678;${xr(7, '')}`,
        traceparent: tp(8),
      },
    }),
    '8',
  ],
  'ALB: multi': [
    alb({ multiValueHeaders: { host: ['x'], traceparent: [tp(9, '00')], tracestate: ['a=1', 'b=2'] } }),
    '9-',
  ],
  'ALB: only its own header': [
    alb({ headers: { 'x-amzn-trace-id': `Root=1-${T(10).slice(0, 8)}-${T(10).slice(8)}` } }),
    '10/ xray',
  ],
  'HTTP: Datadog': [proxyV2({ headers: dd(11) }), '11 custom'],
  'HTTP: a CloudEvent, binary': [
    proxyV2({
      headers: { 'ce-specversion': '1.0', 'ce-traceparent': tp(12), 'content-type': 'application/json' },
      body: '{}',
    }),
    '12',
  ],
  'HTTP: a CloudEvent, structured, base64': [
    proxyV2({
      headers: { 'content-type': 'application/cloudevents+json' },
      body: base64(ce({ traceparent: tp(13) })),
      isBase64Encoded: true,
    }),
    '13',
  ],
  'WebSocket: connect': [
    {
      headers: { Host: 'x', traceparent: tp(14) },
      multiValueHeaders: { Host: ['x'], traceparent: [tp(14)] },
      requestContext: { routeKey: '$connect', eventType: 'CONNECT', connectionId: 'c' },
      isBase64Encoded: false,
    },
    '14',
  ],
  'WebSocket: a message': [
    {
      requestContext: { routeKey: 'send', eventType: 'MESSAGE', connectionId: 'c' },
      body: JSON.stringify({ action: 'send', _trace: { traceparent: tp(15) } }),
      isBase64Encoded: false,
    },
    '15',
  ],
  'VPC Lattice, both versions': [
    { version: '2.0', path: '/', method: 'GET', headers: { traceparent: [tp(16)] }, requestContext: { region: 'x' } },
    '16',
  ],
  'VPC Lattice, version 1': [
    { raw_path: '/', method: 'GET', headers: { traceparent: tp(17) }, query_string_parameters: {} },
    '17',
  ],
  'AppSync, a batch of calls': [
    [
      { arguments: {}, request: { headers: { traceparent: tp(1) } }, info: { fieldName: 'f' } },
      { arguments: {}, request: { headers: {} }, info: {} },
    ],
    '1 | -',
  ],
  // CloudEvents and envelopes elsewhere
  'CloudEvents: a batch as the event': [
    [ce({ traceparent: tp(1) }), ce({}), ce({ traceparent: tp(3, '00'), data_base64: base64('x') })],
    '1 | - | 3-',
  ],
  'CloudEvents: binary in attributes of SQS and SNS': [
    records(
      sqs(attributes({ ce_traceparent: tp(1), ce_id: 'a' })),
      sqs(attributes({ 'ce-traceparent': tp(2) })),
      sqs(attributes({ cloudEvents_traceparent: tp(3) })),
    ),
    '1 | 2 | 3',
  ],
  'CloudEvents: the context in the data': [ce({ data: { _trace: { traceparent: tp(1) } } }), '1'],
  'CloudEvents: in data_base64': [ce({ data_base64: base64({ headers: { traceparent: tp(1) } }) }), '1'],
  'envelope: JSON twin at the top, deep, and in base64': [
    records(
      inBody({
        payload: base64('x'),
        metadata: { traceparent: tp(1), 'x-timestamp': '2026-01-01T00:00:00.000000001Z' },
      }),
      inBody(base64({ payload: base64('x'), metadata: { traceparent: tp(2) } })),
      inBody(eb({ payload: base64({ _trace: { traceparent: tp(3) } }), metadata: { 'x-schema': 's' } })),
      inBody(envelope({ 'x-schema': 's' }, JSON.stringify({ _trace: { traceparent: tp(4) } })).toString('base64')),
    ),
    '1 | 2 | 3 | 4',
  ],
  'Datadog with W3C inside': [
    records(
      sqs({
        messageAttributes: { _datadog: str(JSON.stringify({ ...dd(1), traceparent: tp(1), tracestate: 'dd=s:1' })) },
      }),
      sqs({ messageAttributes: { _datadog: { binaryValue: base64(dd(2)), dataType: 'Binary' } } }),
      inBody({ _datadog: { traceparent: tp(3, '00') } }),
    ),
    '1 | 2 custom | 3-',
  ],
  'Datadog with 64 bits': [
    records(
      sqs({
        messageAttributes: {
          _datadog: str(
            JSON.stringify({
              'x-datadog-trace-id': BigInt(`0x${half(1)}`).toString(),
              'x-datadog-parent-id': BigInt(`0x${S(1)}`).toString(),
            }),
          ),
        },
      }),
    ),
    'half1? custom',
  ],
  'Datadog in X-Ray form by Java': [
    records(withHeader(`Root=1-00000000-00000000${half(1)};Parent=${S(1)};Sampled=1`)),
    'half1 xray',
  ],
  // records inside of messages
  'a pipe that passes whole records on: to SQS, to EventBridge': [
    records(
      inBody(sqs(attributes({ traceparent: tp(1) }))),
      inBody(eb(sqs(attributes({ traceparent: tp(2) })))),
      inBody({ ...kafkaRecord([{ other: [1] }, { traceparent: bytes(tp(3)) }]), eventSource: 'aws:kafka' }),
      inBody(sqs({ body: JSON.stringify({ _trace: { traceparent: tp(4) } }) })),
      inBody([sqs(attributes({ traceparent: tp(5) }))]),
    ),
    '1 | 2 | 3 | 4 | 5',
  ],
  'dead letters of asynchronous calls, and destinations': [
    records(
      inBody(records(sns({ MessageAttributes: { traceparent: value(tp(1)) } }))),
      inBody({
        version: '1.0',
        requestContext: { condition: 'RetriesExhausted' },
        requestPayload: records(sqs(attributes({ b3: b3(2) }))),
        responsePayload: { errorMessage: 'x' },
      }),
      inBody({ version: '1.0', requestContext: {}, requestPayload: eb({ _trace: { traceparent: tp(3) } }) }),
      inBody({ version: '1.0', requestContext: {}, requestPayload: { _trace: { traceparent: tp(4, '00') } } }),
    ),
    '1 | 2 b3 | 3 | 4-',
  ],
  'a destination by way of EventBridge': [
    eb({ requestContext: {}, requestPayload: { orderId: 1, _trace: { traceparent: tp(1) } }, responsePayload: {} }),
    '1',
  ],
  'other frameworks: Celery, NServiceBus, MassTransit, header lists': [
    records(
      inBody(
        base64({
          body: base64('[]'),
          'content-type': 'application/json',
          headers: { lang: 'py', task: 't', traceparent: tp(1) },
          properties: {},
        }),
      ),
      inBody({ Headers: { 'NServiceBus.MessageId': 'x', traceparent: tp(2) }, Body: base64('x') }),
      inBody({ messageId: 'm', headers: { traceparent: tp(3) }, message: { a: 1 } }),
      inBody({
        headers: [
          { name: 'traceparent', value: tp(4) },
          { name: 'x', value: 'y' },
        ],
      }),
      inBody({ Metadata: { traceparent: tp(5) } }),
      inBody({ metadata: { _trace: { traceparent: tp(6) } } }),
    ),
    '1 | 2 | 3 | 4 | 5 | 6',
  ],
  'Step Functions: a task token in a queue, a distributed map': [
    records(
      inBody({ TaskToken: 't', Input: { orderId: 1, _trace: { traceparent: tp(1) } } }),
      inBody({ taskToken: 't', message: { _trace: { traceparent: tp(2) } } }),
      inBody({ Items: [], BatchInput: { _trace: { traceparent: tp(3) } } }),
    ),
    '1 | 2 | 3',
  ],
  'contexts that disagree between layers: the outer one': [
    records(
      inBody(
        snsBody({
          MessageAttributes: { traceparent: value(tp(1)) },
          Message: JSON.stringify(eb({ _trace: { traceparent: tp(2) } })),
        }),
      ),
    ),
    '1',
  ],
  'a decision outside, a context inside': [
    records(sqs({ ...attributes({ 'X-B3-Sampled': '0' }), body: JSON.stringify({ _trace: { traceparent: tp(1) } }) })),
    '1',
  ],
  'records of streams and brokers inside of messages': [
    records(
      inBody(dynamo({ NewImage: { _tp: { S: tp(1) } } })),
      inBody(dynamo({ OldImage: { _tp: { S: tp(2) } } }, 'REMOVE')),
      inBody({ ...kafkaRecord([{ traceparent: bytes(tp(3)) }]), eventSource: 'aws:kafka' }),
      inBody({ ...rabbit({ traceparent: { bytes: bytes(tp(4)) } }), eventSource: 'aws:rmq' }),
      inBody({ ...jms({ b3: b3(5, '-0') }), eventSource: 'aws:mq' }),
      inBody({ eventSource: 'aws:kinesis', partitionKey: 'p', data: base64({ _trace: { traceparent: tp(6) } }) }),
      inBody(eb(dynamo({ NewImage: { _tp: { S: tp(7) } } }))),
      inBody(snsBody({ Message: JSON.stringify(dynamo({ NewImage: { _tp: { S: tp(8) } } })) })),
    ),
    '1 | - | 3 | 4 | 5- b3 | 6 | 7 | 8',
  ],
  'lists of one, and of several, whose context nobody could choose': [
    records(
      inBody([{ _trace: { traceparent: tp(1) } }]),
      inBody(base64([{ headers: { traceparent: tp(2) } }])),
      inBody([ce({ traceparent: tp(3) })]),
      inBody([{ _trace: { traceparent: tp(4) } }, { _trace: { traceparent: tp(5) } }]),
      inBody([[{ _trace: { traceparent: tp(6) } }]]),
    ),
    '1 | 2 | 3 | - | -',
  ],
  'Kinesis: aggregates of the producer library': [
    records(
      kinesis(aggregate(JSON.stringify({ _trace: { traceparent: tp(1) } }))),
      kinesis(aggregate(envelope({ traceparent: tp(2, '00') }))),
      kinesis(aggregate(JSON.stringify({ traceparent: tp(3) }), JSON.stringify({ traceparent: tp(4) }))),
      kinesis(aggregate()),
      kinesis(aggregate('plain')),
      kinesis(Buffer.from([0xf3, 0x89, 0x9a, 0xc2, 1, 2, 3])),
      kinesis(Buffer.concat([Buffer.from([0xf3, 0x89, 0x9a, 0xc2]), Buffer.alloc(40, 0xff)])),
    ),
    '1 | 2- | - | - | - | - | -',
  ],
  'DynamoDB: an outbox, a map, and plain values': [
    records(
      dynamo({ NewImage: { id: { S: '1' }, payload: { S: JSON.stringify({ _trace: { traceparent: tp(1) } }) } } }),
      dynamo({ NewImage: { payload: { M: { metadata: { M: { traceparent: { S: tp(2, '00') } } } } } } }),
      dynamo({ NewImage: { envelope: { B: envelope({ b3: b3(3) }).toString('base64') } } }),
      dynamo({ NewImage: { _tp: { M: { traceparent: { S: tp(4) } } } } }),
      dynamo({ NewImage: { _tp: tp(5) } }),
      dynamo({ NewImage: { _tp: { B: base64(tp(6)) } } }),
      dynamo({ OldImage: { payload: { S: JSON.stringify({ traceparent: tp(7) }) } } }, 'REMOVE'),
    ),
    '1 | 2- | 3 b3 | 4 | 5 | 6 | -',
  ],
  'Kafka: base64 with and without padding, of short values too': [
    {
      ...kafka(
        kafkaRecord([{ traceparent: base64(tp(1)).replace(/=+$/, '') }]),
        kafkaRecord([{ b3: base64(b3(2)) }]),
        kafkaRecord([
          { 'X-B3-TraceId': base64(T(3)) },
          { 'X-B3-SpanId': base64(S(3)) },
          { 'X-B3-Sampled': base64('0') },
        ]),
        kafkaRecord([{ traceparent: base64(tp(4)) }, { tracestate: base64('a=1') }]),
        kafkaRecord([{ _datadog: bytes(JSON.stringify(dd(5))) }]),
        kafkaRecord([{ traceparent: { type: 'Buffer', data: bytes(tp(6)) } }]),
        kafkaRecord([{ key: 'traceparent', value: bytes(tp(7)) }]),
      ),
      eventSource: 'aws:msk',
    },
    '1 | 2 b3 | 3- b3 | 4 | 5 custom | 6 | 7',
  ],
  'Step Functions: the whole context object': [
    { Execution: { Id: 'arn', Input: { _trace: { traceparent: tp(1) } } }, State: { Name: 's' }, StateMachine: {} },
    '1',
  ],
  'JSON headers as lists of short texts': [
    { headers: { 'X-B3-TraceId': [T(1)], 'X-B3-SpanId': [S(1)], 'X-B3-Sampled': ['0'] }, body: 'x' },
    '1- b3',
  ],
  // strangers
  'no records': [{ Records: [] }, ''],
  'an unknown record source': [records({ eventSource: 'aws:ses', ses: { mail: {} } }), '-'],
  scalars: [42, '-'],
  null: [null, '-'],
};

/** What was found, in the notation of the table. */
const told = ({ traceId, spanId, sampled, format }: ReturnType<typeof answer>): string => {
  const decision = sampled === true ? '' : sampled === false ? '-' : '?';
  const family = format === 'w3c' || format === null ? '' : ` ${format}`;
  if (traceId === null) return `-${sampled === true ? '+' : sampled === false ? '-' : ''}${family}`;
  const id = String(traceId);
  const number = id.startsWith('4bf92f3577b34da6')
    ? String(Number.parseInt(id.slice(16), 16))
    : id.startsWith('0000000000000000a3ce929d')
      ? `half${Number.parseInt(id.slice(24), 16)}`
      : id;
  if (spanId === null) return `${number}/${family}`;
  assert.equal(spanId, S(Number(number.replace('half', ''))), 'the span of the same record');
  return `${number}${decision}${family}`;
};

for (const [name, [event, expected, clientContext]] of Object.entries(shapes)) {
  test(`finds the context in each record of: ${name}`, () => {
    // As doctor and Lambda get it: through JSON.
    const parsed = JSON.parse(JSON.stringify(event)) as unknown;
    const answers = recordsOf(parsed, clientContext === undefined ? undefined : { clientContext }).map((message) =>
      answer(explain(message)),
    );
    assert.equal(answers.map(told).join(' | '), expected);
    assert.deepEqual(
      answers.map(({ record }) => record),
      answers.map((_, index) => index),
    );
    for (const { path, traceId, format, refused } of answers) {
      if (format === null) assert.equal(path, null);
      if (traceId !== null) assert.match(String(path), /^[\w-]+[.>]/);
      for (const { reason } of refused as { reason: string }[]) assert.ok(reason.length > 10, reason);
    }
  });
}

test('a record that carries nothing refuses nothing', () => {
  const [nothing] = recordsOf(records(sqs({}))).map((message) => answer(explain(message)));
  assert.deepEqual(nothing, {
    record: 0,
    traceId: null,
    spanId: null,
    sampled: null,
    format: null,
    path: null,
    refused: [],
  });
});

test('sees enough shapes to be worth its name', () => {
  assert.ok(Object.keys(shapes).length > 60);
});
