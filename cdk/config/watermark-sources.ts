import { numberIn, type Problem, unknownKeys } from './problem.ts';
import { each, type Fields, flags, isRecord, secretReference, texts } from './values.ts';

const clusterKeys = [
  'eks',
  'endpoint',
  'tokenSecret',
  'certificateSecret',
  'keySecret',
  'ca',
  'namespace',
  'timeoutMs',
];
const queueKeys = ['arn', 'capacity', 'consumeRatePerSecond', 'maxAgeSeconds', 'minBacklog', 'age', 'peek'];
const prometheusKeys = ['url', 'sigv4Region', 'tokenSecret', 'timeoutMs'];

/** Everything wrong with the clusters, queues and Prometheus servers that rules are measured from. */
export const checkSources = (path: string, { clusters, queues, prometheus }: Fields): readonly Problem[] => [
  ...each(`${path}.clusters`, clusters, checkCluster),
  ...each(`${path}.prometheus`, prometheus, checkPrometheus),
  ...(queues === undefined ? [] : checkQueues(`${path}.queues`, queues)),
];

const checkQueues = (path: string, queues: unknown): readonly Problem[] =>
  Array.isArray(queues)
    ? [...queues.flatMap((queue, index) => checkQueue(`${path}[${index}]`, queue)), ...twice(path, queues)]
    : [{ path, actual: queues, allowed: 'a list of { arn, … } is expected' }];

const checkCluster = (path: string, cluster: unknown): readonly Problem[] => {
  const problems = [...unknownKeys(path, cluster, clusterKeys)];
  if (!isRecord(cluster)) return problems;
  const { eks, endpoint, certificateSecret, keySecret, tokenSecret } = cluster;
  if ((eks === undefined) === (endpoint === undefined)) {
    problems.push({ path, actual: { eks, endpoint }, allowed: 'either `eks` or `endpoint` is expected' });
  }
  if (typeof endpoint === 'string' && !/^(https?:\/\/|env:)\S+$/.test(endpoint)) {
    problems.push({ path: `${path}.endpoint`, actual: endpoint, allowed: 'https://… or env:NAME is expected' });
  }
  if ((certificateSecret === undefined) !== (keySecret === undefined)) {
    problems.push({ path, actual: cluster, allowed: '`certificateSecret` and `keySecret` are expected together' });
  }
  for (const [key, value] of Object.entries({ tokenSecret, certificateSecret, keySecret })) {
    problems.push(...secretReference(`${path}.${key}`, value));
  }
  problems.push(
    ...texts(path, cluster, ['eks', 'endpoint', 'ca', 'namespace']),
    ...numberIn(`${path}.timeoutMs`, cluster['timeoutMs'], 100, 60_000, 'whole'),
  );
  return problems;
};

const checkPrometheus = (path: string, server: unknown): readonly Problem[] => {
  const problems = [...unknownKeys(path, server, prometheusKeys)];
  if (!isRecord(server)) return problems;
  const { url } = server;
  if (typeof url !== 'string' || !/^(https?:\/\/|env:)\S+$/.test(url)) {
    problems.push({ path: `${path}.url`, actual: url, allowed: 'https://… or env:NAME is expected' });
  }
  return [
    ...problems,
    ...texts(path, server, ['sigv4Region']),
    ...secretReference(`${path}.tokenSecret`, server['tokenSecret']),
    ...numberIn(`${path}.timeoutMs`, server['timeoutMs'], 100, 60_000, 'whole'),
  ];
};

const checkQueue = (path: string, queue: unknown): readonly Problem[] => {
  const problems = [...unknownKeys(path, queue, queueKeys)];
  if (!isRecord(queue)) return problems;
  const { arn } = queue;
  if (typeof arn !== 'string' || !/^arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?$/.test(arn)) {
    problems.push({ path: `${path}.arn`, actual: arn, allowed: 'the ARN of an SQS queue is expected' });
  }
  return [
    ...problems,
    ...flags(path, queue, ['age', 'peek']),
    ...numberIn(`${path}.capacity`, queue['capacity'], 1, 1e12),
    ...numberIn(`${path}.consumeRatePerSecond`, queue['consumeRatePerSecond'], 1e-6, 1e9),
    ...numberIn(`${path}.maxAgeSeconds`, queue['maxAgeSeconds'], 1, 14 * 86_400),
    ...numberIn(`${path}.minBacklog`, queue['minBacklog'], 0, 1e12),
  ];
};

/** Series and pressure of a queue go by its name, so of two queues with one name nobody could tell which is meant. */
const twice = (path: string, queues: readonly unknown[]): readonly Problem[] => {
  const names = queues.map((queue) => (isRecord(queue) ? nameOf(queue) : undefined));
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (name === undefined || first === index) return [];
    const allowed = `a queue whose name is not in the list already (${path}[${first}]) is expected`;
    return [{ path: `${path}[${index}].arn`, actual: (queues[index] as Fields)['arn'], allowed }];
  });
};

/** The last part of its ARN. */
export const nameOf = ({ arn }: Fields): string | undefined =>
  typeof arn === 'string' ? arn.slice(arn.lastIndexOf(':') + 1) : undefined;
