import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { kubernetesCluster } from '../../lib/adapters/kubernetes.ts';
import type { ClusterConfig } from '../../lib/model/config/watermarks.ts';
import { Failure } from '../../lib/model/failure.ts';
import { type ApiFault, aRunningPod, type KubernetesApi, kubernetesApi } from '../support/kubernetes-api.ts';

const open: KubernetesApi[] = [];
after(() => Promise.all(open.map((api) => api.close())));

const anApi = async (...options: Parameters<typeof kubernetesApi>) => {
  const api = await kubernetesApi(...options);
  open.push(api);
  return api;
};

const aCluster = (config: ClusterConfig, env: Record<string, string> = {}) =>
  kubernetesCluster({ name: 'prod', config, secrets: async (reference) => `secret of ${reference}`, clock: () => 0, env });

const pods = { pods: true, nodes: false };

test('lists are read page by page to their end', async () => {
  const api = await anApi();
  for (let i = 0; i < 1201; i += 1) api.setUsage({ namespace: i % 2 === 0 ? 'a' : 'b', name: `pod-${i}` }, { memoryBytes: i });
  const { pods: listed, podMetrics } = await aCluster({ endpoint: api.url }).snapshot(pods);
  assert.equal(listed.length, 1201);
  assert.equal(new Set(listed.map(({ metadata }) => metadata.name)).size, 1201);
  assert.equal(podMetrics.length, 1201);
  assert.equal(api.requests.filter((path) => path.startsWith('/api/v1/pods')).length, 3);
});

test('only running pods and, if so configured, only one namespace are asked for', async () => {
  const api = await anApi();
  api.setUsage({ namespace: 'a', name: 'x' }, { memoryBytes: 1 });
  api.setUsage({ namespace: 'b', name: 'x' }, { memoryBytes: 1 });
  api.addPod({ ...aRunningPod('a', 'done'), status: { phase: 'Succeeded' } });
  const { pods: listed } = await aCluster({ endpoint: api.url, namespace: 'a' }).snapshot(pods);
  assert.deepEqual(listed.map(({ metadata }) => metadata.name), ['x']);
});

test('the bearer token comes from its secret or the environment', async () => {
  const api = await anApi({ token: 'secret of ssm:/k8s' });
  assert.deepEqual((await aCluster({ endpoint: api.url, tokenSecret: 'ssm:/k8s' }).snapshot(pods)).pods, []);
  await assert.rejects(aCluster({ endpoint: 'env:K8S', tokenSecret: 'env:TOKEN' }, { K8S: api.url, TOKEN: 'old' }).snapshot(pods), (thrown) => {
    assert.ok(thrown instanceof Failure);
    assert.equal(thrown.code, 'unauthorised');
    assert.match(thrown.message, /kubernetes\/prod \/api\/v1\/pods: the credentials are missing, wrong or expired \(HTTP 401/);
    return true;
  });
});

const faults: readonly [ApiFault, string, RegExp][] = [
  ['unauthorised', 'unauthorised', /HTTP 401/],
  ['forbidden', 'unauthorised', /do not allow this \(HTTP 403: pods is forbidden: User "tidemark" cannot list resource "pods"/],
  ['truncated', 'unavailable', /cut off/],
  ['garbled', 'unavailable', /not JSON or was cut off/],
  ['silent', 'timeout', /no answer within 150 ms/],
  ['metrics-down', 'unavailable', /metrics\.k8s\.io\/v1beta1\/pods: refused \(HTTP 503/],
];
for (const [fault, code, words] of faults) {
  test(`${fault}: the failure says what is wrong and where`, async () => {
    const api = await anApi();
    api.setUsage({ namespace: 'a', name: 'x' }, { memoryBytes: 1 });
    api.setFault(fault);
    await assert.rejects(aCluster({ endpoint: api.url, timeoutMs: 150 }).snapshot(pods), (thrown) => {
      assert.ok(thrown instanceof Failure);
      assert.equal(thrown.code, code);
      assert.match(thrown.message, words);
      return true;
    });
  });
}

test('an unreachable cluster and a missing variable are named', async () => {
  await assert.rejects(aCluster({ endpoint: 'http://127.0.0.1:1' }).snapshot(pods), /unavailable: kubernetes\/prod .*cannot be reached/);
  await assert.rejects(aCluster({ endpoint: 'env:NO_SUCH' }).snapshot(pods), /misconfigured: watermarks\.clusters\.prod\.endpoint: NO_SUCH is not set/);
});
