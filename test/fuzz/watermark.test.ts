import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkWatermarks } from '../../cdk/config/watermarks.ts';
import { newestOf } from '../../lib/adapters/cloudwatch.ts';
import {
  autoscalerFields,
  nodeFields,
  nodeMetricsFields,
  podFields,
  podMetricsFields,
} from '../../lib/adapters/kubernetes-fields.ts';
import { valuesOf } from '../../lib/adapters/prometheus.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { ClusterSnapshot } from '../../lib/model/kubernetes-objects.ts';
import { readReading } from '../../lib/model/reading.ts';
import { evaluate, inactive, type Rule, type Sample, type SeriesState } from '../../lib/watermark/evaluate.ts';
import { gauges } from '../../lib/watermark/gauges/index.ts';
import { readQuantity } from '../../lib/watermark/quantity.ts';
import { readReplay } from '../../lib/watermark/read-replay.ts';
import { readTick } from '../../lib/watermark/read-tick.ts';
import { replay } from '../../lib/watermark/replay.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 2000);
const check = (name: string, property: fc.IRawProperty<unknown>) =>
  test(name, () => fc.assert(property as fc.IProperty<unknown>, { numRuns, verbose: 1 }));

const quantityLike = fc.stringMatching(/^[+-]?\d{0,30}(\.\d{0,30})?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,12})?$/);

check(
  'reading a quantity never throws, and a sign only turns the sign',
  fc.property(fc.oneof(quantityLike, fc.string()), (text) => {
    const read = readQuantity(text);
    if (!('nanos' in read) || /^[+-]/.test(text)) return;
    const negative = readQuantity(`-${text}`);
    assert.ok('nanos' in negative);
    assert.equal(negative.nanos, -read.nanos);
  }),
);

const json = fc.oneof(fc.json(), fc.string());
check(
  'reading a pushed reading never throws',
  fc.property(json, (text) => void readReading(text)),
);
check(
  'reading a tick never throws',
  fc.property(json, (text) => void readTick(text)),
);
check(
  'checking a configuration never throws',
  fc.property(fc.jsonValue(), (value) => void checkWatermarks(value)),
);

check(
  'a reading that is accepted has the form that is promised',
  fc.property(
    fc.record(
      {
        gauge: fc.oneof(fc.string(), fc.integer()),
        series: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()),
        value: fc.oneof(fc.double(), fc.string()),
        capacity: fc.oneof(fc.double(), fc.constant(null)),
        at: fc.oneof(
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
          fc.string(),
        ),
      },
      { requiredKeys: [] },
    ),
    (fields) => {
      const read = readReading(JSON.stringify(fields));
      if ('refused' in read) return;
      assert.ok(Number.isFinite(read.reading.value) && Number.isFinite(read.reading.at));
      assert.ok(read.reading.capacity === undefined || read.reading.capacity > 0);
      assert.ok(Object.values(read.reading.series).every((text) => typeof text === 'string'));
    },
  ),
);

check(
  'a recording never throws: it is replayed or refused',
  fc.property(
    fc.oneof(
      fc.jsonValue(),
      fc.record({
        rule: fc.record({ high: fc.double(), low: fc.double() }, { requiredKeys: [] }),
        readings: fc.array(fc.record({ at: fc.double(), value: fc.jsonValue() })),
      }),
      fc.record({
        rule: fc.constant({ high: 1 }),
        status: fc.constant('success'),
        data: fc.record({
          resultType: fc.constant('matrix'),
          result: fc.array(
            fc.record({ metric: fc.constant({}), values: fc.array(fc.tuple(fc.double(), fc.string())) }),
          ),
        }),
      }),
    ),
    (input) => {
      const read = readReplay(input);
      if ('refused' in read) return;
      for (const { readings } of read.recordings) replay(read.rule, readings);
    },
  ),
);

/** Objects as the API lists them, with anything at all in some places. */
const listed = (whole: unknown): fc.Arbitrary<unknown> => {
  const anything = { weight: 1, arbitrary: fc.jsonValue() };
  if (Array.isArray(whole)) return fc.oneof({ weight: 12, arbitrary: fc.tuple(...whole.map(listed)) }, anything);
  if (typeof whole === 'object' && whole !== null) {
    const fields = Object.fromEntries(Object.entries(whole).map(([name, value]) => [name, listed(value)]));
    return fc.oneof({ weight: 12, arbitrary: fc.record(fields) }, anything);
  }
  return fc.oneof({ weight: 12, arbitrary: fc.constant(whole) }, anything);
};

const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: 1, memory: '2Gi' } };
const metadata = {
  name: 'web-1-x',
  namespace: 'shop',
  labels: { 'pod-template-hash': '1' },
  annotations: { 'watermark.tidemark.dev/pod-memory': 'high=0.95,low=x' },
  ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1', controller: true }],
};
const containers = [{ name: 'app', resources }];
const statuses = [
  {
    name: 'app',
    resources,
    allocatedResources: resources.requests,
    restartCount: 1,
    lastState: { terminated: { reason: 'OOMKilled' } },
  },
];
const current = { type: 'Resource', resource: { name: 'memory', current: { averageUtilization: 80 } } };

check(
  'whatever the API lists, what is kept of it can be measured',
  fc.property(
    listed({
      metadata,
      spec: {
        nodeName: 'n',
        resources,
        overhead: resources.requests,
        containers,
        initContainers: [{ ...containers[0], restartPolicy: 'Always' }],
      },
      status: {
        phase: 'Running',
        conditions: [{ type: 'PodResizePending', reason: 'Infeasible' }],
        containerStatuses: statuses,
        initContainerStatuses: statuses,
        resources,
        allocatedResources: resources.requests,
      },
    }),
    listed({
      metadata,
      timestamp: '2026-11-23T12:00:00Z',
      containers: [{ name: 'app', usage: { cpu: '1n', memory: '1Ki' } }],
    }),
    listed({ metadata: { name: 'n' }, status: { allocatable: { cpu: '4', memory: '8Gi' } } }),
    listed({ metadata: { name: 'n' }, timestamp: '2026-11-23T12:00:00Z', usage: { cpu: '1', memory: '1Gi' } }),
    listed({
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'web' },
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'memory', target: { averageUtilization: 80 } } },
          { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'app', target: {} } },
        ],
        behavior: { scaleUp: { selectPolicy: 'Max' } },
      },
      status: {
        currentReplicas: 1,
        currentMetrics: [current],
        conditions: [{ type: 'ScalingActive', status: 'False', reason: 'Why', message: 'so' }],
      },
    }),
    (pod, podMetrics, node, nodeMetrics, autoscaler) => {
      const only = <T>(kept: T | undefined): T[] => (kept === undefined ? [] : [kept]);
      const snapshot: ClusterSnapshot = {
        cluster: 'prod',
        at: 0,
        pods: only(podFields(pod)),
        podMetrics: only(podMetricsFields(podMetrics)),
        nodes: only(nodeFields(node)),
        nodeMetrics: only(nodeMetricsFields(nodeMetrics)),
        autoscalers: only(autoscalerFields(autoscaler)),
      };
      for (const gauge of ['pod-memory', 'pod-cpu', 'node-memory', 'node-cpu'] as const) {
        for (const per of ['pod', 'container'] as const) {
          for (const series of gauges[gauge].measure(snapshot as never, { gauge, per }).series) {
            assert.ok(series.value === undefined || series.value >= 0);
            for (const text of Object.values(series.describe?.([]) ?? {})) assert.equal(typeof text, 'string');
          }
        }
      }
    },
  ),
);

test('an answer that no text can be made of is refused with a reason', () => {
  const odd = { toString: null };
  for (const answer of [
    { status: 'error', error: odd },
    { status: 'success', data: { resultType: odd, result: [] } },
  ])
    assert.throws(() => valuesOf(answer, 'prometheus/x'), Failure);
});

check(
  'whatever Prometheus and CloudWatch answer, it is read or refused with a reason',
  fc.property(
    listed({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: { __name__: 'a', host: 'b' }, value: [1763899200.5, '1.5'] }] },
    }),
    listed({ MetricDataResults: [{ Id: 'value', Values: [1, 2], Timestamps: [1763899200, '2026-11-23T12:00:00Z'] }] }),
    (vector, metric) => {
      try {
        for (const { labels, value, at } of valuesOf(vector, 'prometheus/x')) {
          assert.ok(typeof value === 'number' && Number.isFinite(at));
          assert.ok(Object.values(labels).every((text) => typeof text === 'string'));
        }
      } catch (thrown) {
        assert.ok(thrown instanceof Failure, String(thrown));
      }
      try {
        const newest = newestOf(metric, 'cloudwatch/x');
        assert.ok(newest === undefined || Number.isFinite(newest.at));
      } catch (thrown) {
        assert.ok(thrown instanceof Failure, String(thrown));
      }
    },
  ),
);

const rules: fc.Arbitrary<Rule> = fc.record({
  high: fc.constantFrom(0.9, 0.8),
  low: fc.constantFrom(0.8, 0.5),
  forSeconds: fc.constantFrom(0, 1, 3),
  keepFiringForSeconds: fc.constantFrom(0, 2),
  noData: fc.constantFrom('keep' as const, 'ok' as const, 'alert' as const),
  noDataForSeconds: fc.constantFrom(0, 2),
  samples: fc.constantFrom(undefined, { atLeast: 2, of: 3 }),
  flap: fc.constantFrom(undefined, { clears: 2, windowSeconds: 60, quietSeconds: 10 }),
}) as fc.Arbitrary<Rule>;

const samples: fc.Arbitrary<readonly Sample[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        at: fc.integer({ min: 0, max: 120 }).map((second) => second * 1000),
        value: fc.constantFrom(0.4, 0.7, 0.85, 0.95, Number.NaN),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        at: fc.integer({ min: 0, max: 120 }).map((second) => second * 1000),
        value: fc.constant(undefined),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        at: fc.integer({ min: 0, max: 120 }).map((second) => second * 1000),
        error: fc.constant('down'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        at: fc.integer({ min: 0, max: 120 }).map((second) => second * 1000),
        value: fc.constant(undefined),
        gone: fc.constant('pod gone'),
      }),
    },
  ),
  { maxLength: 60 },
);

check(
  'in any order of samples: transitions form one chain, state survives storage, errors change nothing',
  fc.property(rules, samples, fc.boolean(), (rule, list, inOrder) => {
    let state: SeriesState = inactive;
    let stored: SeriesState = inactive;
    let phase: string = 'inactive';
    for (const sample of inOrder ? [...list].sort((a, b) => a.at - b.at) : list) {
      const step = evaluate(state, sample, rule, sample.at);
      const again = evaluate(stored, sample, rule, sample.at);
      assert.deepEqual(again.transition, step.transition, 'the stored state must decide as the live one');
      if ('error' in sample) assert.equal(step.state, state);
      if (step.transition !== undefined) {
        assert.equal(step.transition.from, phase);
        assert.notEqual(step.transition.from, step.transition.to);
        phase = step.transition.to;
      }
      assert.equal(step.state.phase, phase, 'no change without a transition');
      // Only what differs from before is ever written, so what is not new must be the very same object.
      if (step.state !== state) stored = JSON.parse(JSON.stringify(step.state)) as SeriesState;
      state = step.state;
    }
  }),
);
