import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxSeries, metricLines, overflow, prometheusText } from '../../lib/trace/metrics.ts';
import { score } from '../../lib/trace/score.ts';
import { aSpan } from '../support/a-span.ts';

const traceId = (n: number) => n.toString(16).padStart(32, '0');
const of = (services: number) =>
  score(
    '2026-01-01T00:00:00Z',
    Array.from({ length: services * 2 }, (_, at) =>
      aSpan({ traceId: traceId(at + 1), service: `s${at % services}`, status: at < services ? 2 : 0, to: 2000 }),
    ),
  );

test('a window becomes one embedded-metric line a service', () => {
  const [line] = metricLines(of(1), 7);
  assert.equal(line?.['traces_span_count_total'], 2);
  assert.equal(line?.['traces_span_error_total'], 1);
  assert.ok(line !== undefined);
  const { CloudWatchMetrics } = line['_aws'] as { CloudWatchMetrics: { Dimensions: unknown }[] };
  assert.deepEqual(CloudWatchMetrics[0]?.Dimensions, [['service']]);
});

for (const beyond of [0, 1, 2, 50]) {
  test(`${beyond} services beyond the cap share one visible series and no span is lost`, () => {
    const lines = metricLines(of(maxSeries + beyond), 7);
    assert.equal(lines.length, maxSeries + Math.min(1, beyond));
    assert.equal(
      lines.reduce((sum, line) => sum + Number(line['traces_span_count_total']), 0),
      2 * (maxSeries + beyond),
    );
    assert.equal(lines.filter((line) => line['service'] === overflow).length, Math.min(1, beyond));
  });
}

test('Prometheus text counts a span of exactly 2 s in the bucket that ends there', () => {
  const text = prometheusText(of(1));
  assert.match(text, /traces_span_duration_seconds_bucket\{service="s0",le="2"\} 2\n/);
  assert.match(text, /traces_span_error_total\{service="s0"\} 1\n/);
});
