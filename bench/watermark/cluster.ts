/** A process of its own: an API server with thousands of pods in real shapes (HTTPS), and a DynamoDB. Prints where they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { Pod } from '../../lib/model/kubernetes-objects.ts';
import { kubernetesApi } from '../../test/support/kubernetes-api.ts';
import { createStateTable } from '../../test/support/state-table.ts';

const pods = Number(process.argv[2] ?? 5000);
/** Every so many pods one is too full. */
const fullEvery = 100;

const tlsFile = (name: string) => readFileSync(join(import.meta.dirname, '../../test/support/tls', name), 'utf8');
const api = await kubernetesApi({ tls: { key: tlsFile('server.key'), cert: tlsFile('server.pem') } });

/** As a Deployment's pod comes back from a real API server, managed fields, volumes, probes and conditions included: some 6 kB. */
const aRealPod = (index: number): Pod => {
  const name = `orders-${(index * 7919).toString(36)}-7d9f8c6b5d-${index.toString(36).padStart(5, '0')}`;
  const container = (container: string, limit: string) => ({
    name: container,
    image: `registry.example/shop/${container}:1.42.${index % 7}`,
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: 12 }, (_, n) => ({ name: `SETTING_${n}`, value: `value of setting ${n}` })),
    resources: { limits: { cpu: '500m', memory: limit }, requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: [
      { name: 'kube-api-access', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
    },
    readinessProbe: {
      httpGet: { path: '/readyz', port: 'http', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
    },
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
    securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
  });
  const status = (container: string) => ({
    name: container,
    state: { running: { startedAt: '2026-11-20T08:00:00Z' } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image: `registry.example/shop/${container}:1.42.0`,
    imageID: `registry.example/shop/${container}@sha256:${'ab'.repeat(32)}`,
    containerID: `containerd://${'cd'.repeat(32)}`,
    started: true,
  });
  return {
    metadata: {
      name,
      namespace: `team-${index % 20}`,
      uid: `00000000-0000-4000-8000-${index.toString().padStart(12, '0')}`,
      labels: { app: 'orders', 'pod-template-hash': '7d9f8c6b5d', 'app.kubernetes.io/part-of': 'shop' },
      annotations: { 'prometheus.io/scrape': 'true', 'kubectl.kubernetes.io/restartedAt': '2026-11-20T08:00:00Z' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'orders-7d9f8c6b5d', controller: true }],
      managedFields: ['kube-controller-manager', 'kubelet'].map((manager) => ({
        manager,
        operation: 'Update',
        apiVersion: 'v1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
          'f:status': { 'f:conditions': { 'k:{"type":"Ready"}': { '.': {} } } },
        },
      })),
    },
    spec: {
      nodeName: `node-${index % 100}`,
      containers: [container('app', '256Mi'), container('proxy', '128Mi')],
      volumes: [
        { name: 'kube-api-access', projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607 } }] } },
      ],
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
    },
    status: {
      phase: 'Running',
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: '2026-11-20T08:00:00Z',
      })),
      podIP: '10.0.0.1',
      containerStatuses: [status('app'), status('proxy')],
    },
  } as Pod;
};

for (let index = 0; index < pods; index += 1) {
  const pod = aRealPod(index);
  const { name, namespace = '' } = pod.metadata;
  api.addPod(pod);
  const fill = index % fullEvery === 0 ? 0.95 : 0.3 + (index % 50) / 100;
  api.setUsage({ namespace, name, container: 'app' }, { memoryBytes: fill * 256 * 2 ** 20 });
  api.setUsage({ namespace, name, container: 'proxy' }, { memoryBytes: 0.4 * 128 * 2 ** 20 });
}

const dynamo = dynalite({ createTableMs: 0 });
await new Promise<void>((resolve) => dynamo.listen(0, '127.0.0.1', resolve));
const endpoint = `http://127.0.0.1:${(dynamo.address() as { port: number }).port}`;
const client = new DynamoDBClient({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
});
await createStateTable(client);
while ((await client.send(new DescribeTableCommand({ TableName: 'state' }))).Table?.TableStatus !== 'ACTIVE') {
  await new Promise((resume) => setTimeout(resume, 20));
}
process.stdout.write(`${JSON.stringify({ api: api.url, dynamodb: endpoint })}\n`);
