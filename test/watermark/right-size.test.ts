import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStatus, Pod } from '../../lib/model/kubernetes-objects.ts';
import { describeUsage, rightSize } from '../../lib/watermark/right-size.ts';

const mi = 2 ** 20;
const ramp = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

test('memory is the largest use and 15 %, 25 % where that did not save it from an OOM kill', () => {
  assert.deepEqual(rightSize([100, 200, 150], 'memory', false), {
    amount: 200 * 1.15,
    reason: 'largest use and 15 %, from 3 of the 100 points that a good estimate needs',
  });
  assert.deepEqual(rightSize(ramp(100), 'memory', true), {
    amount: 125,
    reason: 'largest use and 25 %, since it was OOM-killed, from 100 points',
  });
});

test('cpu is the 95th percentile, by nearest rank', () => {
  assert.equal(rightSize(ramp(100), 'cpu', false).amount, 95);
  assert.equal(rightSize(ramp(99), 'cpu', false).amount, 95);
  assert.equal(rightSize([3], 'cpu', true).amount, 3);
  assert.match(rightSize(ramp(99), 'cpu', false).reason, /from 99 of the 100 points/);
  assert.match(rightSize(ramp(100), 'cpu', false).reason, /from 100 points$/);
});

const said = (
  resource: 'memory' | 'cpu',
  fill: { used: number; of: number; basis: 'limit' | 'request' | 'node allocatable' },
  status: Partial<ContainerStatus> = {},
) => {
  const pod: Pod = { metadata: { name: 'a' }, status: { containerStatuses: [{ name: 'app', ...status }] } };
  const recent = [{ at: 0, value: fill.used / fill.of }];
  return describeUsage({ fill: { container: 'app', ...fill }, resource, pod, recent, scaling: undefined });
};

test('an alert says amounts as Kubernetes writes them, what they are compared with, and how the container ended before', () => {
  const lastState = { terminated: { reason: 'OOMKilled' } };
  assert.deepEqual(said('memory', { used: 190 * mi, of: 200 * mi, basis: 'limit' }, { restartCount: 4, lastState }), {
    basis: 'limit',
    used: '190Mi',
    capacity: '200Mi',
    container: 'app',
    last_termination: 'OOMKilled',
    restarts: '4',
    right_size:
      'limit of at least 238Mi: largest use and 25 %, since it was OOM-killed, from 1 of the 100 points that a good estimate needs',
  });
  const large = said('memory', { used: 1900 * mi, of: 2000 * mi, basis: 'request' });
  assert.equal(large['used'], '1.86Gi');
  assert.match(large['right_size'] ?? '', /^request and limit of at least 2\.13Gi: largest use and 15 %/);
  const busy = said('cpu', { used: 0.95, of: 1, basis: 'limit' });
  assert.deepEqual([busy['used'], busy['capacity']], ['950m', '1000m']);
  assert.match(busy['right_size'] ?? '', /^request of at least 950m: 95th percentile of use/);
  const unbounded = said('memory', { used: mi, of: 10 * mi, basis: 'node allocatable' });
  assert.equal(unbounded['basis'], 'node allocatable');
});
