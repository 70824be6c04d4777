import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
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

/** A sample event with one of its values replaced by anything at all. */
const mutated = fc
  .tuple(fc.constantFrom(...samples), fc.nat(), fc.jsonValue({ maxDepth: 3 }))
  .map(([text, at, value]) => {
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
    const slot = slots[at % Math.max(1, slots.length)];
    if (slot !== undefined) slot[0][slot[1]] = value;
    return event;
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
const carriers = fc.dictionary(fc.constantFrom(...names), fc.oneof(pieces, fc.string(), fc.jsonValue()), {
  maxKeys: 6,
});

test('answers any event, and the explanation agrees with the hot path', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.jsonValue({ maxDepth: 5 })), (event) => {
      for (const message of recordsOf(event)) {
        const found = extract(message);
        const { extracted } = explain(message);
        assert.deepEqual(extracted, found);
        detailsOf(message);
        bodyOf(message);
        if (found.context !== undefined) isSound(found.context);
      }
    }),
    { numRuns },
  );
});

test('hands out only sound ids, whatever the headers say', () => {
  fc.assert(
    fc.property(carriers, (carrier) => {
      const { context, links } = extractFrom(carrier);
      for (const each of [context, ...links.map((link) => link.context)]) if (each !== undefined) isSound(each);
    }),
    { numRuns: numRuns * 4 },
  );
});

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

test('spends on a megabyte of nested JSON less than parsing it twice', () => {
  const bodies = {
    'deep objects': `${'{"a":'.repeat(170_000)}"traceparent"${'}'.repeat(170_000)}`,
    'objects in a known member': `${'{"payload":'.repeat(90_000)}"traceparent"${'}'.repeat(90_000)}`,
    wide: `{"trace":[${'{"b3":1},'.repeat(110_000)}1]}`,
    'notifications in notifications': nested(),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const event = {
      Records: [{ messageId: '1', eventSource: 'aws:sqs', body, messageAttributes: {}, attributes: {} }],
    };
    const best = (run: () => unknown) => {
      let least = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 7; round++) {
        const start = process.hrtime.bigint();
        run();
        least = Math.min(least, Number(process.hrtime.bigint() - start));
      }
      return least;
    };
    const [message] = recordsOf(event);
    assert.ok(message);
    const ours = best(() => extract(message));
    const parse = best(() => JSON.parse(body) as unknown);
    assert.ok(ours < parse * 2 + 1e6, `${name}: ${ours} ns against ${parse} ns for one parse`);
  }
});

/** SNS in SNS, the innermost padded: each layer is worth opening, and each costs a parse. */
function nested(): string {
  let body = JSON.stringify({ trace: 'x'.repeat(900_000) });
  for (let depth = 0; depth < 8; depth++)
    body = JSON.stringify({ Type: 'Notification', TopicArn: 'arn:trace', Message: body });
  return body;
}

const isSound = ({ traceId, spanId, flags }: TraceContext): void => {
  assert.match(traceId, /^(?!0{32})[0-9a-f]{32}$/);
  assert.match(spanId, /^(?!0{16})[0-9a-f]{16}$/);
  assert.ok(Number.isInteger(flags) && flags >= 0 && flags <= 3);
};
