import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
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
  kubernetesCluster({
    name: 'prod',
    config,
    secrets: async (reference) => `secret of ${reference}`,
    clock: () => 0,
    env,
  });

const pods = { pods: true, nodes: false };

test('lists are read page by page to their end', async () => {
  const api = await anApi();
  for (let i = 0; i < 1201; i += 1)
    api.setUsage({ namespace: i % 2 === 0 ? 'a' : 'b', name: `pod-${i}` }, { memoryBytes: i });
  const { pods: listed, podMetrics } = await aCluster({ endpoint: api.url }).snapshot(pods);
  assert.equal(listed.length, 1201);
  assert.equal(new Set(listed.map(({ metadata }) => metadata.name)).size, 1201);
  assert.equal(podMetrics.length, 1201);
  assert.equal(api.requests.filter((path) => path.startsWith('/api/v1/pods')).length, 3);
});

test('a list that expires between two pages is read again from its beginning, once', async () => {
  const api = await anApi();
  for (let i = 0; i < 600; i += 1) api.setUsage({ namespace: 'a', name: `pod-${i}` }, { memoryBytes: i });
  api.setFault('expired');
  const { pods: listed } = await aCluster({ endpoint: api.url }).snapshot(pods);
  assert.equal(listed.length, 600);
  assert.equal(new Set(listed.map(({ metadata }) => metadata.name)).size, 600);
  assert.equal(api.requests.filter((path) => path.startsWith('/api/v1/pods')).length, 4);
});

test('of metadata only what is read is kept', async () => {
  const api = await anApi();
  const annotations = { 'watermark.tidemark.dev/pod-memory': 'off', 'last-applied': 'x'.repeat(1000) };
  const labels = { app: 'x', 'pod-template-hash': '1', 'rollouts-pod-template-hash': '2' };
  const pod = aRunningPod('a', 'x');
  api.addPod({ ...pod, metadata: { ...pod.metadata, annotations, labels } });
  const [kept] = (await aCluster({ endpoint: api.url }).snapshot(pods)).pods;
  assert.deepEqual(Object.keys(kept?.metadata.annotations ?? {}), ['watermark.tidemark.dev/pod-memory']);
  assert.deepEqual(Object.keys(kept?.metadata.labels ?? {}), ['pod-template-hash', 'rollouts-pod-template-hash']);
});

test('only running pods and, if so configured, only one namespace are asked for', async () => {
  const api = await anApi();
  api.setUsage({ namespace: 'a', name: 'x' }, { memoryBytes: 1 });
  api.setUsage({ namespace: 'b', name: 'x' }, { memoryBytes: 1 });
  api.addPod({ ...aRunningPod('a', 'done'), status: { phase: 'Succeeded' } });
  const { pods: listed } = await aCluster({ endpoint: api.url, namespace: 'a' }).snapshot(pods);
  assert.deepEqual(
    listed.map(({ metadata }) => metadata.name),
    ['x'],
  );
});

test('the bearer token comes from its secret or the environment', async () => {
  const api = await anApi({ token: 'secret of ssm:/k8s' });
  assert.deepEqual((await aCluster({ endpoint: api.url, tokenSecret: 'ssm:/k8s' }).snapshot(pods)).pods, []);
  await assert.rejects(
    aCluster({ endpoint: 'env:K8S', tokenSecret: 'env:TOKEN' }, { K8S: api.url, TOKEN: 'old' }).snapshot(pods),
    (thrown) => {
      assert.ok(thrown instanceof Failure);
      assert.equal(thrown.code, 'unauthorised');
      assert.match(
        thrown.message,
        /kubernetes\/prod \/api\/v1\/pods: the credentials are missing, wrong or expired \(HTTP 401/,
      );
      return true;
    },
  );
});

const faults: readonly [ApiFault, string, RegExp][] = [
  ['unauthorised', 'unauthorised', /HTTP 401: Unauthorized\); has the token of tokenSecret expired\?$/],
  [
    'no-metrics',
    'not-found',
    /metrics\.k8s\.io\/v1beta1\/pods: there is no such thing \(HTTP 404\); does metrics-server run/,
  ],
  [
    'forbidden',
    'unauthorised',
    /do not allow this \(HTTP 403: pods is forbidden: User "tidemark" cannot list resource "pods".*; its role needs the ClusterRole of docs\/guides\/watermarks\.md$/,
  ],
  ['truncated', 'unavailable', /cut off/],
  ['garbled', 'unavailable', /not JSON or was cut off/],
  ['silent', 'timeout', /no answer within 150 ms/],
  [
    'metrics-down',
    'unavailable',
    /metrics\.k8s\.io\/v1beta1\/pods: refused \(HTTP 503\); does metrics-server run there\?$/,
  ],
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

test('a role that may not list autoscalers does without them, and what is lost is told once', async () => {
  const api = await anApi();
  api.setUsage({ namespace: 'a', name: 'x' }, { memoryBytes: 1 });
  api.addAutoscaler({ metadata: { namespace: 'a', name: 'x', labels: { big: 'x' } }, spec: { maxReplicas: 3 } });
  const cluster = aCluster({ endpoint: api.url });
  const [scaler] = (await cluster.snapshot(pods)).autoscalers ?? [];
  assert.deepEqual([scaler?.metadata, scaler?.spec?.maxReplicas], [{ namespace: 'a', name: 'x' }, 3]);
  api.setFault('autoscalers-forbidden');
  const { pods: listed, autoscalers, unread } = await cluster.snapshot(pods);
  assert.equal(listed.length, 1);
  assert.deepEqual(autoscalers, []);
  assert.match(
    unread?.join() ?? '',
    /^unauthorised: kubernetes\/prod \/apis\/autoscaling\/v2\/horizontalpodautoscalers: .*HTTP 403: horizontalpodautoscalers is forbidden.*; which workloads have an autoscaler is not known$/,
  );
  assert.deepEqual((await cluster.snapshot(pods)).unread, []);
});

test('the ClusterRole that users are given allows exactly the lists that are read', async () => {
  const api = await anApi();
  await aCluster({ endpoint: api.url }).snapshot({ pods: true, nodes: true });
  const asked = api.requests.map((path) => path.replace(/\?.*/, '').replace(/^\/apis?\//, ''));
  const file = readFileSync(join(import.meta.dirname, '../../ops/kubernetes/tidemark-reader.yaml'), 'utf8');
  const [role, binding] = parseAllDocuments(file).map((document) => document.toJS());
  const allowed = role.rules.flatMap(
    ({ apiGroups, resources, verbs }: Record<'apiGroups' | 'resources' | 'verbs', string[]>) => {
      assert.deepEqual(verbs, ['list']);
      return apiGroups.flatMap((group) => resources.map((resource) => `${group} ${resource}`));
    },
  );
  const needed = asked.map((path) => {
    const parts = path.split('/');
    return `${parts.length === 2 ? '' : parts[0]} ${parts.at(-1)}`;
  });
  assert.deepEqual([...new Set(needed)].sort(), allowed.sort());
  assert.equal(binding.roleRef.name, role.metadata.name);
});

test('an unreachable cluster and a missing variable are named', async () => {
  await assert.rejects(
    aCluster({ endpoint: 'http://127.0.0.1:1' }).snapshot(pods),
    /unavailable: kubernetes\/prod .*cannot be reached/,
  );
  await assert.rejects(
    aCluster({ endpoint: 'env:NO_SUCH' }).snapshot(pods),
    /misconfigured: watermarks\.clusters\.prod\.endpoint: NO_SUCH is not set/,
  );
});

const tlsFile = (name: string) => readFileSync(join(import.meta.dirname, '../support/tls', name), 'utf8');
const tls = { key: tlsFile('server.key'), cert: tlsFile('server.pem') };

test('a private certificate authority is trusted only where it is configured', async () => {
  const api = await anApi({ tls });
  assert.deepEqual((await aCluster({ endpoint: api.url, ca: tlsFile('ca.pem') }).snapshot(pods)).pods, []);
  const base64 = Buffer.from(tlsFile('ca.pem')).toString('base64');
  assert.deepEqual((await aCluster({ endpoint: api.url, ca: base64 }).snapshot(pods)).pods, []);
  await assert.rejects(
    aCluster({ endpoint: api.url }).snapshot(pods),
    /its certificate is not trusted .*is the configured certificate authority the right one/,
  );
});

test('a client certificate is presented', async () => {
  const api = await anApi({ tls: { ...tls, ca: tlsFile('ca.pem'), requestCert: true } });
  const config = { endpoint: api.url, ca: tlsFile('ca.pem') };
  const withCertificate = kubernetesCluster({
    name: 'prod',
    config: { ...config, certificateSecret: 'ssm:/client.pem', keySecret: 'ssm:/client.key' },
    secrets: async (reference) => tlsFile(reference.slice('ssm:/'.length)),
    clock: () => 0,
    env: {},
  });
  assert.deepEqual((await withCertificate.snapshot(pods)).pods, []);
  await assert.rejects(aCluster(config).snapshot(pods), /unavailable/);
});

test('an EKS cluster is found by DescribeCluster and entered with a presigned STS token', async () => {
  const api = await anApi({ tls });
  const eks: { path: string; authorization: string }[] = [];
  const describe = createServer((request, response) => {
    eks.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '' });
    response.end(
      JSON.stringify({
        cluster: {
          endpoint: api.url,
          certificateAuthority: { data: Buffer.from(tlsFile('ca.pem')).toString('base64') },
        },
      }),
    );
  });
  await new Promise<void>((resolve) => describe.listen(0, '127.0.0.1', resolve));
  after(() => describe.close());
  const { port } = describe.address() as AddressInfo;
  let now = Date.parse('2026-11-23T12:00:00Z');
  const cluster = kubernetesCluster({
    name: 'prod',
    config: { eks: 'my cluster' },
    secrets: async () => '',
    clock: () => now,
    env: {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'session/+=',
      AWS_ENDPOINT_URL_EKS: `http://127.0.0.1:${port}`,
    },
  });
  await cluster.snapshot(pods);
  await cluster.snapshot(pods);
  assert.equal(eks.length, 1, 'the description is kept');
  assert.equal(eks[0]?.path, '/clusters/my%20cluster');
  assert.match(
    eks[0]?.authorization ?? '',
    /Credential=AKIDEXAMPLE\/20261123\/eu-central-1\/eks\/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token/,
  );
  const tokens = new Set(api.authorizations);
  assert.equal(tokens.size, 1, 'the token is kept');
  const [token = ''] = tokens;
  assert.match(token, /^Bearer k8s-aws-v1\.[A-Za-z0-9_-]+$/);
  const url = new URL(Buffer.from(token.slice('Bearer k8s-aws-v1.'.length), 'base64url').toString());
  assert.equal(url.host, 'sts.eu-central-1.amazonaws.com');
  assert.equal(url.searchParams.get('Action'), 'GetCallerIdentity');
  assert.equal(url.searchParams.get('X-Amz-Expires'), '60');
  assert.equal(url.searchParams.get('X-Amz-SignedHeaders'), 'host;x-k8s-aws-id');
  assert.equal(url.searchParams.get('X-Amz-Security-Token'), 'session/+=');
  now += 15 * 60_000;
  await cluster.snapshot(pods);
  assert.equal(new Set(api.authorizations).size, 2, 'an old token is not used any more');
});
