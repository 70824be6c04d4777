import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type {
  HorizontalPodAutoscaler,
  Node,
  NodeMetrics,
  Pod,
  PodMetrics,
} from '../../lib/model/kubernetes-objects.ts';

/** What can go wrong with an API server. */
export type ApiFault =
  | 'unauthorised' // 401: the token has expired
  | 'forbidden' // 403: the role does not allow it
  | 'autoscalers-forbidden' // 403: the role may list everything but autoscalers
  | 'expired' // 410, once, to the second page of a list
  | 'no-metrics' // 404: there is no metrics-server
  | 'truncated' // the connection ends in the middle of the answer
  | 'garbled' // 200, but the JSON is cut
  | 'silent' // no answer at all
  | 'metrics-down'; // 503 from the aggregated metrics API only

export interface KubernetesApi {
  readonly url: string;
  /** Memory (bytes) and cpu (cores) of one container from now on; a pod that is not known is made. */
  readonly setUsage: (
    pod: { readonly namespace: string; readonly name: string; readonly container?: string },
    usage: { readonly memoryBytes: number; readonly cpuCores?: number },
  ) => void;
  readonly addPod: (pod: Pod) => void;
  readonly removePod: (namespace: string, name: string) => void;
  readonly addNode: (node: Node, usage?: { readonly memoryBytes: number; readonly cpuCores: number }) => void;
  readonly addAutoscaler: (autoscaler: HorizontalPodAutoscaler) => void;
  readonly setFault: (fault: ApiFault | undefined) => void;
  /** Paths with queries as they were asked, oldest first. */
  readonly requests: string[];
  /** The `authorization` header of each. */
  readonly authorizations: string[];
  readonly close: () => Promise<void>;
}

/**
 * A Kubernetes API server on 127.0.0.1 that answers lists of core/v1 pods and nodes, metrics.k8s.io/v1beta1 pods and nodes, and
 * autoscaling/v2 horizontalpodautoscalers as the real one does: pages by `limit` and `continue` (core and autoscaling; the metrics
 * API answers whole), `fieldSelector=status.phase=…`, namespaces, gzip, `Status` objects for refusals.
 */
export const kubernetesApi = async (
  options: {
    readonly tls?: {
      readonly key: string;
      readonly cert: string;
      readonly ca?: string;
      readonly requestCert?: boolean;
    };
    /** Only this bearer token is let in. @default everybody */
    readonly token?: string;
    readonly clock?: () => number;
    /** Metrics are as old as this grid, as metrics-server scrapes every 15 s. @default 1: always fresh */
    readonly resolutionSeconds?: number;
  } = {},
): Promise<KubernetesApi> => {
  const { tls, token, clock = () => Date.now(), resolutionSeconds = 1 } = options;
  const pods = new Map<string, Pod>();
  const nodes = new Map<string, Node>();
  const usage = new Map<string, Map<string, { memoryBytes: number; cpuCores: number }>>();
  const nodeUsage = new Map<string, { memoryBytes: number; cpuCores: number }>();
  const autoscalers: HorizontalPodAutoscaler[] = [];
  const requests: string[] = [];
  const authorizations: string[] = [];
  let fault: ApiFault | undefined;

  const stamp = () => {
    const seconds = Math.floor(clock() / 1000 / resolutionSeconds) * resolutionSeconds;
    return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
  };
  const amounts = ({ memoryBytes, cpuCores }: { memoryBytes: number; cpuCores: number }) => ({
    cpu: `${Math.round(cpuCores * 1e9)}n`,
    memory: `${Math.round(memoryBytes / 1024)}Ki`,
  });
  const podMetrics = (): PodMetrics[] =>
    [...pods.values()].flatMap((pod) => {
      const used = usage.get(keyOf(pod.metadata));
      if (used === undefined || pod.status?.phase !== 'Running') return [];
      const containers = [...used].map(([name, each]) => ({ name, usage: amounts(each) }));
      const { name, namespace = 'default', labels = {} } = pod.metadata;
      return [{ metadata: { name, namespace, labels }, timestamp: stamp(), window: '15.012s', containers }];
    });
  const nodeMetrics = (): NodeMetrics[] =>
    [...nodeUsage].map(([name, each]) => ({
      metadata: { name },
      timestamp: stamp(),
      window: '20.031s',
      usage: amounts(each),
    }));

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://api');
    requests.push(request.url ?? '/');
    authorizations.push(request.headers.authorization ?? '');
    const send = (status: number, body: unknown) => {
      const text = JSON.stringify(body);
      if (fault === 'truncated') {
        response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
        response.write(text.slice(0, text.length / 2), () => response.destroy());
        return;
      }
      const sent = Buffer.from(fault === 'garbled' ? text.slice(0, text.length / 2) : text);
      const zips = request.headers['accept-encoding']?.includes('gzip') === true && sent.length > 128 * 1024;
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(zips ? { 'content-encoding': 'gzip' } : {}),
      });
      response.end(zips ? gzipSync(sent, { level: 1 }) : sent);
    };
    const refuse = (code: number, reason: string, message: string) =>
      send(code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
    if (fault === 'silent') return;
    const isAllowed = token === undefined || request.headers.authorization === `Bearer ${token}`;
    if (fault === 'unauthorised' || !isAllowed) return void refuse(401, 'Unauthorized', 'Unauthorized');
    const path = /^(\/api\/v1|\/apis\/[\w.]+\/\w+)(?:\/namespaces\/([^/]+))?\/(\w+)$/.exec(url.pathname);
    const [, group = '', namespace, plural = ''] = path ?? [];
    if (fault === 'forbidden' || (fault === 'autoscalers-forbidden' && group.startsWith('/apis/autoscaling/'))) {
      return void refuse(
        403,
        'Forbidden',
        `${plural} is forbidden: User "tidemark" cannot list resource "${plural}" at the cluster scope`,
      );
    }
    const isMetrics = group === '/apis/metrics.k8s.io/v1beta1';
    if (fault === 'expired' && url.searchParams.has('continue')) {
      fault = undefined;
      return void refuse(410, 'Expired', 'The provided continue parameter is too old');
    }
    if (isMetrics && fault === 'no-metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end('404 page not found\n');
      return;
    }
    if (isMetrics && fault === 'metrics-down') {
      response.writeHead(503, { 'content-type': 'text/plain' });
      response.end('service unavailable\n');
      return;
    }
    const lists: Record<
      string,
      readonly [kind: string, apiVersion: string, items: () => readonly { metadata: { namespace?: string } }[]]
    > = {
      '/api/v1 pods': ['PodList', 'v1', () => [...pods.values()]],
      '/api/v1 nodes': ['NodeList', 'v1', () => [...nodes.values()]],
      '/apis/metrics.k8s.io/v1beta1 pods': ['PodMetricsList', 'metrics.k8s.io/v1beta1', podMetrics],
      '/apis/metrics.k8s.io/v1beta1 nodes': ['NodeMetricsList', 'metrics.k8s.io/v1beta1', nodeMetrics],
      '/apis/autoscaling/v2 horizontalpodautoscalers': [
        'HorizontalPodAutoscalerList',
        'autoscaling/v2',
        () => autoscalers,
      ],
    };
    const found = lists[`${group} ${plural}`];
    if (found === undefined) return void refuse(404, 'NotFound', 'the server could not find the requested resource');
    const [kind, apiVersion, all] = found;
    const phase = /^status\.phase=(\w+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
    const items = all().filter(
      (item) =>
        (namespace === undefined || item.metadata.namespace === namespace) &&
        (phase === undefined || (item as Pod).status?.phase === phase),
    );
    const limit = isMetrics ? items.length : Number(url.searchParams.get('limit') ?? items.length);
    const from = Number(Buffer.from(url.searchParams.get('continue') ?? '', 'base64url').toString() || 0);
    const to = Math.min(items.length, from + limit);
    const more = to < items.length;
    send(200, {
      kind,
      apiVersion,
      metadata: {
        resourceVersion: '1',
        ...(more
          ? { continue: Buffer.from(String(to)).toString('base64url'), remainingItemCount: items.length - to }
          : {}),
      },
      items: items.slice(from, to),
    });
  };

  const server = tls === undefined ? createHttp(answer) : createHttps(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const addPod = (pod: Pod) => void pods.set(keyOf(pod.metadata), pod);
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    authorizations,
    addPod,
    setUsage: ({ namespace, name, container }, { memoryBytes, cpuCores = 0.01 }) => {
      const key = keyOf({ namespace, name });
      if (!pods.has(key)) addPod(aRunningPod(namespace, name, container ?? 'app'));
      const of = usage.get(key) ?? new Map();
      of.set(container ?? pods.get(key)?.spec?.containers?.[0]?.name ?? 'app', { memoryBytes, cpuCores });
      usage.set(key, of);
    },
    removePod: (namespace, name) => {
      pods.delete(keyOf({ namespace, name }));
      usage.delete(keyOf({ namespace, name }));
    },
    addNode: (node, used) => {
      nodes.set(node.metadata.name, node);
      if (used !== undefined) nodeUsage.set(node.metadata.name, used);
    },
    addAutoscaler: (autoscaler) => void autoscalers.push(autoscaler),
    setFault: (next) => {
      fault = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

/** A pod as the API lists it: one container with a request of 100 Mi and a limit of 200 Mi. */
export const aRunningPod = (
  namespace: string,
  name: string,
  container = 'app',
  memory: { readonly request: string; readonly limit: string } = { request: '100Mi', limit: '200Mi' },
): Pod => ({
  metadata: { name, namespace, labels: { app: name } },
  spec: {
    nodeName: 'node-1',
    containers: [
      {
        name: container,
        resources: { requests: { cpu: '100m', memory: memory.request }, limits: { cpu: '500m', memory: memory.limit } },
      },
    ],
  },
  status: { phase: 'Running', containerStatuses: [{ name: container, restartCount: 0 }] },
});

const keyOf = ({ namespace = 'default', name }: { readonly namespace?: string; readonly name: string }) =>
  `${namespace}/${name}`;
