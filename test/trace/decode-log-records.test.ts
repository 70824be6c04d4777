import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeLogRecords } from '../../lib/trace/decode-log-records.ts';

const record = {
  resource: { attributes: { 'service.name': 'orders' } },
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  name: 'GET /orders',
  kind: 'SERVER',
  startTimeUnixNano: 1,
  endTimeUnixNano: 2,
  attributes: { 'http.response.status_code': 503, nested: { a: 1 } },
  status: { code: 'ERROR', message: 'down' },
};
const delivery = (...messages: unknown[]) =>
  JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: messages.map((message) => ({ id: '1', message })) });
/** The service writes times as numbers that no double holds. */
const text = JSON.stringify(record)
  .replace('"startTimeUnixNano":1', '"startTimeUnixNano":1767225600000000001')
  .replace('"endTimeUnixNano":2', '"endTimeUnixNano":1767225600000000003');

test('an aws/spans record is a span, its times exact to the nanosecond', () => {
  const { spans, refused } = decodeLogRecords(delivery(text));
  assert.deepEqual(refused, {});
  const [span] = spans;
  assert.equal(span?.startNanos, 1767225600000000001n);
  assert.equal(span?.endNanos, 1767225600000000003n);
  assert.equal(span?.kind, 2);
  assert.equal(span?.status, 2);
  assert.equal(span?.statusMessage, 'down');
  assert.deepEqual(span?.attributes, { 'http.response.status_code': 503, nested: { a: 1 } });
  assert.equal(span?.resource['service.name'], 'orders');
});

test('what is no finished span is counted with its reason and the neighbours are kept', () => {
  const { spans, refused } = decodeLogRecords(
    delivery(text, 'plain text', '{"level":"info"}', JSON.stringify({ ...record, endTimeUnixNano: null }), text),
  );
  assert.equal(spans.length, 2);
  assert.deepEqual(refused, {
    'log message is not a JSON object': 1,
    'log message is not a span': 1,
    'span is not finished': 1,
  });
});

test('a stdout envelope is handed on, a probe is nothing, a stranger is an error', () => {
  const envelope = {
    __otel_otlp_stdout: '0.1',
    'content-type': 'application/x-protobuf',
    'content-encoding': 'gzip',
    base64: true,
    payload: 'AA==',
  };
  assert.deepEqual(decodeLogRecords(delivery(JSON.stringify(envelope))).packed, [
    { base64: true, encoding: 'gzip', isProto: true, payload: 'AA==' },
  ]);
  assert.equal(
    decodeLogRecords('{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"probe"}]}').error,
    undefined,
  );
  assert.match(decodeLogRecords('{}').error ?? '', /logEvents is missing/);
});

test('nothing makes it throw', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (json, other) => void decodeLogRecords(delivery(json, other))),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 500) },
  );
});
