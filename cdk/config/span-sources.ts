import { numberIn, type Problem, unknownKeys } from './problem.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Everything wrong with `traces.sources`. */
export const checkSpanSources = (path: string, sources: unknown): readonly Problem[] => {
  if (sources === undefined) return [];
  const checks = {
    logGroups: checkLogGroup,
    streams: checkStream,
    kafka: checkKafka,
    queues: checkQueue,
    buckets: checkBucket,
  };
  const own = isFields(sources) ? sources : {};
  return [
    ...unknownKeys(path, sources, Object.keys(checks)),
    ...Object.entries(checks).flatMap(([name, check]) => each(`${path}.${name}`, own[name], check)),
  ];
};

const checkLogGroup: Check = (path, group) => [
  ...unknownKeys(path, group, ['name', 'filterPattern']),
  ...matching(
    `${path}.name`,
    group['name'],
    /^[\w./#-]{1,512}$/,
    'the name of a log group is expected, such as aws/spans',
  ),
  ...optional(group['filterPattern'], (value) =>
    matching(
      `${path}.filterPattern`,
      value,
      /^[\s\S]{0,1024}$/,
      'a filter pattern of at most 1024 characters is expected',
    ),
  ),
];

const checkStream: Check = (path, stream) => [
  ...unknownKeys(path, stream, ['arn', 'from', 'batchSize', 'parallel', 'keyArn']),
  ...matching(
    `${path}.arn`,
    stream['arn'],
    arnOf('kinesis', 'stream/[\\w.-]{1,128}'),
    'the ARN of a Kinesis stream is expected',
  ),
  ...oneOf(`${path}.from`, stream['from'], ['latest', 'oldest']),
  ...numberIn(`${path}.batchSize`, stream['batchSize'], 1, 10_000, 'whole'),
  ...numberIn(`${path}.parallel`, stream['parallel'], 1, 10, 'whole'),
  ...key(`${path}.keyArn`, stream['keyArn']),
];

const kafkaKeys = [
  'cluster',
  'bootstrapServers',
  'topics',
  'consumerGroup',
  'secret',
  'mechanism',
  'subnets',
  'securityGroups',
  'from',
  'maxPollers',
];

const checkKafka: Check = (path, kafka) => {
  const { cluster, bootstrapServers, secret, subnets, securityGroups } = kafka;
  return [
    ...unknownKeys(path, kafka, kafkaKeys),
    ...((cluster === undefined) === (bootstrapServers === undefined)
      ? [{ path, actual: { cluster, bootstrapServers }, allowed: 'either cluster or bootstrapServers is expected' }]
      : []),
    ...optional(cluster, (value) =>
      matching(
        `${path}.cluster`,
        value,
        arnOf('kafka', 'cluster/[\\w.-]+/[\\w-]+'),
        'the ARN of an MSK cluster is expected',
      ),
    ),
    ...optional(bootstrapServers, (value) =>
      texts(`${path}.bootstrapServers`, value, /^[\w.-]+:\d{1,5}$/, 'host:port'),
    ),
    ...texts(`${path}.topics`, kafka['topics'], /^[\w.-]{1,249}$/, 'the name of a topic'),
    ...optional(kafka['consumerGroup'], (value) =>
      matching(`${path}.consumerGroup`, value, /^[\w./*:+=@-]{1,200}$/, 'the name of a consumer group is expected'),
    ),
    ...optional(secret, (value) =>
      matching(
        `${path}.secret`,
        value,
        /^secretsmanager:[\w/+=.@-]+$/,
        'a reference secretsmanager:name is expected, never the secret itself',
        true,
      ),
    ),
    ...oneOf(`${path}.mechanism`, kafka['mechanism'], ['scram-512', 'scram-256', 'plain']),
    ...optional(subnets, (value) => texts(`${path}.subnets`, value, /^subnet-[0-9a-f]+$/, 'the id of a subnet')),
    ...optional(securityGroups, (value) =>
      texts(`${path}.securityGroups`, value, /^sg-[0-9a-f]+$/, 'the id of a security group'),
    ),
    ...((subnets === undefined) === (securityGroups === undefined)
      ? []
      : [{ path, actual: { subnets, securityGroups }, allowed: 'subnets and securityGroups are expected together' }]),
    ...(cluster !== undefined && subnets !== undefined
      ? [
          {
            path: `${path}.subnets`,
            actual: subnets,
            allowed: 'none are expected beside cluster, which brings its own',
          },
        ]
      : []),
    ...oneOf(`${path}.from`, kafka['from'], ['latest', 'oldest']),
    ...numberIn(`${path}.maxPollers`, kafka['maxPollers'], 1, 2000, 'whole'),
  ];
};

const checkQueue: Check = (path, queue) => [
  ...unknownKeys(path, queue, ['arn', 'keyArn']),
  ...matching(
    `${path}.arn`,
    queue['arn'],
    arnOf('sqs', '[\\w-]{1,75}(\\.fifo)?'),
    'the ARN of an SQS queue is expected',
  ),
  ...key(`${path}.keyArn`, queue['keyArn']),
];

const checkBucket: Check = (path, bucket) => [
  ...unknownKeys(path, bucket, ['name', 'prefix', 'via', 'keyArn']),
  ...matching(`${path}.name`, bucket['name'], /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket is expected'),
  ...optional(bucket['prefix'], (value) =>
    matching(`${path}.prefix`, value, /^[^*?]{1,512}$/, 'the start of keys is expected, without * or ?'),
  ),
  ...oneOf(`${path}.via`, bucket['via'], ['eventbridge', 'queue', 'function']),
  ...key(`${path}.keyArn`, bucket['keyArn']),
];

type Check = (path: string, member: Fields) => readonly Problem[];

const each = (path: string, list: unknown, check: Check): readonly Problem[] => {
  if (list === undefined) return [];
  if (!Array.isArray(list)) return [{ path, actual: list, allowed: 'a list is expected' }];
  return [
    ...list.flatMap((member: unknown, index) =>
      isFields(member) ? check(`${path}[${index}]`, member) : unknownKeys(`${path}[${index}]`, member, []),
    ),
    ...repeated(path, list),
  ];
};

/** Reading a source twice would double what is read, and two mappings of one source are refused at deployment only. */
const repeated = (path: string, list: readonly unknown[]): readonly Problem[] => {
  const identities = list.map((member) => {
    const own = isFields(member) ? member : {};
    return (
      own['arn'] ?? (own['cluster'] === undefined ? undefined : `${own['cluster']} ${own['topics']}`) ?? own['name']
    );
  });
  return identities.flatMap((identity, index) =>
    typeof identity === 'string' && identities.indexOf(identity) < index
      ? [
          {
            path: `${path}[${index}]`,
            actual: identity,
            allowed: `each one once is expected; it is ${path}[${identities.indexOf(identity)}] already`,
          },
        ]
      : [],
  );
};

const matching = (
  path: string,
  value: unknown,
  pattern: RegExp,
  allowed: string,
  hidden = false,
): readonly Problem[] =>
  typeof value === 'string' && pattern.test(value)
    ? []
    : [{ path, actual: hidden && typeof value === 'string' ? '(not shown)' : value, allowed }];

const texts = (path: string, list: unknown, pattern: RegExp, what: string): readonly Problem[] =>
  Array.isArray(list) && list.length > 0
    ? list.flatMap((value: unknown, index) => matching(`${path}[${index}]`, value, pattern, `${what} is expected`))
    : [{ path, actual: list, allowed: 'a list with at least one entry is expected' }];

const oneOf = (path: string, value: unknown, words: readonly string[]): readonly Problem[] =>
  value === undefined || words.includes(String(value))
    ? []
    : [{ path, actual: value, allowed: `one of ${words.join(', ')} is expected` }];

const optional = (value: unknown, check: (value: unknown) => readonly Problem[]): readonly Problem[] =>
  value === undefined ? [] : check(value);

const key = (path: string, value: unknown): readonly Problem[] =>
  optional(value, (given) => matching(path, given, arnOf('kms', 'key/[\\w-]+'), 'the ARN of a KMS key is expected'));

const arnOf = (service: string, resource: string): RegExp =>
  new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:${resource}$`);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
