import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Span } from '../../lib/model/span.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { type Decoded, decodeJson, decodeProto } from '../../lib/trace/decode.ts';
import { JsonScanner } from '../../lib/trace/json-scanner.ts';
import { packSpans } from '../../lib/trace/pack-spans.ts';
import { cuts, maxAttributes, maxDepth, maxListed, refusals } from '../../lib/trace/span-limits.ts';
import { decodeStored } from '../../lib/trace/window.ts';
import { aSpan } from '../support/a-span.ts';
import {
  bytes,
  encodeProto,
  fixed64,
  keyValue,
  message,
  number,
  request,
  spanMessage,
  text,
} from '../support/proto.ts';
import { spanHouse } from '../support/span-house.ts';

const runs = (usual: number) => ({ numRuns: Number(process.env['FUZZ_RUNS'] ?? usual), seed: seedOf() });
const seedOf = (): number => Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);

const good = aSpan({ name: 'good', attributes: { a: 1 } });
const whole = spanMessage(good);
const id = (length: number) => bytes(1, Buffer.alloc(length, 7));
const without = (...fields: Uint8Array[]) => Buffer.concat([...fields, text(5, 'bad')]);
const times = [fixed64(7, good.startNanos), fixed64(8, good.endNanos)] as const;
const ids = [bytes(1, Buffer.from(good.traceId, 'hex')), bytes(2, Buffer.alloc(8, 1))] as const;

/** A span message that is broken, and why it is refused. */
const broken: Readonly<Record<string, readonly [Buffer, string]>> = {
  'a trace id of 15 bytes': [without(id(15), ids[1], ...times), refusals.traceId],
  'a trace id of 17 bytes': [without(id(17), ids[1], ...times), refusals.traceId],
  'a trace id of zeros': [without(bytes(1, Buffer.alloc(16)), ids[1], ...times), refusals.traceId],
  'no trace id': [without(ids[1], ...times), refusals.traceId],
  'a span id of 7 bytes': [without(ids[0], bytes(2, Buffer.alloc(7, 1)), ...times), refusals.spanId],
  'a span id of zeros': [without(ids[0], bytes(2, Buffer.alloc(8)), ...times), refusals.spanId],
  'a parent span id of 9 bytes': [without(...ids, bytes(4, Buffer.alloc(9, 1)), ...times), refusals.parentSpanId],
  'no start': [without(...ids, times[1]), refusals.startTime],
  'no end': [without(...ids, times[0]), refusals.order],
  'an end a nanosecond before its start': [without(...ids, times[0], fixed64(8, good.startNanos - 1n)), refusals.order],
  'a field that is cut short': [Buffer.concat([whole, Buffer.from([0x2a, 0x7f, 1])]), refusals.framing],
  'a number without end': [
    Buffer.concat([whole, Buffer.from([0x30, ...Array<number>(11).fill(0xff)])]),
    refusals.framing,
  ],
  'an unknown wire type': [Buffer.concat([whole, Buffer.from([0x0b])]), refusals.framing],
};

for (const [what, [span, reason]] of Object.entries(broken)) {
  test(`protobuf: a span with ${what} is refused alone`, () => {
    const { spans, refused, error } = decodeProto(request('shop', [whole, span, whole]));
    assert.deepEqual([spans.length, refused, error], [2, { [reason]: 1 }, undefined]);
  });
}

test('protobuf: an end at its start, a parent of zeros and unknown fields are fine', () => {
  const span = Buffer.concat([
    ...ids,
    times[0],
    fixed64(8, good.startNanos),
    bytes(4, Buffer.alloc(8)),
    text(99, 'x'),
    number(98, 2 ** 40),
  ]);
  const { spans, refused } = decodeProto(request('shop', [span]));
  assert.deepEqual([spans.length, refused, spans[0]?.parentSpanId], [1, {}, undefined]);
});

const jsonSpan = (fields: object): object => ({
  traceId: good.traceId,
  spanId: '00f067aa0ba902b7',
  name: 'n',
  startTimeUnixNano: '1767225600000000001',
  endTimeUnixNano: '1767225600000000002',
  ...fields,
});
const jsonBody = (...spans: unknown[]): string =>
  JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans }] }] });

const brokenJson: Readonly<Record<string, readonly [unknown, string]>> = {
  'a trace id of 31 digits': [jsonSpan({ traceId: good.traceId.slice(1) }), refusals.traceId],
  'a trace id of 33 digits': [jsonSpan({ traceId: `${good.traceId}0` }), refusals.traceId],
  'a trace id with a letter beyond f': [jsonSpan({ traceId: `${good.traceId.slice(1)}g` }), refusals.traceId],
  'a trace id of 32 bytes in 16 characters': [jsonSpan({ traceId: 'ü'.repeat(16) }), refusals.traceId],
  'a number as trace id': [jsonSpan({ traceId: 1 }), refusals.traceId],
  'a span id of zeros': [jsonSpan({ spanId: '0'.repeat(16) }), refusals.spanId],
  'a parent span id of 15 digits': [jsonSpan({ parentSpanId: '0f067aa0ba902b7' }), refusals.parentSpanId],
  'no start': [jsonSpan({ startTimeUnixNano: undefined }), refusals.startTime],
  'a start before 1970': [jsonSpan({ startTimeUnixNano: '-1' }), refusals.startTime],
  'a start of 21 digits': [jsonSpan({ startTimeUnixNano: '1'.repeat(21) }), refusals.startTime],
  'no end': [jsonSpan({ endTimeUnixNano: undefined }), refusals.order],
  'an end a nanosecond before its start': [jsonSpan({ endTimeUnixNano: '1767225600000000000' }), refusals.order],
  'no object': [7, refusals.shape],
};

for (const [what, [span, reason]] of Object.entries(brokenJson)) {
  test(`JSON: a span with ${what} is refused alone`, () => {
    const { spans, refused, error } = decodeJson(jsonBody(jsonSpan({}), span, jsonSpan({})));
    assert.deepEqual([spans.length, refused, error], [2, { [reason]: 1 }, undefined]);
  });
}

test('a body that is cut anywhere keeps the spans before the cut and says so', () => {
  const spans = Array.from({ length: 5 }, (_, at) => aSpan({ name: `span ${at}` }));
  for (const [body, decode] of [
    [encodeProto(spans), decodeProto],
    [Buffer.from(encodeJson(spans)), decodeJson],
  ] as const) {
    let most = 0;
    for (let cut = 1; cut < body.length; cut += 1) {
      const { spans: kept, error } = (decode as (bytes: Uint8Array) => Decoded)(body.subarray(0, cut));
      assert.ok(error !== undefined, `cut at ${cut}`);
      assert.deepEqual(
        kept.map(({ name }) => name),
        spans.slice(0, kept.length).map(({ name }) => name),
      );
      most = Math.max(most, kept.length);
    }
    assert.ok(decode === decodeJson ? most === 5 : most >= 0);
  }
});

test('protobuf: a length that lies loses what is in its own message; what comes after the message is read on', () => {
  const first = request('one', [whole, whole]);
  // The length of the second span claims more than its scope has.
  const lying = Buffer.from(first);
  const at = lying.lastIndexOf(whole);
  lying[at - 1] = (lying[at - 1] as number) + 1;
  const { spans, refused, error } = decodeProto(Buffer.concat([lying, request('two', [whole])]));
  assert.deepEqual(
    spans.map(({ resource }) => resource['service.name']),
    ['one', 'two'],
  );
  assert.deepEqual([Object.values(refused), error], [[1], undefined]);
});

const nested = (depth: number): Buffer => {
  let value = text(1, 'core');
  for (let level = 0; level < depth; level += 1) value = message(5, message(1, value));
  return message(9, text(1, 'deep'), message(2, value));
};
const nestedJson = (depth: number): unknown => {
  let value: unknown = { stringValue: 'core' };
  for (let level = 0; level < depth; level += 1) value = { arrayValue: { values: [value] } };
  return value;
};

test('attributes, events and links are kept up to the limit; beyond it the span is kept without them, and counted', () => {
  const list = (count: number) => Array.from({ length: count }, (_, at) => keyValue(9, `k${at}`, at));
  const json = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ key: `k${at}`, value: { intValue: at } }));
  const entries = <T>(count: number, entry: T) => Array<T>(count).fill(entry);
  const link = { traceId: good.traceId, spanId: good.spanId };
  for (const over of [0, 1]) {
    const decoded = [
      decodeProto(request('shop', [Buffer.concat([...ids, ...times, ...list(maxAttributes + over)])])),
      decodeProto(
        request('shop', [Buffer.concat([...ids, ...times, ...entries(maxListed + over, message(11, text(2, 'e')))])]),
      ),
      decodeProto(
        request('shop', [Buffer.concat([...ids, ...times, ...entries(maxListed + over, message(13, ...ids))])]),
      ),
      decodeJson(jsonBody(jsonSpan({ attributes: json(maxAttributes + over) }))),
      decodeJson(jsonBody(jsonSpan({ events: entries(maxListed + over, { name: 'e' }) }))),
      decodeJson(jsonBody(jsonSpan({ links: entries(maxListed + over, link) }))),
    ];
    const reasons = [cuts.attributes, cuts.events, cuts.links, cuts.attributes, cuts.events, cuts.links];
    for (const [index, { spans, cut }] of decoded.entries()) {
      const [span] = spans as [Span];
      assert.deepEqual(cut, over === 0 ? {} : { [reasons[index] ?? '']: 1 }, `case ${index}`);
      const kept = [Object.keys(span.attributes).length, span.events.length, span.links.length][index % 3];
      assert.equal(kept, maxListed);
      const dropped = [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount][index % 3];
      assert.equal(dropped, over === 0 ? undefined : 1);
    }
  }
});

test('nesting is kept up to the limit; deeper, the span is kept without that value, and counted', () => {
  for (const [depth, isCut] of [
    [maxDepth, false],
    [maxDepth + 1, true],
    [500, true],
  ] as const) {
    const proto = decodeProto(request('shop', [whole, Buffer.concat([whole, nested(depth)])]));
    const json = decodeJson(
      jsonBody(jsonSpan({}), jsonSpan({ attributes: [{ key: 'deep', value: nestedJson(depth) }] })),
    );
    for (const { spans, cut } of [proto, json]) {
      assert.equal(spans.length, 2);
      assert.deepEqual(cut, isCut ? { [cuts.depth]: 1 } : {}, `${depth} levels`);
      assert.equal(JSON.stringify(spans[1]?.attributes).includes('core'), !isCut);
    }
  }
});

test('a million attributes, and a million levels of nesting, cost one span its excess and no neighbour anything', () => {
  const million = Buffer.concat(Array<Buffer>(1_000_000).fill(keyValue(9, 'k', true)));
  const proto = decodeProto(request('shop', [whole, Buffer.concat([whole, million]), whole]));
  assert.deepEqual([proto.spans.length, proto.cut], [3, { [cuts.attributes]: 1 }]);
  assert.ok(Object.keys((proto.spans[1] as Span).attributes).length <= maxAttributes);
  const attribute = '{"key":"k","value":{"intValue":"1"}}';
  const span = (attributes: string) => JSON.stringify(jsonSpan({ attributes: 'HERE' })).replace('"HERE"', attributes);
  const json = (attributes: string) => jsonBody(jsonSpan({}), 'HERE', jsonSpan({})).replace('"HERE"', span(attributes));
  const many = decodeJson(json(`[${Array<string>(1_000_000).fill(attribute).join(',')}]`));
  assert.deepEqual([many.spans.length, many.cut], [3, { [cuts.attributes]: 1 }]);
  const deep = decodeJson(json(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`));
  assert.deepEqual([deep.spans.length, deep.cut, deep.error], [3, { [cuts.depth]: 1 }, undefined]);
  const flat = decodeJson(json(`{"a":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`));
  assert.equal(flat.spans.length, 3);
  for (const { spans } of [many, deep, flat])
    for (const { attributes } of spans) assert.ok(JSON.stringify(attributes).length < 1e6);
});

test('what lost a part is written anew when it is stored, so that windows are bounded as well', () => {
  const large = Buffer.concat([
    ...ids,
    ...times,
    ...Array.from({ length: 5000 }, (_, at) => keyValue(9, `key ${at}`, at)),
  ]);
  const { spans } = decodeProto(request('shop', [whole, large]));
  const encode = (list: readonly Span[]) => ({ format: 'json', bytes: Buffer.from(encodeJson(list)) }) as const;
  const bodies = packSpans(spans, encode);
  assert.deepEqual(
    bodies.map(({ format }) => format),
    ['protobuf', 'json'],
  );
  const read = bodies.flatMap(({ format, bytes: body }) => [
    ...decodeStored(format === 'json' ? 'x.json' : 'x.pb', body).spans,
  ]);
  assert.deepEqual(
    read.map(({ attributes }) => Object.keys(attributes).length),
    [1, maxAttributes],
  );
});

test('OTLP clients are told what was rejected and what was cut; the rest is stored', async () => {
  const short = without(id(15), ids[1], ...times);
  const body = request('shop', [whole, short, short, Buffer.concat([...ids, ...times, nested(30)])]);
  const { collect, objects, logged } = spanHouse();
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
  const answer = await collect.http({
    requestContext: {},
    headers,
    body: gzipSync(body).toString('base64'),
    isBase64Encoded: true,
  });
  assert.equal(answer.statusCode, 200);
  const partial = Buffer.from(answer.body, 'base64');
  // ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } }
  assert.deepEqual([...partial.subarray(0, 1), ...partial.subarray(2, 5)], [0x0a, 0x08, 2, 0x12]);
  assert.equal(partial.subarray(6).toString(), `${refusals.traceId}: 2; ${cuts.depth}: 1`);
  assert.equal(objects.size, 2);
  assert.deepEqual(logged[0]?.fields?.['refused'], { [refusals.traceId]: 2 });
  const json = await collect.http({
    requestContext: {},
    headers: { 'content-type': 'application/json' },
    body: jsonBody(jsonSpan({}), jsonSpan({ spanId: 'x' })),
  });
  assert.deepEqual(JSON.parse(json.body), {
    partialSuccess: { rejectedSpans: '1', errorMessage: `${refusals.spanId}: 1` },
  });
});

/** All that can be asked of a span, so that nothing that is read late throws. */
const touch = (spans: readonly Span[]): void => {
  for (const span of spans) {
    const { traceId, spanId, parentSpanId, startNanos, endNanos } = span;
    assert.match(traceId, /^[0-9a-f]{32}$/);
    assert.match(spanId, /^[0-9a-f]{16}$/);
    assert.ok(parentSpanId === undefined || /^[0-9a-f]{16}$/.test(parentSpanId));
    assert.ok(startNanos > 0n && endNanos >= startNanos);
    assert.ok(Number.isInteger(span.kind) && span.kind >= 0 && span.kind <= 5 && span.status >= 0 && span.status <= 2);
    const { name, attributes, events, links, resource, scope, traceState, flags, statusMessage } = span;
    JSON.stringify([
      name,
      attributes,
      events.map(({ name: event }) => event),
      links,
      resource,
      scope,
      traceState,
      flags,
      statusMessage,
    ]);
    void [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount];
  }
};

const rich = Array.from({ length: 6 }, (_, at) =>
  aSpan({
    service: at < 3 ? 'one' : 'two',
    status: at % 3,
    traceState: 'ot=th:8',
    attributes: { text: 'größer', list: [1, 'a', true], flag: false, rate: 0.5 },
    links: [{ traceId: good.traceId, spanId: good.spanId }],
    events: [{ name: 'event', timeNanos: 5n, attributes: {} }],
  }),
);

test('mutated protobuf never throws, and whatever is kept is a span', () => {
  const body = encodeProto(rich);
  const edit = fc.record({
    at: fc.nat(body.length - 1),
    byte: fc.nat(255),
    kind: fc.constantFrom('set', 'drop', 'insert'),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
      const changed = [...body];
      for (const { at, byte, kind } of edits)
        changed.splice(at, kind === 'insert' ? 0 : 1, ...(kind === 'drop' ? [] : [byte]));
      touch(decodeProto(Uint8Array.from(changed)).spans);
    }),
    runs(3000),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (random) => touch(decodeProto(random).spans)),
    runs(1000),
  );
});

test('mutated JSON never throws, and is read exactly when JSON.parse reads it', () => {
  const body = encodeJson(rich.slice(0, 2));
  const edit = fc.record({
    at: fc.nat(body.length - 1),
    text: fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '1', 'e', '-', '\n', 'é', '\\u00e', 'null'),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let changed = body;
      for (const { at, text: put } of edits) changed = changed.slice(0, at) + put + changed.slice(at + 1);
      const { spans, error } = decodeJson(changed);
      touch(spans);
      assert.equal(error?.startsWith('is not JSON') === true, !isJson(changed), changed);
    }),
    runs(3000),
  );
});

test('the scanner passes over exactly what JSON.parse reads', () => {
  const alphabet = fc.constantFrom(...'{}[]",:\\/ \n\ttrufalsen0123456789.eE+-\u0001é😀');
  const scan = (json: string): boolean => {
    const scanner = new JsonScanner(Buffer.from(json));
    try {
      scanner.value();
      return scanner.peek() === -1;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(alphabet, { maxLength: 12 }).map((list) => list.join('')),
        fc.json(),
      ),
      (json) => {
        assert.equal(scan(json), isJson(json), JSON.stringify(json));
      },
    ),
    runs(5000),
  );
  for (const json of [
    '',
    '-',
    '01',
    '1.',
    '1e',
    '.5',
    '-0',
    '1e+05',
    '"\\x"',
    '"\\u12g4"',
    '{"a":1,}',
    '[1,]',
    '[,1]',
    '{,}',
    'nul',
    'nulll',
    '[1 2]',
    '{"a" 1}',
    '{"a":}',
    '"\u007f"',
    '[[[]]]',
    '{"a":{"b":[{}]}}',
  ]) {
    assert.equal(scan(json), isJson(json), json);
  }
});

const isJson = (json: string): boolean => {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
};

test('divided and packed, spans come out of both encodings as they went in', () => {
  const spans = fc.array(
    fc.record({
      trace: fc.nat(5),
      keep: fc.boolean(),
      service: fc.constantFrom('one', 'two', 'three'),
      name: fc.string({ unit: 'grapheme', maxLength: 8 }),
    }),
    { maxLength: 30 },
  );
  const told = (list: readonly Span[]) =>
    list.map(({ traceId, spanId, name, startNanos, endNanos, kind, status, resource, attributes, links, events }) => ({
      traceId,
      spanId,
      name,
      startNanos,
      endNanos,
      kind,
      status,
      ...resource,
      attributes: { ...attributes },
      links,
      events,
    }));
  fc.assert(
    fc.property(spans, (drawn) => {
      const made = drawn.map(({ trace, service, name }) =>
        aSpan({ traceId: String(trace + 1).padStart(32, '0'), service, name, attributes: { name } }),
      );
      for (const decoded of [decodeProto(encodeProto(made)), decodeJson(encodeJson(made))]) {
        const chosen = decoded.spans.filter((_, at) => drawn[at]?.keep);
        const bodies = packSpans(chosen, () => assert.fail('nothing has to be written anew'));
        const read = bodies.flatMap(({ format, bytes: body }) => [
          ...decodeStored(format === 'json' ? 'x.json' : 'x.pb', body).spans,
        ]);
        const order = (list: ReturnType<typeof told>) => list.sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
        assert.deepEqual(order(told(read)), order(told(chosen)));
      }
    }),
    runs(300),
  );
});
