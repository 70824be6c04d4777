import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { decompress, sniffEncoding } from '../../lib/adapters/compression.ts';
import type { Span } from '../../lib/model/span.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { decodeStored } from '../../lib/trace/window.ts';
import { aSpan } from '../support/a-span.ts';
import { encodeProto } from '../support/proto.ts';
import { refusals, spanHouse } from '../support/span-house.ts';

/** Twelve spans of two services, with all that scoring looks at. */
const spans: readonly Span[] = Array.from({ length: 12 }, (_, at) =>
  aSpan({
    traceId: (at + 1).toString(16).padStart(32, 'a'),
    spanId: (at + 1).toString(16).padStart(16, 'b'),
    ...(at % 2 === 0 ? {} : { parentSpanId: at.toString(16).padStart(16, 'b') }),
    service: at % 3 === 0 ? 'orders' : 'stock',
    name: `GET /items/${at}`,
    kind: 2,
    status: at % 4 === 0 ? 2 : 0,
    from: at * 10 + 0.000001,
    to: at * 10 + 5.000003,
    attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200 + at },
  }),
);
const json = encodeJson(spans);
const proto = encodeProto(spans);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** What lies in the windows, as far as it matters here. */
const stored = async (objects: ReadonlyMap<string, Uint8Array>): Promise<unknown[]> => {
  const found: Span[] = [];
  for (const [key, bytes] of objects) {
    found.push(...decodeStored(key, await decompress(bytes, sniffEncoding(bytes))).spans);
  }
  return seen(found);
};
const seen = (list: readonly Span[]): unknown[] =>
  list
    .map(({ traceId, spanId, parentSpanId, name, kind, startNanos, endNanos, status, resource, attributes }) => {
      const times = { start: String(startNanos), end: String(endNanos) };
      return {
        traceId,
        spanId,
        parentSpanId,
        name,
        kind,
        status,
        ...times,
        service: resource['service.name'],
        ...attributes,
      };
    })
    .sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
const expected = seen(spans);

/** All encodings that a body may come in. */
const encodings = { none: (bytes: Uint8Array) => bytes, gzip: gzipSync, zstd: zstdCompressSync, deflate: deflateSync };

for (const [encoding, pack] of Object.entries(encodings)) {
  for (const [type, body] of [
    ['application/json', Buffer.from(json)],
    ['application/x-protobuf', proto],
  ] as const) {
    test(`OTLP/HTTP takes ${type} with content encoding ${encoding}`, async () => {
      const { collect, objects, logged } = spanHouse();
      const answer = await collect.http({
        version: '2.0',
        rawPath: '/v1/traces',
        requestContext: { http: { method: 'POST', path: '/v1/traces' } },
        headers: { 'content-type': type, ...(encoding === 'none' ? {} : { 'content-encoding': encoding }) },
        body: base64(pack(body)),
        isBase64Encoded: true,
      });
      assert.deepEqual([answer.statusCode, answer.headers['content-type']], [200, type]);
      assert.equal(answer.body, type === 'application/json' ? '{}' : '', 'nothing was rejected');
      assert.deepEqual(await stored(objects), expected);
      assert.deepEqual(logged, []);
    });
  }
}

test('a REST API and a load balancer hand requests over in their own shapes', async () => {
  for (const event of [
    {
      httpMethod: 'POST',
      path: '/v1/traces',
      requestContext: { stage: 'v1' },
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
    },
    {
      httpMethod: 'POST',
      path: '/v1/traces',
      requestContext: { elb: {} },
      multiValueHeaders: { 'content-type': ['application/json'] },
    },
  ]) {
    const { collect, objects } = spanHouse();
    assert.equal((await collect.http({ ...event, body: json, isBase64Encoded: false })).statusCode, 200);
    assert.deepEqual(await stored(objects), expected);
  }
});

test('other signals, methods and types are answered as what they are', async () => {
  const { collect } = spanHouse();
  const request = (path: string, method: string, type: string) => ({
    rawPath: path,
    requestContext: { http: { method, path } },
    headers: { 'content-type': type },
    body: json,
  });
  assert.equal((await collect.http(request('/v1/metrics', 'POST', 'application/json'))).statusCode, 404);
  assert.equal((await collect.http(request('/v1/logs', 'POST', 'application/x-protobuf'))).statusCode, 404);
  assert.equal((await collect.http(request('/v1/traces', 'GET', 'application/json'))).statusCode, 405);
  assert.equal((await collect.http(request('/v1/traces', 'POST', 'text/plain'))).statusCode, 415);
});

/** Contents that any record may carry: what a producer puts into a queue, a stream or a topic. */
const contents: Readonly<Record<string, Uint8Array>> = {
  'OTLP protobuf': proto,
  'OTLP/JSON': Buffer.from(json),
  'OTLP/JSON after white space': Buffer.from(`\n  ${json}\n`),
  'gzip of protobuf': gzipSync(proto),
  'zstd of protobuf': zstdCompressSync(proto),
  'two zstd frames of protobuf': Buffer.concat([
    zstdCompressSync(proto.subarray(0, 99)),
    zstdCompressSync(proto.subarray(99)),
  ]),
  'deflate of JSON': deflateSync(Buffer.from(json)),
  'gzip of JSON': gzipSync(json),
  'gzip of gzip of protobuf': gzipSync(gzipSync(proto)),
  'base64 of protobuf': Buffer.from(base64(proto)),
  'base64 of gzip of JSON': Buffer.from(base64(gzipSync(json))),
  'JSON lines': Buffer.from(`${encodeJson(spans.slice(0, 5))}\n${encodeJson(spans.slice(5))}\n`),
};

for (const [name, content] of Object.entries(contents)) {
  test(`Kinesis, Kafka and SQS records carry ${name}`, async () => {
    const text = content[0] === 0x7b ? Buffer.from(content).toString() : base64(content);
    for (const event of [kinesis(content), kafka(content), sqs(text)]) {
      const { collectRecords, objects, logged } = spanHouse();
      assert.deepEqual(await collectRecords(event), { batchItemFailures: [] });
      assert.deepEqual(await stored(objects), expected);
      assert.deepEqual(logged, []);
    }
  });
}

const kinesis = (...data: Uint8Array[]) => ({
  Records: data.map((each, at) => ({
    eventSource: 'aws:kinesis',
    eventSourceARN: 'arn:aws:kinesis:eu-west-1:111122223333:stream/spans',
    eventID: `shardId-000000000000:${at}`,
    kinesis: {
      partitionKey: `${at}`,
      sequenceNumber: `4959${at}`,
      data: base64(each),
      approximateArrivalTimestamp: 1.5e9,
    },
  })),
});
const kafka = (...values: Uint8Array[]) => ({
  eventSource: 'aws:kafka',
  eventSourceArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/c/1',
  records: {
    'otlp_spans-0': values.map((value, offset) => ({
      topic: 'otlp_spans',
      partition: 0,
      offset,
      timestamp: 1,
      value: base64(value),
    })),
  },
});
const sqs = (...bodies: string[]) => ({
  Records: bodies.map((body, at) => ({
    messageId: `m${at}`,
    receiptHandle: 'r',
    body,
    attributes: {},
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:111122223333:tidemark-spans',
  })),
});

test('each trigger hears which of its records failed, and the others are kept', async () => {
  const bad = Buffer.from('7b6e6f', 'hex');
  for (const [event, failures] of [
    [kinesis(proto, bad, proto), [{ itemIdentifier: '49591' }]],
    [kafka(proto, bad, proto), [{ itemIdentifier: { partition: 'otlp_spans-0', offset: 1 } }]],
    [
      sqs(json, '{no', base64(gzipSync(proto).subarray(0, 40)), json),
      [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }],
    ],
  ] as const) {
    const { collectRecords, objects } = spanHouse();
    assert.deepEqual(await collectRecords(event), { batchItemFailures: failures });
    assert.ok((await stored(objects)).length >= expected.length);
  }
});

test('where spans cannot be stored, every record that had some fails', async () => {
  const house = spanHouse();
  house.bucket.put = async () => {
    throw new Error('S3 is down');
  };
  const answer = await house.collectRecords(sqs(json, '{no', json));
  assert.deepEqual(answer, { batchItemFailures: ['m0', 'm1', 'm2'].map((itemIdentifier) => ({ itemIdentifier })) });
});

/** The service writes flat attributes, kinds as words and times as numbers that no double holds. */
const awsSpan = (span: Span): string =>
  JSON.stringify({
    resource: { attributes: span.resource },
    scope: { name: 'test' },
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name,
    kind: 'SERVER',
    startTimeUnixNano: 1,
    endTimeUnixNano: 2,
    attributes: span.attributes,
    status: { code: span.status === 2 ? 'ERROR' : 'UNSET' },
  })
    .replace('"startTimeUnixNano":1', `"startTimeUnixNano":${span.startNanos}`)
    .replace('"endTimeUnixNano":2', `"endTimeUnixNano":${span.endNanos}`);

const envelope = (body: Uint8Array | string, fields: object = {}): string =>
  JSON.stringify({
    __otel_otlp_stdout: '0.1.0',
    source: 'orders',
    endpoint: 'http://localhost:4318/v1/traces',
    method: 'POST',
    'content-type': 'application/x-protobuf',
    'content-encoding': 'gzip',
    headers: {},
    payload: typeof body === 'string' ? body : base64(body),
    base64: typeof body !== 'string',
    ...fields,
  });

/** What lies in the lines of a log group. */
const lines: Readonly<Record<string, readonly string[]>> = {
  'aws/spans records': spans.map(awsSpan),
  'OTLP/JSON documents': [encodeJson(spans.slice(0, 3)), encodeJson(spans.slice(3))],
  'stdout envelopes of protobuf': [envelope(gzipSync(proto))],
  'stdout envelopes of JSON': [
    envelope(gzipSync(encodeJson(spans.slice(0, 4))), { 'content-type': 'application/json' }),
    envelope(encodeJson(spans.slice(4)), { 'content-type': 'application/json', 'content-encoding': undefined }),
  ],
  'envelopes that a runtime put into its own line': [
    JSON.stringify({
      timestamp: '2026-01-01T00:00:00Z',
      level: 'INFO',
      message: envelope(gzipSync(encodeProto(spans.slice(0, 6)))),
    }),
    `2026-01-01T00:00:00.000Z\tb7c3\tINFO\t${envelope(gzipSync(encodeProto(spans.slice(6))))}`,
  ],
};
const delivery = (messages: readonly string[], messageType = 'DATA_MESSAGE') =>
  gzipSync(
    JSON.stringify({
      messageType,
      owner: '111122223333',
      logGroup: 'aws/spans',
      logStream: 'default',
      subscriptionFilters: ['spans'],
      logEvents: messages.map((message, at) => ({ id: `${at}`, timestamp: 1_767_225_600_000, message })),
    }),
  );

for (const [name, messages] of Object.entries(lines)) {
  test(`a log subscription delivers ${name}, straight or by Kinesis`, async () => {
    const straight = spanHouse();
    await straight.collect.logs({ awslogs: { data: base64(delivery(messages)) } });
    assert.deepEqual(await stored(straight.objects), expected);
    assert.deepEqual(straight.logged, []);
    const byKinesis = spanHouse();
    assert.deepEqual(await byKinesis.collectRecords(kinesis(delivery(messages))), { batchItemFailures: [] });
    assert.deepEqual(await stored(byKinesis.objects), expected);
  });
}

test('probes hold nothing; unfinished spans, other lines and other signals are counted; the rest is kept', async () => {
  const { collect, objects, logged } = spanHouse();
  await collect.logs({ awslogs: { data: base64(delivery(['CWL CONTROL MESSAGE'], 'CONTROL_MESSAGE')) } });
  assert.deepEqual(logged, []);
  const unfinished = awsSpan(spans[0] as Span).replace(/"endTimeUnixNano":\d+/, '"endTimeUnixNano":null');
  const others = [
    'START RequestId: 1',
    '{"level":"info"}',
    envelope(gzipSync('x'), { endpoint: 'http://localhost:4318/v1/metrics' }),
  ];
  await collect.logs({
    awslogs: {
      data: base64(delivery([...others, unfinished, envelope(Buffer.from('no gzip')), ...spans.map(awsSpan)])),
    },
  });
  assert.deepEqual(await stored(objects), expected);
  assert.equal(
    Object.values(refusals(logged)).reduce((sum, count) => sum + count, 0),
    5,
  );
});

/** Keys as the Collector's awss3 exporter writes them; notifications escape them as forms do. */
const key = 'year=2026/month=01/spans of a day+1/traces_123.json.gz';
const escaped = 'year%3D2026/month%3D01/spans+of+a+day%2B1/traces_123.json.gz';
const s3Record = {
  eventSource: 'aws:s3',
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: 'telemetry' }, object: { key: escaped } },
};
const busEvent = {
  version: '0',
  id: '1',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '111122223333',
  time: '2026-01-01T00:00:00Z',
  region: 'eu-west-1',
  resources: ['arn:aws:s3:::telemetry'],
  detail: { version: '0', bucket: { name: 'telemetry' }, object: { key, size: 1 }, reason: 'PutObject' },
};
const notifications: Readonly<Record<string, unknown>> = {
  'S3 itself': { Records: [s3Record] },
  'S3 by SQS': sqs(JSON.stringify({ Records: [s3Record] })),
  'S3 by SNS and SQS': sqs(JSON.stringify({ Type: 'Notification', Message: JSON.stringify({ Records: [s3Record] }) })),
  'S3 by SNS': {
    Records: [{ EventSource: 'aws:sns', Sns: { MessageId: '1', Message: JSON.stringify({ Records: [s3Record] }) } }],
  },
  EventBridge: busEvent,
  'EventBridge by SQS': sqs(JSON.stringify(busEvent)),
};

for (const [by, event] of Object.entries(notifications)) {
  test(`an object of a Collector is read when ${by} tells of it`, async () => {
    for (const object of [gzipSync(json), gzipSync(proto), zstdCompressSync(proto), Buffer.from(json), proto]) {
      const { collectRecords, objects } = spanHouse({ foreign: new Map([[`telemetry/${key}`, object]]) });
      assert.deepEqual(await collectRecords(event), { batchItemFailures: [] });
      assert.deepEqual(await stored(objects), expected);
    }
  });
}

test('an object that is not there fails its message; where there are no partial failures, the whole event', async () => {
  const { collectRecords } = spanHouse();
  assert.deepEqual(await collectRecords(notifications['S3 by SQS']), { batchItemFailures: [{ itemIdentifier: 'm0' }] });
  assert.equal(await collectRecords(notifications['S3 itself']), undefined);
  assert.equal(await collectRecords(notifications['EventBridge']), undefined);
});

test('the test event of a new notification, and an empty object, are nothing', async () => {
  const { collectRecords, objects } = spanHouse({ foreign: new Map([[`telemetry/${key}`, new Uint8Array()]]) });
  const probe = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'telemetry' });
  assert.deepEqual(await collectRecords(sqs(probe)), { batchItemFailures: [] });
  assert.deepEqual(await collectRecords(notifications['S3 by SQS']), { batchItemFailures: [] });
  assert.equal(objects.size, 0);
});

test('wrappers without end are refused', async () => {
  let body = json;
  for (let depth = 0; depth < 10; depth += 1) body = JSON.stringify({ Type: 'Notification', Message: body });
  const { collectRecords } = spanHouse();
  assert.deepEqual(await collectRecords(sqs(body)), { batchItemFailures: [{ itemIdentifier: 'm0' }] });
});

test('protobuf bodies of every short length are never taken for JSON', async () => {
  for (let length = 0; length < 200; length += 1) {
    const one = encodeProto([aSpan({ name: 'x'.repeat(length) })]);
    const { collectRecords, logged } = spanHouse();
    assert.deepEqual(await collectRecords(kinesis(one)), { batchItemFailures: [] }, `${one.length} bytes`);
    assert.deepEqual(logged, []);
  }
});
