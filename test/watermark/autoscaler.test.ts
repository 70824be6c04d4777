import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HorizontalPodAutoscaler, Pod } from '../../lib/model/kubernetes-objects.ts';
import { scalingBy } from '../../lib/watermark/autoscaler.ts';
import { evaluate, inactive, type Rule, type SeriesState } from '../../lib/watermark/evaluate.ts';
import { podUsage } from '../../lib/watermark/pod-usage.ts';

const aPod = (fields: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: {
    name: 'web-5d4f7c-abcde',
    namespace: 'shop',
    labels: { 'pod-template-hash': '5d4f7c' },
    ownerReferences: [{ kind: 'ReplicaSet', name: 'web-5d4f7c', controller: true }],
    ...fields,
  },
  spec: { containers: [{ name: 'app', resources: { limits: { memory: '200Mi' } } }] },
  status: { phase: 'Running' },
});

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Status = NonNullable<HorizontalPodAutoscaler['status']>;
const memory = { type: 'Resource', resource: { name: 'memory', target: { averageUtilization: 80 } } };
const seeing = (averageUtilization: number) => [
  { type: 'Resource', resource: { name: 'memory', current: { averageUtilization } } },
];

const aScaler = (spec: Spec = {}, status: Status = {}): HorizontalPodAutoscaler => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 10, metrics: [memory], ...spec },
  status: { currentReplicas: 3, ...status },
});

const scaling = (scaler: HorizontalPodAutoscaler, pod = aPod(), container?: string) =>
  scalingBy([scaler], 'memory')(pod, container);

test('an autoscaler is relied on while it scales on the resource and still can', () => {
  const of3 = 'HorizontalPodAutoscaler web (3 of at most 10 replicas)';
  const condition = (type: string, status: string) => ({ type, status, reason: 'Why', message: 'so' });
  const cases: readonly [HorizontalPodAutoscaler, boolean, string][] = [
    [aScaler(), true, `${of3} has room to scale`],
    [
      aScaler({}, { currentMetrics: seeing(85) }),
      true,
      `${of3} has room to scale; it sees 85 % of requests, its target is 80 %`,
    ],
    [aScaler({}, { currentMetrics: seeing(72) }), true, 'within the tolerance of 10 %'],
    [
      aScaler({}, { currentMetrics: seeing(71) }),
      false,
      `${of3} will not scale: on average it sees 71 % of requests, its target is 80 %`,
    ],
    [
      aScaler({}, { currentReplicas: 10 }),
      false,
      'HorizontalPodAutoscaler web (10 of at most 10 replicas) is at its maximum',
    ],
    [aScaler({}, { currentReplicas: 9 }), true, 'one below its maximum'],
    [aScaler({ metrics: [{ type: 'Resource', resource: { name: 'cpu' } }] }), false, `${of3} does not scale on memory`],
    [aScaler({ metrics: [{ type: 'External' }] }), false, `${of3} does not scale on memory`],
    [
      aScaler({}, { conditions: [condition('AbleToScale', 'True'), condition('ScalingActive', 'False')] }),
      false,
      `${of3} cannot act: Why: so`,
    ],
    [aScaler({}, { conditions: [condition('ScalingLimited', 'True')] }), true, 'limited is not unable'],
    [
      aScaler({ behavior: { scaleUp: { selectPolicy: 'Disabled' } } }),
      false,
      `${of3} cannot act: scaling up is disabled`,
    ],
    [aScaler({}, { currentMetrics: null }), true, 'a new one has seen nothing yet'],
  ];
  for (const [scaler, acts, words] of cases) {
    const found = scaling(scaler);
    assert.equal(found?.acts, acts, words);
    if (words.startsWith('Horizontal')) assert.equal(found?.words, words);
  }
});

test('the autoscaler of a pod is found by the controller of its controller', () => {
  const target = (kind: string, name: string) => aScaler({ scaleTargetRef: { kind, name } });
  const owned = (kind: string, name: string, labels: Record<string, string> = {}) =>
    aPod({ labels, ownerReferences: [{ kind, name, controller: true }] });
  assert.ok(scaling(target('StatefulSet', 'db'), owned('StatefulSet', 'db')));
  assert.ok(
    scaling(target('Rollout', 'web'), owned('ReplicaSet', 'web-77', { 'rollouts-pod-template-hash': '77' })),
    'an Argo Rollout',
  );
  assert.ok(scaling(target('ReplicaSet', 'bare'), owned('ReplicaSet', 'bare')));
  assert.equal(scaling(target('Deployment', 'other')), undefined);
  assert.equal(scaling(aScaler(), aPod({ namespace: 'other' })), undefined);
  assert.equal(scaling(aScaler(), aPod({ ownerReferences: [] })), undefined);
  assert.equal(
    scaling(aScaler(), aPod({ ownerReferences: [{ kind: 'ReplicaSet', name: 'web-5d4f7c' }] })),
    undefined,
    'an owner that is not its controller',
  );
});

test('one that scales on a container speaks for that container only', () => {
  const scaler = aScaler({
    metrics: [{ type: 'ContainerResource', containerResource: { name: 'memory', container: 'app' } }],
  });
  assert.equal(scaling(scaler, aPod(), 'app')?.acts, true);
  assert.equal(scaling(scaler, aPod(), 'proxy')?.acts, false);
});

const snapshot = (scaler: HorizontalPodAutoscaler | undefined, usedMi: number) => ({
  cluster: 'prod',
  at: 0,
  pods: [aPod()],
  podMetrics: [{ metadata: aPod().metadata, containers: [{ name: 'app', usage: { memory: `${usedMi}Mi` } }] }],
  autoscalers: scaler === undefined ? [] : [scaler],
});

test('the alert of a scaled workload says what its autoscaler does, and suggests no size', () => {
  const [series] = podUsage(snapshot(aScaler({}, { currentReplicas: 10 }), 190), 'memory', {
    gauge: 'pod-memory',
  }).series;
  assert.equal(series?.excused, undefined);
  const said = series?.describe?.([]);
  assert.equal(said?.['autoscaler'], 'HorizontalPodAutoscaler web (10 of at most 10 replicas) is at its maximum');
  assert.match(said?.['right_size'] ?? '', /^none: web scales this workload on memory/);
  const [left] = podUsage(snapshot(aScaler(), 190), 'memory', { gauge: 'pod-memory' }).series;
  assert.equal(left?.excused, 'is left to its autoscaler');
  assert.equal(left?.value, 0.95, 'it is measured all the same');
  const [alone] = podUsage(snapshot(undefined, 190), 'memory', { gauge: 'pod-memory' }).series;
  assert.match(alone?.describe?.([])['right_size'] ?? '', /^limit of at least 219Mi: largest use and 15 %/);
});

test('an excused series does not begin to fire, and one that fires clears after its hold', () => {
  const rule: Rule = { high: 0.9, low: 0.8, forSeconds: 60, keepFiringForSeconds: 60, noData: 'keep' };
  let state: SeriesState = inactive;
  const at = (seconds: number, excused?: string) => {
    const step = evaluate(state, { at: seconds * 1000, value: 0.95, excused }, rule, seconds * 1000);
    state = step.state;
    return step.transition && `${step.transition.from} ${step.transition.to}: ${step.transition.reason}`;
  };
  const why = 'is left to its autoscaler';
  assert.equal(at(0, why), undefined);
  assert.equal(at(30), 'inactive pending: is above high');
  assert.equal(at(60, why), 'pending inactive: is left to its autoscaler');
  at(90);
  assert.equal(at(150), 'pending firing: is above high for 60 s');
  assert.equal(at(180, why), undefined, 'the hold begins');
  assert.equal(at(210), undefined, 'and ends with the excuse');
  assert.equal(at(240, why), undefined);
  assert.equal(at(300, why), 'firing inactive: is left to its autoscaler for 60 s');
});
