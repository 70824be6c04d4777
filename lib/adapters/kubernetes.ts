import type { ClusterConfig } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { ClusterSnapshot } from '../model/kubernetes-objects.ts';
import type { Clock, Secrets } from '../model/ports.ts';
import { requestJson } from './json-request.ts';
import { autoscalerFields, nodeFields, nodeMetricsFields, podFields, podMetricsFields } from './kubernetes-fields.ts';

export interface KubernetesOptions {
  /** The label `cluster`, and how failures name it. */
  readonly name: string;
  readonly config: ClusterConfig;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads pods, nodes, their metrics and autoscalers of one cluster, in pages, without a Kubernetes client library. */
export const kubernetesCluster = (options: KubernetesOptions) => {
  const { name, config, clock } = options;
  const connection = connectionOf(options);
  const timeoutMs = config.timeoutMs ?? 10_000;
  const told = new Set<string>();
  const listOnce = async <T>(path: string, keep: Keep<T>, query: string): Promise<T[]> => {
    const where = `kubernetes/${name} ${path}`;
    const items: T[] = [];
    let next = '';
    do {
      const { endpoint, headers, ...tls } = await connection();
      const url = `${endpoint}${path}?limit=${pageSize}${query}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`;
      const onItem = (item: unknown) => {
        const kept = keep(item);
        if (kept !== undefined) items.push(kept);
      };
      const page = await requestJson({ url, headers, timeoutMs, where, onItem, ...tls });
      const { items: isList, metadata } = (page ?? {}) as { items?: unknown; metadata?: { continue?: unknown } };
      if (!Array.isArray(isList)) throw new Failure('unavailable', 'the answer is no list of items', { where });
      const token = metadata?.continue;
      if (typeof token === 'string' && token !== '' && token === next) {
        throw new Failure('unavailable', 'the list does not end: the same page was offered twice', { where });
      }
      next = typeof token === 'string' ? token : '';
    } while (next !== '');
    return items;
  };
  const list = async <T>(path: string, keep: Keep<T>, query = ''): Promise<T[]> => {
    try {
      return await listOnce(path, keep, query).catch((thrown: unknown) => {
        // 410: between two pages the snapshot that they are cut from was compacted away. From the beginning, once.
        if (thrown instanceof Failure && thrown.code === 'conflict') return listOnce(path, keep, query);
        throw thrown;
      });
    } catch (thrown) {
      throw withHint(thrown, path, config);
    }
  };
  const inNamespace = (group: string, plural: string): string =>
    config.namespace === undefined ? `${group}/${plural}` : `${group}/namespaces/${config.namespace}/${plural}`;
  return {
    async snapshot(needs: { readonly pods: boolean; readonly nodes: boolean }): Promise<ClusterSnapshot> {
      const at = clock();
      const none = Promise.resolve([]);
      const unread: string[] = [];
      const optional = (use: string) => (thrown: unknown) => refusedList(thrown, `${use} is not known`, told, unread);
      const [pods, podMetrics, nodes, nodeMetrics, autoscalers] = await Promise.all([
        needs.pods ? list(inNamespace('/api/v1', 'pods'), podFields, '&fieldSelector=status.phase%3DRunning') : none,
        needs.pods ? list(inNamespace('/apis/metrics.k8s.io/v1beta1', 'pods'), podMetricsFields) : none,
        // Nodes are also what pods without any limit are measured by; a role that may not list them does without.
        list('/api/v1/nodes', nodeFields).catch(needs.nodes ? rethrow : optional('what nodes can allocate')),
        needs.nodes ? list('/apis/metrics.k8s.io/v1beta1/nodes', nodeMetricsFields) : none,
        needs.pods
          ? list(inNamespace('/apis/autoscaling/v2', 'horizontalpodautoscalers'), autoscalerFields).catch(
              optional('which workloads have an autoscaler'),
            )
          : none,
      ]);
      return { cluster: name, at, pods, podMetrics, nodes, nodeMetrics, autoscalers, unread };
    },
  };
};

type Keep<T> = (item: unknown) => T | undefined;

/** What the API server itself splits lists into. */
const pageSize = 500;

/** Adds to a refusal what usually mends it. */
const withHint = (thrown: unknown, path: string, { eks }: ClusterConfig): unknown => {
  const hint = thrown instanceof Failure ? hintOn(thrown, path, eks !== undefined) : undefined;
  if (!(thrown instanceof Failure) || hint === undefined) return thrown;
  const { code, where, message, cause } = thrown;
  // Its message begins with both.
  const said = message.slice(`${code}: ${where === undefined ? '' : `${where}: `}`.length);
  return new Failure(code, `${said}; ${hint}`, { ...given({ where }), cause });
};

const hintOn = ({ code, message }: Failure, path: string, isEks: boolean): string | undefined => {
  const isMetrics = path.startsWith('/apis/metrics.k8s.io/');
  if (isMetrics && (code === 'not-found' || message.includes('HTTP 503'))) return 'does metrics-server run there?';
  if (code !== 'unauthorised') return undefined;
  if (message.includes('HTTP 403')) return 'its role needs the ClusterRole of docs/guides/watermarks.md';
  return isEks ? "has the cluster an access entry for this function's role?" : 'has the token of tokenSecret expired?';
};

const rethrow = (thrown: unknown): never => {
  throw thrown;
};

/** An optional list: a role that may not read it, or a server without that API, means none. What is lost by that is told once. */
const refusedList = (thrown: unknown, lost: string, told: Set<string>, unread: string[]): [] => {
  if (!(thrown instanceof Failure) || (thrown.code !== 'unauthorised' && thrown.code !== 'not-found')) throw thrown;
  if (!told.has(lost)) unread.push(`${thrown.message}; ${lost}`);
  told.add(lost);
  return [];
};

interface Connection {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

const connectionOf = (options: KubernetesOptions): (() => Promise<Connection>) => {
  const { name, config, env, secrets } = options;
  if (config.eks !== undefined) return eksConnection(options, config.eks);
  return async () => {
    const where = `watermarks.clusters.${name}`;
    const endpoint = textOf(config.endpoint, env, `${where}.endpoint`).replace(/\/+$/, '');
    const secret = async (reference: string | undefined, field: string) =>
      reference === undefined
        ? undefined
        : reference.startsWith('env:')
          ? textOf(reference, env, `${where}.${field}`)
          : secrets(reference);
    const [token, cert, key] = await Promise.all([
      secret(config.tokenSecret, 'tokenSecret'),
      secret(config.certificateSecret, 'certificateSecret'),
      secret(config.keySecret, 'keySecret'),
    ]);
    const ca = config.ca === undefined ? undefined : pemOf(textOf(config.ca, env, `${where}.ca`));
    return { endpoint, headers: token === undefined ? {} : { authorization: `Bearer ${token.trim()}` }, ca, cert, key };
  };
};

/** STS accepts a token for 15 minutes after it was signed. */
const tokenMs = 14 * 60_000;
/** Endpoint and CA of a cluster hardly ever change, but they can. */
const describeMs = 60 * 60_000;

/**
 * EKS takes as a token a presigned URL of STS GetCallerIdentity that names the cluster in a signed header: it calls the URL and so
 * learns who we are (aws-iam-authenticator, `k8s-aws-v1.`).
 */
const eksConnection = ({ name, clock, env }: KubernetesOptions, cluster: string): (() => Promise<Connection>) => {
  const where = `watermarks.clusters.${name}`;
  // Promises, since the lists of one snapshot are asked for at the same time.
  let described: { readonly until: number; readonly found: Promise<{ endpoint: string; ca: string }> } | undefined;
  let token: { readonly until: number; readonly text: string } | undefined;
  return async () => {
    const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
    if (region === undefined) throw new Failure('misconfigured', 'AWS_REGION is not set', { where });
    const { credentialsOf, signedHeaders } = await import('./sigv4.ts');
    const { presignedUrl } = await import('./presigned-url.ts');
    const credentials = credentialsOf(env);
    if (credentials === undefined) {
      throw new Failure('misconfigured', 'there are no AWS credentials in the environment', { where });
    }
    const at = clock();
    if (described === undefined || described.until < at) {
      const base = env['AWS_ENDPOINT_URL_EKS'] ?? env['AWS_ENDPOINT_URL'] ?? `https://eks.${region}.amazonaws.com`;
      const url = `${base}/clusters/${encodeURIComponent(cluster)}`;
      const headers = signedHeaders({ method: 'GET', url, region, service: 'eks', credentials, at });
      const asked = { until: at + describeMs, found: describeCluster(url, headers, cluster) };
      described = asked;
      asked.found.catch(() => {
        if (described === asked) described = undefined;
      });
    }
    if (token === undefined || token.until < at) {
      const url = presignedUrl({
        method: 'GET',
        url: `https://sts.${region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15`,
        headers: { 'x-k8s-aws-id': cluster },
        region,
        service: 'sts',
        credentials,
        at,
        expiresSeconds: 60,
      });
      token = { until: at + tokenMs, text: `k8s-aws-v1.${Buffer.from(url).toString('base64url')}` };
    }
    const bearer = `Bearer ${token.text}`;
    const { endpoint, ca } = await described.found;
    return { endpoint, ca, headers: { authorization: bearer } };
  };
};

const describeCluster = async (url: string, headers: Readonly<Record<string, string>>, cluster: string) => {
  const where = `eks/${cluster}`;
  const answer = (await requestJson({ url, headers, timeoutMs: 5000, where })) as {
    cluster?: { endpoint?: string; certificateAuthority?: { data?: string } };
  } | null;
  const { endpoint, certificateAuthority } = answer?.cluster ?? {};
  if (endpoint === undefined || certificateAuthority?.data === undefined) {
    throw new Failure('unavailable', 'DescribeCluster names no endpoint (is the cluster still being made?)', { where });
  }
  return { endpoint, ca: pemOf(certificateAuthority.data) };
};

/** A literal, or `env:NAME`. */
const textOf = (text: string | undefined, env: KubernetesOptions['env'], where: string): string => {
  if (text === undefined) throw new Failure('misconfigured', 'is missing', { where });
  if (!text.startsWith('env:')) return text;
  const value = env[text.slice(4)];
  if (value === undefined || value === '')
    throw new Failure('misconfigured', `${text.slice(4)} is not set in the environment`, { where });
  return value;
};

const pemOf = (text: string): string =>
  text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
