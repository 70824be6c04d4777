import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTraceState, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { decodeEnvelope, encodeEnvelope } from '../../lib/message/envelope.ts';
import { bodyOf, detailsOf, recordsOf } from '../../lib/message/records.ts';
import type { TraceContext } from '../../lib/model/trace-context.ts';
import { readBaggage, writeBaggage } from '../../lib/propagation/baggage.ts';
import { explain } from '../../lib/propagation/explain.ts';
import { extract, extractFrom } from '../../lib/propagation/extract.ts';
import { formats } from '../../lib/propagation/formats/index.ts';
import { inject } from '../../lib/propagation/inject.ts';
import { propagation } from '../../lib/propagation/propagation.ts';
import { asTextMapPropagator } from '../../lib/propagation/text-map.ts';

/** FUZZ_RUNS=1000000 for the full size. fast-check prints the seed of a failure. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1500);

const root = join(import.meta.dirname, '../../events');
const samples = globSync('*/*.json', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((id) => /[^0]/.test(id));

const contexts: fc.Arbitrary<TraceContext> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  flags: fc.constantFrom(0, 1),
});

/** Headers made of pieces of real ones: far more telling than random text. */
const pieces = fc
  .array(
    fc.constantFrom(
      '00',
      '-',
      '0af7651916cd43dd8448eb211c80319c',
      'b7ad6b7169203331',
      '01',
      'd',
      '1',
      'Root=1-',
      '5759e988',
      '-bd862e3fe1be46a994272793',
      ';',
      'Parent=',
      'Sampled=',
      '?',
      ',',
      '=',
      ' ',
      'A',
      '\u0130',
      '0'.repeat(16),
      '"',
      '{',
      '\\',
      '%',
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const names = Object.values(formats).flatMap((format) => [
  ...format.marks,
  ...format.fields,
  'tracestate',
  'baggage',
  '__proto__',
]);

/** Values that a serialiser, a proxy or somebody's hand leaves where a header or an attribute is expected. */
const oddValues = fc.oneof(
  pieces,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    { toString: null },
    [{ toString: null, valueOf: null }],
    { bytes: [256, -129, 'x'] },
    { 0: '48', 1: { length: 2 } },
    { stringValue: { toString: 1 }, dataType: ['Binary'] },
    { Type: 'Binary', Value: 'zzz' },
    { M: { traceparent: { S: 3, B: '' } } },
    { payload: {}, metadata: [] },
    { length: -1 },
    Number.MAX_VALUE,
    -0,
    '\ud800',
  ),
  pieces.map((text) => [...Buffer.from(text)]),
  pieces.map((text) => Buffer.from(text).toString('base64')),
  fc.tuple(pieces, pieces).map(([traceparent, b3]) => JSON.stringify({ _trace: { traceparent }, headers: [{ b3 }] })),
  fc
    .tuple(pieces, pieces)
    .map(([traceparent, key]) =>
      Buffer.from(encodeEnvelope({ payload: Buffer.from(key), metadata: { traceparent, [key]: key } })).toString(
        'base64',
      ),
    ),
);

const carriers = fc.dictionary(fc.constantFrom(...names), fc.oneof(pieces, fc.string(), fc.jsonValue()), {
  maxKeys: 6,
});

/** A sample event in which values were replaced and names changed by anything at all. */
const mutated = fc
  .tuple(
    fc.constantFrom(...samples),
    fc.array(fc.tuple(fc.nat(), oddValues, fc.option(fc.constantFrom(...names))), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, changes]) => {
    const event = JSON.parse(text) as unknown;
    const slots: [Record<string, unknown>, string][] = [];
    const visit = (node: unknown) => {
      if (typeof node !== 'object' || node === null || slots.length > 400) return;
      for (const key of Object.keys(node)) {
        slots.push([node as Record<string, unknown>, key]);
        visit((node as Record<string, unknown>)[key]);
      }
    };
    visit(event);
    for (const [at, value, name] of changes) {
      const [owner, key] = slots[at % Math.max(1, slots.length)] ?? [{}, ''];
      Object.defineProperty(owner, name ?? key, { value, enumerable: true, configurable: true, writable: true });
    }
    return event;
  });

/** An event as the content of other messages: what queues, topics, buses, streams and pipes wrap around it, a few layers deep. */
const wrapped = fc.tuple(mutated, fc.array(fc.nat(7), { maxLength: 4 })).map(([event, layers]) =>
  layers.reduce<unknown>((content, layer) => {
    const text = JSON.stringify(content) ?? '';
    const data = Buffer.from(text).toString('base64');
    return [
      { Records: [{ eventSource: 'aws:sqs', messageId: '1', body: text, messageAttributes: {} }] },
      { Records: [{ EventSource: 'aws:sns', Sns: { Message: text, MessageAttributes: {} } }] },
      { 'detail-type': 'x', source: 'y', detail: content },
      { Records: [{ eventSource: 'aws:kinesis', kinesis: { data } }] },
      { Data: content, Metadata: {} },
      { specversion: '1.0', type: 'x', data_base64: data },
      { payload: data, metadata: {} },
      [{ messageId: '1', body: text, eventSource: 'aws:sqs' }],
    ][layer];
  }, event),
);

test('answers any event, and the explanation agrees with the hot path', () => {
  fc.assert(
    fc.property(
      fc.oneof(mutated, wrapped, fc.jsonValue({ maxDepth: 5 })),
      fc.option(oddValues),
      (event, clientContext) => {
        for (const message of recordsOf(event, { clientContext })) {
          const found = extract(message);
          const { extracted } = explain(message);
          assert.deepEqual(extracted, found);
          detailsOf(message);
          bodyOf(message);
          if (found.context !== undefined) isSound(found.context);
        }
      },
    ),
    { numRuns },
  );
});

test('hands out only sound ids, whatever the headers say', () => {
  fc.assert(
    fc.property(carriers, (carrier) => {
      const { context, links } = extractFrom(carrier);
      for (const each of [context, ...links.map((link) => link.context)]) if (each !== undefined) isSound(each);
      for (const format of Object.values(formats)) {
        const found = trace.getSpanContext(
          asTextMapPropagator(format, { trace, createTraceState }).extract(ROOT_CONTEXT, carrier, anyGetter),
        );
        if (found !== undefined) isSound({ traceId: found.traceId, spanId: found.spanId, flags: found.traceFlags });
      }
    }),
    { numRuns: numRuns * 4, examples: [[{ 'x-b3-traceid': [{ toString: null }] }]] },
  );
});

/** A getter that hands out whatever the carrier holds, as careless ones do. */
const anyGetter = {
  keys: Object.keys,
  get: (carrier: Record<string, unknown>, name: string) => carrier[name] as string | undefined,
};

test('extracts exactly what was injected, in every format and several at once', () => {
  const choice = fc.subarray(['w3c', 'b3', 'b3multi', 'datadog', 'xray'] as const, { minLength: 1 });
  fc.assert(
    fc.property(contexts, choice, (context, chosen) => {
      const using = propagation({ inject: chosen, extract: chosen });
      const carrier: Record<string, string> = {};
      inject(context, (name, value) => Object.assign(carrier, { [name]: value }), using);
      const found = extractFrom(carrier, using);
      assert.deepEqual({ ...found.context, traceState: undefined }, { ...context, traceState: undefined });
      assert.equal(found.links.length, 0);
    }),
    { numRuns },
  );
});

test('brings baggage and envelopes through unharmed', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/);
  fc.assert(
    fc.property(fc.dictionary(key, fc.string({ unit: 'grapheme', maxLength: 40 }), { maxKeys: 8 }), (values) => {
      const entries = Object.entries(values).map(([name, value]) => ({ key: name, value: value.toWellFormed() }));
      assert.deepEqual(readBaggage(writeBaggage(entries)) ?? [], entries);
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.dictionary(key, fc.string({ maxLength: 40 })),
      (payload, metadata) => {
        const texts = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, value.toWellFormed()]));
        const decoded = decodeEnvelope(encodeEnvelope({ payload, metadata: texts }));
        assert.ok(typeof decoded !== 'string', String(decoded));
        assert.deepEqual([Buffer.from(decoded.payload), { ...decoded.metadata }], [Buffer.from(payload), texts]);
      },
    ),
    { numRuns },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeEnvelope(bytes)),
    { numRuns: numRuns * 4 },
  );
});

test('parses a megabyte of nested JSON twice at most, and nothing a second time in vain', () => {
  const size = 1024 * 1024;
  const bodies = {
    'deep objects': [nestedObjects('{"a":', '"traceparent"', '}', size), 1],
    'objects in a known member': [nestedObjects('{"payload":', '"traceparent"', '}', size), 1],
    wide: [nestedObjects('{"b3":1},', '1]}', '', size - 10, '{"trace":['), 1],
    'no name of any format': [nestedObjects('{"a":', '1', '}', size), 0],
    'notifications in notifications': [notifications(size), 2],
    'longer than any service delivers': [JSON.stringify({ traceparent: 'x'.repeat(size) }), 0],
  } as const;
  for (const [name, [body, times]] of Object.entries(bodies)) {
    const [message] = recordsOf({ Records: [{ messageId: '1', eventSource: 'aws:sqs', body }] });
    assert.ok(message);
    const parsed = parsedIn(() => extract(message));
    assert.ok(parsed <= times * body.length, `${name}: ${parsed} characters parsed of ${body.length}`);
    assert.ok(times === 0 || parsed >= body.length, `${name}: is not even opened`);
  }
});

/** Characters that went through JSON.parse meanwhile: a count, where a time would tell of the machine. */
const parsedIn = (run: () => unknown): number => {
  const { parse } = JSON;
  let characters = 0;
  JSON.parse = (text: string, ...rest: []) => {
    characters += text.length;
    return parse(text, ...rest) as unknown;
  };
  try {
    run();
  } finally {
    JSON.parse = parse;
  }
  return characters;
};

const nestedObjects = (open: string, inner: string, close: string, size: number, head = ''): string => {
  const depth = Math.floor((size - inner.length - head.length) / (open.length + close.length));
  return head + open.repeat(depth) + inner + close.repeat(depth);
};

/** SNS in SNS, the innermost padded: each layer is worth opening, and each costs a parse. */
const notifications = (size: number, padding = 0): string => {
  let body = JSON.stringify({ trace: 'x'.repeat(padding) });
  for (let depth = 0; depth < 8; depth++) {
    body = JSON.stringify({ Type: 'Notification', TopicArn: 'arn:trace', Message: body });
  }
  return padding === 0 ? notifications(size, size - body.length) : body;
};

const isSound = ({ traceId, spanId, flags }: TraceContext): void => {
  assert.match(traceId, /^(?!0{32})[0-9a-f]{32}$/);
  assert.match(spanId, /^(?!0{16})[0-9a-f]{16}$/);
  assert.ok(Number.isInteger(flags) && flags >= 0 && flags <= 3);
};
