import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounds, type InstrumentName, instruments, maxValues, metrics } from '../../lib/telemetry/metrics.ts';
import { emfFields } from '../../lib/telemetry/metrics-emf.ts';
import { metricsRequest } from '../../lib/telemetry/metrics-otlp.ts';
import { metricsProtobuf } from '../../lib/telemetry/metrics-protobuf.ts';
import { decodeOtlpMetrics, decodeOtlpMetricsJson } from '../support/decode-otlp.ts';

const ids = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

/** Every instrument measured once or more. */
const measured = () => {
  let now = 1_700_000_000_000;
  const it = metrics({ clock: () => now });
  const { measure, collect } = it;
  measure('tidemark.records', 2, { source: 'sqs', outcome: 'ok', format: 'w3c' }, ids);
  measure('tidemark.records', 1, { source: 'sqs', outcome: 'ok', format: 'w3c' });
  measure('tidemark.records', 1, { source: 'sqs', outcome: 'failed', format: 'none' });
  measure('tidemark.spans.exported', 10, { back_end: 'a' });
  measure('tidemark.spans.dropped', 4, { back_end: 'a', reason: 'timeout' });
  measure('tidemark.export.duration', 0.005, { back_end: 'a', outcome: 'ok' }, ids);
  measure('tidemark.export.duration', 12, { back_end: 'a', outcome: 'ok' });
  measure('tidemark.sampling.rate', 0.5);
  measure('tidemark.sampling.rate', 0.25);
  measure('tidemark.breaker.open', 0, { breaker: 'process' });
  measure('tidemark.alert.time_to_visible', 31, { receiver: 'chat', channel: 'wecom' }, ids);
  now += 1000;
  return { measure, collect, collected: collect() };
};

test('tells what came since the last collection; gauges stay as they are', () => {
  const { collect, collected } = measured();
  const pick = (name: InstrumentName) => collected.points.filter(({ instrument }) => instrument === name);
  assert.deepEqual(
    pick('tidemark.records').map(({ value, attributes }) => [attributes['outcome'], value]),
    [
      ['ok', 3],
      ['failed', 1],
    ],
  );
  assert.deepEqual(pick('tidemark.sampling.rate')[0]?.value, 0.25);
  const [duration] = pick('tidemark.export.duration');
  assert.equal(duration?.value, 12.005);
  assert.deepEqual(duration?.values, [0.005, 12]);
  // Upper bounds are inclusive; what is above the last has a bucket of its own.
  assert.deepEqual(
    [duration?.buckets[0], duration?.buckets.at(-1), duration?.buckets.length],
    [1, 1, bounds.length + 1],
  );
  assert.deepEqual(duration?.exemplar, { ...ids, value: 0.005, at: 1_700_000_000_000 });
  assert.equal(collected.to - collected.from, 1000);
  const after = collect();
  assert.equal(after.from, collected.to);
  assert.deepEqual(
    after.points.map(({ instrument, value }) => [instrument, value]),
    [
      ['tidemark.sampling.rate', 0.25],
      ['tidemark.breaker.open', 0],
    ],
  );
});

test('takes the active span for an exemplar, and no value that is none', () => {
  const it = metrics({ clock: () => 5, exemplar: () => ids });
  it.measure('tidemark.records', Number.NaN);
  it.measure('tidemark.records', 1);
  assert.deepEqual(it.collect().points[0]?.exemplar, { ...ids, value: 1, at: 5 });
});

test('keeps so many sets of attributes and no more; the rest is counted together', () => {
  const it = metrics({ clock: () => 0 });
  for (let at = 0; at < 2005; at++) it.measure('tidemark.spans.exported', 1, { back_end: `b${at}` });
  const { points } = it.collect();
  assert.equal(points.length, 2001);
  assert.deepEqual(points.at(-1)?.attributes, { 'otel.metric.overflow': 'true' });
  assert.equal(points.at(-1)?.value, 5);
});

test('keeps so many single values of a histogram, counts all, and tells them in lines of a hundred', () => {
  const it = metrics({ clock: () => 0 });
  for (let at = 0; at < maxValues + 1; at++) it.measure('tidemark.export.duration', at);
  it.measure('tidemark.export.duration', 1, { back_end: 'b' });
  it.measure('tidemark.spans.exported', 7, { back_end: 'b' });
  const collected = it.collect();
  assert.equal(collected.points[0]?.values.length, maxValues);
  assert.equal(collected.points[0]?.count, maxValues + 1);
  const lines = emfFields(collected, { dimensions: {} });
  const told = lines.filter((line) => line['back_end'] === undefined).map((line) => line['ExportDuration'] as number[]);
  assert.deepEqual(
    told.map((values) => values.length),
    new Array(maxValues / 100).fill(100),
  );
  assert.deepEqual(
    told.flat(),
    Array.from({ length: maxValues }, (_, at) => at),
  );
  assert.equal(lines.filter((line) => line['SpansExported'] === 7).length, 1);
});

test('a histogram keeps the exemplar of its greatest value', () => {
  const it = metrics({ clock: () => 5 });
  const at = (spanId: string) => ({ ...ids, spanId });
  it.measure('tidemark.alert.time_to_visible', 30, {}, at('1'));
  it.measure('tidemark.alert.time_to_visible', 90, {}, at('2'));
  it.measure('tidemark.alert.time_to_visible', 60, {}, at('3'));
  assert.deepEqual(it.collect().points[0]?.exemplar, { ...at('2'), value: 90, at: 5 });
});

test('the time to be visible has buckets up to a day', () => {
  const it = metrics({ clock: () => 5 });
  for (const seconds of [0.5, 1, 1.1, 60, 86_400, 86_401])
    it.measure('tidemark.alert.time_to_visible', seconds, { receiver: 'chat', channel: 'wecom' }, ids);
  const { resourceMetrics } = inJson(it.collect(), {});
  const [point] = resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints;
  const { bucketCounts, explicitBounds, exemplars, attributes } = point;
  assert.equal(bucketCounts.length, explicitBounds.length + 1);
  const countOf = (bound: number) => bucketCounts[explicitBounds.indexOf(bound)];
  assert.deepEqual(
    [countOf(1), countOf(2.5), countOf(60), countOf(86_400), bucketCounts.at(-1)],
    ['2', '1', '1', '1', '1'],
  );
  assert.deepEqual([exemplars[0].asDouble, exemplars[0].traceId], [86_401, ids.traceId]);
  assert.deepEqual(
    attributes.map(({ key, value }: { key: string; value: { stringValue: string } }) => [key, value.stringValue]),
    [
      ['receiver', 'chat'],
      ['channel', 'wecom'],
    ],
  );
});

test('is EMF as CloudWatch specifies it', () => {
  const lines = emfFields(measured().collected, { dimensions: { function: 'deliver-alerts' } });
  const told = new Set<string>();
  for (const line of lines) {
    const { Timestamp, CloudWatchMetrics } = line['_aws'] as { Timestamp: number; CloudWatchMetrics: Directive[] };
    assert.ok(Number.isInteger(Timestamp) && Timestamp > 1e12);
    for (const { Namespace, Dimensions, Metrics } of CloudWatchMetrics) {
      assert.equal(Namespace, 'tidemark');
      assert.ok(Metrics.length > 0 && Metrics.length <= 100);
      for (const set of Dimensions) {
        assert.ok(set.length <= 30);
        for (const name of set) assert.equal(typeof line[name], 'string', name);
      }
      for (const { Name, Unit } of Metrics) {
        told.add(Name);
        assert.ok(['Count', 'Seconds', 'None'].includes(Unit));
        const values = [line[Name]].flat();
        assert.ok(values.length <= 100 && values.every((value) => typeof value === 'number'), Name);
      }
    }
    assert.deepEqual(JSON.parse(JSON.stringify(line)), line);
  }
  assert.deepEqual(
    [...told].sort(),
    Object.values(instruments)
      .map(({ emf }) => emf.name as string)
      .sort(),
  );
  const ok = lines.find((line) => line['outcome'] === 'ok' && line['source'] === 'sqs');
  assert.deepEqual([ok?.['Records'], ok?.['trace_id'], ok?.['span_id']], [3, ids.traceId, ids.spanId]);
});
interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
}

/** As it leaves. */
const inJson = (...told: Parameters<typeof metricsRequest>) => JSON.parse(JSON.stringify(metricsRequest(...told)));

test('in protobuf it says what it says in JSON', () => {
  const { collected } = measured();
  const resource = {
    'service.name': 'búho',
    'process.pid': -7,
    share: 0.5,
    on: true,
    off: false,
    list: ['a'],
    text: '',
  };
  const request = metricsRequest(collected, resource);
  assert.ok(request);
  const decoded = decodeOtlpMetrics(metricsProtobuf(request));
  assert.deepEqual(decoded, decodeOtlpMetricsJson(request));
  const text = JSON.stringify(decoded);
  for (const name of Object.keys(instruments)) assert.ok(text.includes(`"${name}"`), name);
  assert.ok(text.includes('"asInt":"3"') && text.includes('"intValue":"-7"') && text.includes('búho'));
});

test('is OTLP: deltas with times, exemplars and buckets', () => {
  const { collected } = measured();
  const { resourceMetrics } = inJson(collected, { 'service.name': 'shop', 'process.pid': 7, on: true });
  const [resource] = resourceMetrics;
  assert.deepEqual(resource.resource.attributes, [
    { key: 'service.name', value: { stringValue: 'shop' } },
    { key: 'process.pid', value: { intValue: '7' } },
    { key: 'on', value: { boolValue: true } },
  ]);
  const byName = Object.fromEntries(
    resource.scopeMetrics[0].metrics.map((each: { name: string }) => [each.name, each]),
  );
  assert.deepEqual(Object.keys(byName).sort(), Object.keys(instruments).sort());
  const { sum } = byName['tidemark.records'];
  assert.deepEqual([sum.aggregationTemporality, sum.isMonotonic], [1, true]);
  assert.deepEqual(sum.dataPoints[0], {
    startTimeUnixNano: '1700000000000000000',
    timeUnixNano: '1700000001000000000',
    attributes: [
      { key: 'source', value: { stringValue: 'sqs' } },
      { key: 'outcome', value: { stringValue: 'ok' } },
      { key: 'format', value: { stringValue: 'w3c' } },
    ],
    exemplars: [{ timeUnixNano: '1700000000000000000', asDouble: 2, ...ids }],
    asInt: '3',
  });
  const [duration] = byName['tidemark.export.duration'].histogram.dataPoints;
  assert.equal(duration.count, '2');
  assert.equal(duration.bucketCounts.length, duration.explicitBounds.length + 1);
  assert.equal(metricsRequest({ from: 0, to: 1, points: [] }, {}), undefined);
});
