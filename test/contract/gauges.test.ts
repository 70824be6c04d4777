import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gaugeNames, ratioGauges, type WatermarkRule } from '../../lib/model/config/watermarks.ts';
import type { ClusterSnapshot } from '../../lib/model/kubernetes-objects.ts';
import type { QueueSnapshot } from '../../lib/model/queue-snapshot.ts';
import type { SourceInputs, SourceKind } from '../../lib/watermark/gauge.ts';
import { gauges } from '../../lib/watermark/gauges/index.ts';

const at = Date.parse('2026-11-23T12:00:00Z');
const labels = { host: 'a' };

/** An input of each kind that measures `used` of a capacity of 100; `undefined`: the source has no capacity for it. */
const inputs: { readonly [Kind in SourceKind]: (used: number, capacity: number | undefined) => SourceInputs[Kind] } = {
  kubernetes: (used, capacity): ClusterSnapshot => {
    const usage = { memory: String(used), cpu: String(used) };
    const amounts = capacity === undefined ? undefined : { memory: String(capacity), cpu: String(capacity) };
    return {
      cluster: 'prod',
      at,
      pods: [
        {
          metadata: { name: 'a', namespace: 'shop' },
          spec: { containers: [{ name: 'app', ...(amounts === undefined ? {} : { resources: { limits: amounts } }) }] },
          status: { phase: 'Running' },
        },
      ],
      podMetrics: [{ metadata: { name: 'a', namespace: 'shop' }, containers: [{ name: 'app', usage }] }],
      nodes: [{ metadata: { name: 'n' }, status: amounts === undefined ? {} : { allocatable: amounts } }],
      nodeMetrics: [{ metadata: { name: 'n' }, usage }],
    };
  },
  queue: (used, capacity): QueueSnapshot => ({
    name: 'orders',
    arn: 'arn:aws:sqs:eu-central-1:000000000000:orders',
    at,
    visible: used,
    inFlight: used,
    delayed: 0,
    oldestAgeSeconds: used,
    ...(capacity === undefined ? {} : { capacity, ageSloSeconds: capacity }),
    history: [{ at: at - 30_000, backlog: used }],
  }),
  cloudwatch: (value) => [{ labels, value, at }],
  prometheus: (value) => [{ labels: { __name__: 'fill', ...labels }, value, at }],
  pushed: (value, capacity) => ({
    gauge: 'pushed',
    series: labels,
    value,
    at,
    ...(capacity === undefined ? {} : { capacity }),
  }),
};

test('every configured name has its gauge, in the same order, and every gauge its name', () => {
  assert.deepEqual(Object.keys(gauges), [...gaugeNames]);
  assert.deepEqual(
    Object.values(gauges)
      .filter(({ unit }) => unit === 'ratio')
      .map(({ name }) => name),
    [...ratioGauges],
  );
});

for (const gauge of Object.values(gauges)) {
  const rule: WatermarkRule = { gauge: gauge.name };
  const measure = (used: number, capacity: number | undefined = 100) =>
    gauge.measure(inputs[gauge.source](used, capacity) as never, rule);

  test(`${gauge.name}: one series with labels and its own time, a value from 0 upwards that grows with use`, () => {
    const values = [0, 50, 100, 150].map((used) => {
      const { series } = measure(used);
      assert.equal(series.length, 1);
      const [only] = series;
      assert.ok(only !== undefined && Object.keys(only.labels).length > 0);
      assert.equal(only.labels['__name__'], undefined);
      assert.ok(Math.abs(only.at - at) < 1000);
      assert.ok(only.value !== undefined && only.value >= 0, String(only.value));
      for (const [name, text] of Object.entries(only.describe?.([]) ?? {})) assert.equal(typeof text, 'string', name);
      return only.value;
    });
    assert.deepEqual(
      [...values].sort((a, b) => a - b),
      values,
    );
    if (gauge.unit === 'ratio') assert.deepEqual(values, [0, 0.5, 1, 1.5]);
  });

  test(`${gauge.name}: without a capacity it says why there is no series, or measures the plain value`, () => {
    const { series, skipped } = gauge.measure(inputs[gauge.source](50, undefined) as never, rule);
    if (gauge.unit === 'ratio') {
      assert.ok(series.every(({ value }) => value === undefined));
      assert.equal(
        Object.values(skipped).reduce((a, b) => a + b, 0),
        1,
      );
    } else assert.ok(series.every(({ value }) => value === undefined || value >= 0));
  });

  test(`${gauge.name}: its default marks are in order`, () => {
    assert.ok(gauge.defaults.low <= gauge.defaults.high);
  });
}
