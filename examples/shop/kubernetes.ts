import { createServer } from 'node:http';

/** The cluster that the shop's inventory runs in: a Kubernetes API with one pod, in the shapes of core/v1 and metrics.k8s.io/v1beta1. */
export const startCluster = async (options: { readonly clock: () => number; readonly token: string }) => {
  const { clock, token } = options;
  const limitBytes = 512 * 1024 * 1024;
  let memoryBytes = limitBytes * 0.4;
  let metricsRequests = 0;
  const time = (at = clock()) => new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
  const started = time();
  const metadata = {
    name: 'inventory-0',
    namespace: 'shop',
    uid: 'b1f1c9a0-0000-4000-8000-000000000001',
    labels: { app: 'inventory' },
  };
  const pod = () => ({
    metadata: { ...metadata, creationTimestamp: started },
    spec: {
      nodeName: 'node-1',
      containers: [
        {
          name: 'app',
          image: 'shop/inventory:1',
          resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { cpu: '1', memory: '512Mi' } },
        },
      ],
    },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'app', ready: true, restartCount: 0, state: { running: { startedAt: started } } }],
    },
  });
  const metrics = () => ({
    metadata: { name: metadata.name, namespace: metadata.namespace, creationTimestamp: time() },
    timestamp: time(),
    window: '15s',
    containers: [{ name: 'app', usage: { cpu: '137000000n', memory: `${Math.round(memoryBytes / 1024)}Ki` } }],
  });
  const node = { metadata: { name: 'node-1' }, status: { allocatable: { cpu: '4', memory: '16Gi', pods: '110' } } };
  const lists: Readonly<Record<string, () => unknown>> = {
    '/api/v1/pods': () => ({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [pod()] }),
    '/api/v1/nodes': () => ({ kind: 'NodeList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [node] }),
    '/apis/metrics.k8s.io/v1beta1/pods': () => {
      metricsRequests += 1;
      return { kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items: [metrics()] };
    },
    '/apis/metrics.k8s.io/v1beta1/nodes': () => ({
      kind: 'NodeMetricsList',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {},
      items: [],
    }),
    '/apis/autoscaling/v2/horizontalpodautoscalers': () => ({
      kind: 'HorizontalPodAutoscalerList',
      apiVersion: 'autoscaling/v2',
      metadata: {},
      items: [],
    }),
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const status = (code: number, reason: string) => ({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason,
      code,
    });
    const list = Object.hasOwn(lists, pathname) ? lists[pathname] : undefined;
    const [code, body] =
      request.headers.authorization !== `Bearer ${token}`
        ? [401, status(401, 'Unauthorized')]
        : list === undefined
          ? [404, status(404, 'NotFound')]
          : [200, list()];
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    /** Sets the pod's working set as a share of its limit. */
    setMemory: (share: number) => {
      memoryBytes = limitBytes * share;
    },
    readings: () => metricsRequests,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};
