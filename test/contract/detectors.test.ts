import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Span } from '../../lib/model/span.ts';
import { detectors } from '../../lib/trace/detectors/index.ts';
import { score } from '../../lib/trace/score.ts';
import { aSpan } from '../support/a-span.ts';

const window = '2026-01-01T00:00:00Z';
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/** Spans of a few services with every kind, many of them failed, slow, or without the parent that they name. */
const troubled = fc
  .array(
    fc.record({
      trace: fc.nat(20),
      parent: fc.nat(60),
      kind: fc.integer({ min: 0, max: 5 }),
      status: fc.integer({ min: 0, max: 2 }),
      service: fc.nat(3),
      from: fc.nat(1000),
      length: fc.nat(5000),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((shapes) =>
    shapes.map(
      ({ trace, parent, kind, status, service, from, length }, at): Span =>
        aSpan({
          traceId: hex(trace + 1, 32),
          spanId: hex(at + 1, 16),
          ...(parent < at ? { parentSpanId: hex(parent + 1, 16) } : {}),
          kind,
          status,
          service: `s${service}`,
          from,
          to: from + length,
          attributes: { 'messaging.destination.name': 'q', 'peer.service': `s${(service + 1) % 4}` },
        }),
    ),
  );

test('every member file is listed', () => {
  const files = readdirSync(join(import.meta.dirname, '../../lib/trace/detectors')).filter(
    (file) => file !== 'index.ts',
  );
  assert.ok(files.length > 0);
  assert.deepEqual(files.map((file) => file.replace('.ts', '')).sort(), Object.keys(detectors).sort());
});

for (const [name, detector] of Object.entries(detectors)) {
  test(`${name}: is named as it is registered`, () => assert.equal(detector.name, name));

  test(`${name}: is silent on nothing and on healthy traces`, () => {
    const healthy = Array.from({ length: 200 }, (_, at) => aSpan({ traceId: hex(at + 1, 32), service: `s${at % 5}` }));
    for (const spans of [[], healthy]) {
      assert.deepEqual(
        score(window, spans).findings.filter(({ kind }) => kind === name),
        [],
      );
    }
  });
}

test('every finding points to spans that are there and exceeds its threshold; the score is the same bytes in any order', () => {
  let found = 0;
  fc.assert(
    fc.property(troubled, fc.infiniteStream(fc.nat()), (spans, shuffle) => {
      const result = score(window, spans);
      const known = new Set(spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`));
      for (const { exemplar, traceIds, value, threshold, kind } of result.findings) {
        found += 1;
        assert.ok(known.has(`${exemplar.traceId}/${exemplar.spanId}`));
        assert.ok(traceIds.length >= 1 && traceIds.length <= 3 && traceIds.includes(exemplar.traceId));
        assert.ok(kind === 'error-burst' ? value >= threshold : value > threshold, `${kind}: ${value} of ${threshold}`);
      }
      const keys = new Map(spans.map((span) => [span, shuffle.next().value as number]));
      const shuffled = [...spans, ...spans].sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
      assert.equal(JSON.stringify(score(window, shuffled)), JSON.stringify(result));
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
  );
  assert.ok(found > 0, 'no finding was made: the property held on nothing');
});
