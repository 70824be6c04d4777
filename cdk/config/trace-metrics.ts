import { numberIn, type Problem, unknownKeys } from './problem.ts';

type Fields = Readonly<Record<string, unknown>>;

const receiverKeys = ['url', 'headers', 'tokenSecret', 'sigv4Region', 'timeoutMs'];

/** Everything wrong with `traces.metrics`. */
export const checkTraceMetrics = (path: string, metrics: unknown): readonly Problem[] => {
  if (metrics === undefined) return [];
  const problems = unknownKeys(path, metrics, ['emf', 'maxSeries', 'otlp', 'remoteWrite']);
  if (!isFields(metrics)) return problems;
  const { emf, maxSeries, otlp, remoteWrite } = metrics;
  return [
    ...problems,
    ...(emf === undefined || typeof emf === 'boolean'
      ? []
      : [{ path: `${path}.emf`, actual: emf, allowed: 'true or false is expected' }]),
    ...numberIn(`${path}.maxSeries`, maxSeries, 1, 100, 'whole'),
    ...checkReceiver(`${path}.remoteWrite`, remoteWrite, [...receiverKeys, 'protobufMessage']),
    ...(isFields(remoteWrite)
      ? oneOf(`${path}.remoteWrite.protobufMessage`, remoteWrite['protobufMessage'], [
          'prometheus.WriteRequest',
          'io.prometheus.write.v2.Request',
        ])
      : []),
    ...checkReceiver(`${path}.otlp`, otlp, [...receiverKeys, 'temporality', 'histogram']),
    ...(isFields(otlp)
      ? [
          ...oneOf(`${path}.otlp.temporality`, otlp['temporality'], ['cumulative', 'delta']),
          ...oneOf(`${path}.otlp.histogram`, otlp['histogram'], ['exponential', 'explicit']),
        ]
      : []),
  ];
};

const checkReceiver = (path: string, receiver: unknown, keys: readonly string[]): readonly Problem[] => {
  if (receiver === undefined) return [];
  const problems = [...unknownKeys(path, receiver, keys)];
  if (!isFields(receiver)) return problems;
  const { url, headers, tokenSecret, sigv4Region, timeoutMs } = receiver;
  if (typeof url !== 'string' || !/^https?:\/\/[^\s@]+$/.test(url)) {
    const actual = typeof url === 'string' && url.includes('@') ? '(not shown)' : url;
    problems.push({ path: `${path}.url`, actual, allowed: 'http(s)://… without user and password is expected' });
  }
  if (tokenSecret !== undefined && !isReference(tokenSecret))
    problems.push(notShown(`${path}.tokenSecret`, tokenSecret));
  if (sigv4Region !== undefined && (typeof sigv4Region !== 'string' || !/^[a-z]{2}(-[a-z]+)+-\d$/.test(sigv4Region))) {
    problems.push({ path: `${path}.sigv4Region`, actual: sigv4Region, allowed: 'a region is expected' });
  }
  if (tokenSecret !== undefined && sigv4Region !== undefined) {
    problems.push({
      path,
      actual: ['tokenSecret', 'sigv4Region'],
      allowed: 'one of the two is expected: both are the Authorization header',
    });
  }
  problems.push(...numberIn(`${path}.timeoutMs`, timeoutMs, 100, 30_000, 'whole'));
  if (headers === undefined) return problems;
  problems.push(...unknownKeys(`${path}.headers`, headers, isFields(headers) ? Object.keys(headers) : []));
  for (const [name, value] of Object.entries(isFields(headers) ? headers : {})) {
    const isSecret = /authorization|token|key|secret|password/i.test(name);
    if (typeof value !== 'string' || (isSecret && !isReference(value)))
      problems.push(notShown(`${path}.headers.${name}`, value));
  }
  return problems;
};

const isReference = (value: unknown): boolean => typeof value === 'string' && /^(secretsmanager|ssm):\S+$/.test(value);

/** What may be a secret is not repeated. */
const notShown = (path: string, value: unknown): Problem => ({
  path,
  actual: typeof value === 'string' ? '(not shown)' : value,
  allowed: 'a reference is expected: secretsmanager:name or ssm:name',
});

const oneOf = (path: string, value: unknown, words: readonly string[]): readonly Problem[] =>
  value === undefined || words.includes(String(value))
    ? []
    : [{ path, actual: value, allowed: `one of ${words.join(', ')} is expected` }];

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
