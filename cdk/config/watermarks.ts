import { severities } from '../../lib/model/alert.ts';
import { type GaugeName, gaugeNames, maxRatio, ratioGauges } from '../../lib/model/config/watermarks.ts';
import { numberIn, type Problem, unknownKeys } from './problem.ts';

type Fields = Readonly<Record<string, unknown>>;

const sectionKeys = ['rules', 'clusters', 'queues', 'prometheus', 'blindAfterSeconds', 'outageSeconds', 'maxSeries'];
const ruleKeys = [
  'gauge',
  'high',
  'low',
  'forSeconds',
  'keepFiringForSeconds',
  'samples',
  'noData',
  'noDataForSeconds',
  'flapDamping',
  'severity',
  'labels',
  'runbookUrl',
  'selector',
  'against',
  'per',
  'reading',
  'server',
  'query',
  'metric',
  'horizonSeconds',
  'forecast',
];
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
const metricKeys = ['namespace', 'name', 'dimensions', 'statistic', 'periodSeconds', 'capacity'];

/** Everything wrong with the `watermarks` section. */
export const checkWatermarks = (section: unknown): readonly Problem[] => {
  const problems = unknownKeys('watermarks', section, sectionKeys);
  if (!isRecord(section)) return problems;
  const path = 'watermarks';
  const { queues } = section;
  return [
    ...problems,
    ...numberIn(`${path}.blindAfterSeconds`, section['blindAfterSeconds'], 0, 86_400),
    ...numberIn(`${path}.outageSeconds`, section['outageSeconds'], 1, 86_400),
    ...numberIn(`${path}.maxSeries`, section['maxSeries'], 1, 1_000_000, 'whole'),
    ...each(`${path}.clusters`, section['clusters'], checkCluster),
    ...each(`${path}.prometheus`, section['prometheus'], checkPrometheus),
    ...(queues === undefined
      ? []
      : Array.isArray(queues)
        ? [
            ...queues.flatMap((queue, index) => checkQueue(`${path}.queues[${index}]`, queue)),
            ...twice(`${path}.queues`, queues),
          ]
        : [{ path: `${path}.queues`, actual: queues, allowed: 'a list of { arn, … } is expected' }]),
    ...each(`${path}.rules`, section['rules'], (at, rule, name) => checkRule(at, rule, name, section)),
  ];
};

const checkRule = (path: string, rule: unknown, name: string, section: Fields): readonly Problem[] => {
  const problems = [...unknownKeys(path, rule, ruleKeys)];
  if (!isRecord(rule)) return problems;
  if (!/^[a-zA-Z_][a-zA-Z0-9_-]{0,99}$/.test(name)) {
    problems.push({
      path,
      actual: name,
      allowed: 'a name of letters, digits, _ and - is expected, since it becomes the alertname',
    });
  }
  const { gauge, high, low, samples, labels, selector } = rule;
  if (!gaugeNames.includes(gauge as GaugeName)) {
    problems.push({ path: `${path}.gauge`, actual: gauge, allowed: `one of ${gaugeNames.join(', ')} is expected` });
  }
  const isRatio = ratioGauges.includes(gauge as GaugeName);
  for (const [mark, value] of [
    ['high', high],
    ['low', low],
  ] as const) {
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      problems.push({ path: `${path}.${mark}`, actual: value, allowed: 'a number from 0 is expected' });
    } else if (isRatio && value > maxRatio) {
      problems.push({
        path: `${path}.${mark}`,
        actual: value,
        allowed: `${String(gauge)} is a fraction, so ${value} would never be reached; did you mean ${value / 100}?`,
      });
    }
  }
  if (typeof low === 'number' && typeof high === 'number' && low > high) {
    problems.push({ path: `${path}.low`, actual: low, allowed: `a mark that is not above high (${high}) is expected` });
  }
  if (typeof low === 'number' && high === undefined && isRatio && low > 0.9) {
    problems.push({
      path: `${path}.low`,
      actual: low,
      allowed: 'a mark that is not above high (0.9 by default) is expected',
    });
  }
  for (const key of ['forSeconds', 'keepFiringForSeconds', 'noDataForSeconds', 'horizonSeconds']) {
    problems.push(...numberIn(`${path}.${key}`, rule[key], 0, 7 * 86_400));
  }
  problems.push(
    ...oneOf(`${path}.noData`, rule['noData'], ['keep', 'ok', 'alert']),
    ...oneOf(`${path}.severity`, rule['severity'], severities),
    ...oneOf(`${path}.against`, rule['against'], ['auto', 'limit', 'request']),
    ...oneOf(`${path}.per`, rule['per'], ['pod', 'container']),
    ...texts(path, rule, ['runbookUrl', 'reading', 'server', 'query']),
    ...textMap(`${path}.labels`, labels),
    ...textMap(`${path}.selector`, selector),
    ...(rule['flapDamping'] === undefined || typeof rule['flapDamping'] === 'boolean'
      ? []
      : [{ path: `${path}.flapDamping`, actual: rule['flapDamping'], allowed: 'true or false is expected' }]),
    ...(samples === undefined ? [] : checkSamples(`${path}.samples`, samples)),
    ...(rule['forecast'] === undefined ? [] : checkForecast(`${path}.forecast`, rule['forecast'], low)),
    ...checkSource(path, rule, section),
  );
  return problems;
};

/** What a gauge is measured from must be configured too. */
const checkSource = (path: string, rule: Fields, section: Fields): readonly Problem[] => {
  const { gauge, selector } = rule;
  const name = String(gauge);
  const need = (missing: boolean, at: string, actual: unknown, allowed: string): Problem[] =>
    missing ? [{ path: at, actual, allowed }] : [];
  if (/^(pod|node)-/.test(name)) {
    const clusters = Object.keys(isRecord(section['clusters']) ? section['clusters'] : {});
    const chosen = isRecord(selector) ? selector['cluster'] : undefined;
    return [
      ...need(
        clusters.length === 0,
        'watermarks.clusters',
        undefined,
        `a cluster is expected, since ${path} measures pods or nodes`,
      ),
      ...need(
        clusters.length > 0 && chosen !== undefined && !clusters.includes(String(chosen)),
        `${path}.selector.cluster`,
        chosen,
        `one of the configured clusters is expected: ${clusters.join(', ')}`,
      ),
    ];
  }
  if (name.startsWith('queue-')) {
    const queues = (Array.isArray(section['queues']) ? section['queues'] : []).filter(isRecord);
    const names = queues.map(({ arn }) => String(arn).slice(String(arn).lastIndexOf(':') + 1));
    const chosen = isRecord(selector) ? selector['queue'] : undefined;
    const mine = queues.filter((_, index) => chosen === undefined || names[index] === chosen);
    const needsCapacity = gauge === 'queue-backlog' || gauge === 'queue-breach';
    return [
      ...need(
        queues.length === 0,
        'watermarks.queues',
        undefined,
        `a queue is expected, since ${path} measures queues`,
      ),
      ...need(
        queues.length > 0 && chosen !== undefined && !names.includes(String(chosen)),
        `${path}.selector.queue`,
        chosen,
        `one of the configured queues is expected: ${names.join(', ')}`,
      ),
      ...need(
        needsCapacity && mine.length > 0 && !mine.some((queue) => hasCapacity(queue)),
        `${path}.gauge`,
        gauge,
        'its queues need `capacity`, or `consumeRatePerSecond` and `maxAgeSeconds`',
      ),
      ...need(
        gauge === 'queue-age' && mine.length > 0 && !mine.some(({ maxAgeSeconds }) => maxAgeSeconds !== undefined),
        `${path}.gauge`,
        gauge,
        'its queues need `maxAgeSeconds`',
      ),
    ];
  }
  if (gauge === 'prometheus') {
    const servers = Object.keys(isRecord(section['prometheus']) ? section['prometheus'] : {});
    const { server, query } = rule;
    return [
      ...need(typeof query !== 'string' || query === '', `${path}.query`, query, 'an instant query is expected'),
      ...need(servers.length === 0, 'watermarks.prometheus', undefined, `a server is expected, since ${path} asks one`),
      ...need(
        servers.length > 1 && server === undefined,
        `${path}.server`,
        server,
        `one of the configured servers is expected: ${servers.join(', ')}`,
      ),
      ...need(
        server !== undefined && servers.length > 0 && !servers.includes(String(server)),
        `${path}.server`,
        server,
        `one of the configured servers is expected: ${servers.join(', ')}`,
      ),
    ];
  }
  return gauge === 'cloudwatch' ? checkMetric(`${path}.metric`, rule['metric']) : [];
};

const checkForecast = (path: string, forecast: unknown, low: unknown): readonly Problem[] => {
  const problems = [...unknownKeys(path, forecast, ['withinSeconds', 'from'])];
  if (!isRecord(forecast)) return problems;
  const { from, withinSeconds } = forecast;
  problems.push(
    ...required(path, forecast, ['withinSeconds']),
    ...numberIn(`${path}.withinSeconds`, withinSeconds, 1, 30 * 86_400),
  );
  problems.push(...numberIn(`${path}.from`, from, 0, Number.MAX_VALUE));
  if (typeof from === 'number' && typeof low === 'number' && from < low) {
    problems.push({
      path: `${path}.from`,
      actual: from,
      allowed: `a level that is not below low (${low}) is expected, else it would clear at once`,
    });
  }
  return problems;
};

const checkMetric = (path: string, metric: unknown): readonly Problem[] => {
  if (!isRecord(metric)) return [{ path, actual: metric, allowed: '{ namespace, name, … } is expected' }];
  return [
    ...unknownKeys(path, metric, metricKeys),
    ...required(path, metric, ['namespace', 'name']),
    ...texts(path, metric, ['namespace', 'name', 'statistic']),
    ...textMap(`${path}.dimensions`, metric['dimensions']),
    ...numberIn(`${path}.periodSeconds`, metric['periodSeconds'], 1, 86_400, 'whole'),
    ...numberIn(`${path}.capacity`, metric['capacity'], Number.MIN_VALUE, Number.MAX_VALUE),
  ];
};

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
  const { arn, age, peek } = queue;
  if (typeof arn !== 'string' || !/^arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?$/.test(arn)) {
    problems.push({ path: `${path}.arn`, actual: arn, allowed: 'the ARN of an SQS queue is expected' });
  }
  if (age !== undefined && typeof age !== 'boolean') {
    problems.push({ path: `${path}.age`, actual: age, allowed: 'true or false is expected' });
  }
  if (peek !== undefined && typeof peek !== 'boolean') {
    problems.push({ path: `${path}.peek`, actual: peek, allowed: 'true or false is expected' });
  }
  return [
    ...problems,
    ...numberIn(`${path}.capacity`, queue['capacity'], 1, 1e12),
    ...numberIn(`${path}.consumeRatePerSecond`, queue['consumeRatePerSecond'], 1e-6, 1e9),
    ...numberIn(`${path}.maxAgeSeconds`, queue['maxAgeSeconds'], 1, 14 * 86_400),
    ...numberIn(`${path}.minBacklog`, queue['minBacklog'], 0, 1e12),
  ];
};

const checkSamples = (path: string, samples: unknown): readonly Problem[] => {
  const problems = [...unknownKeys(path, samples, ['atLeast', 'of'])];
  if (!isRecord(samples)) return problems;
  const { atLeast, of } = samples;
  problems.push(...required(path, samples, ['atLeast', 'of']));
  problems.push(...numberIn(`${path}.of`, of, 1, 100, 'whole'));
  problems.push(...numberIn(`${path}.atLeast`, atLeast, 1, typeof of === 'number' ? of : 100, 'whole'));
  return problems;
};

const hasCapacity = ({ capacity, consumeRatePerSecond, maxAgeSeconds }: Fields): boolean =>
  capacity !== undefined || (consumeRatePerSecond !== undefined && maxAgeSeconds !== undefined);

const secretReference = (path: string, value: unknown): readonly Problem[] =>
  value === undefined || (typeof value === 'string' && /^(secretsmanager|ssm|env):\S+$/.test(value))
    ? []
    : [
        {
          path,
          actual: typeof value === 'string' ? '(not shown)' : value,
          allowed: 'a reference is expected: secretsmanager:name, ssm:name or env:NAME',
        },
      ];

const each = (
  path: string,
  members: unknown,
  check: (path: string, member: unknown, name: string) => readonly Problem[],
): readonly Problem[] => {
  if (members === undefined) return [];
  if (!isRecord(members)) return [{ path, actual: members, allowed: 'an object of names and members is expected' }];
  return Object.entries(members).flatMap(([name, member]) => check(`${path}.${name}`, member, name));
};

const oneOf = (path: string, value: unknown, allowed: readonly string[]): readonly Problem[] =>
  value === undefined || allowed.includes(value as string)
    ? []
    : [{ path, actual: value, allowed: `one of ${allowed.join(', ')} is expected` }];

const texts = (path: string, fields: Fields, keys: readonly string[]): readonly Problem[] =>
  keys
    .filter((key) => fields[key] !== undefined && (typeof fields[key] !== 'string' || fields[key] === ''))
    .map((key) => ({ path: `${path}.${key}`, actual: fields[key], allowed: 'a text is expected' }));

const required = (path: string, fields: Fields, keys: readonly string[]): readonly Problem[] =>
  keys
    .filter((key) => fields[key] === undefined)
    .map((key) => ({ path: `${path}.${key}`, actual: undefined, allowed: 'is required' }));

const textMap = (path: string, value: unknown): readonly Problem[] => {
  if (value === undefined) return [];
  if (!isRecord(value)) return [{ path, actual: value, allowed: 'an object of texts is expected' }];
  return Object.entries(value)
    .filter(([, text]) => typeof text !== 'string')
    .map(([name, actual]) => ({ path: `${path}.${name}`, actual, allowed: 'a text is expected' }));
};

/** Two entries for one queue would be two series with the same labels. */
const twice = (path: string, queues: readonly unknown[]): readonly Problem[] =>
  queues.flatMap((queue, index) => {
    const arn = isRecord(queue) ? queue['arn'] : undefined;
    const first = queues.findIndex((other) => isRecord(other) && other['arn'] === arn);
    return arn === undefined || first === index
      ? []
      : [
          {
            path: `${path}[${index}].arn`,
            actual: arn,
            allowed: `a queue that is not in the list already (${path}[${first}]) is expected`,
          },
        ];
  });

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
