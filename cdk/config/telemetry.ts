import { personalKinds } from '../../lib/model/config/telemetry.ts';
import type { Config } from '../../lib/model/config.ts';
import { linearPattern } from '../../lib/model/linear-pattern.ts';
import { numberIn, type Problem, unknownKeys } from './problem.ts';

const path = 'telemetry';
const sectionKeys = ['sampling', 'breaker', 'redaction', 'baggage', 'backEnds', 'routes', 'defaultBackEnds', 'metrics'];
const reference = /^(secretsmanager|ssm):\S+$/;

/** Everything wrong with the `telemetry` section. */
export const checkTelemetry = (section: unknown): readonly Problem[] => {
  const fields = membersOf(section);
  const { sampling, breaker, redaction, baggage, backEnds, routes, defaultBackEnds, metrics } = fields;
  const profiles = Object.keys(membersOf(redaction));
  const ends = Object.keys(membersOf(backEnds));
  return [
    ...unknownKeys(path, section, sectionKeys),
    ...(sampling === undefined ? [] : checkSampling(`${path}.sampling`, sampling)),
    ...(breaker === undefined ? [] : checkBreaker(`${path}.breaker`, breaker)),
    ...named(`${path}.redaction`, redaction, checkProfile),
    ...profileName(`${path}.baggage`, baggage, profiles),
    ...named(`${path}.backEnds`, backEnds, (at, each) => checkBackEnd(at, each, profiles)),
    ...checkRoutes(`${path}.routes`, routes, ends),
    ...(defaultBackEnds === undefined ? [] : backEndNames(`${path}.defaultBackEnds`, defaultBackEnds, ends)),
    ...oneOf(`${path}.metrics`, metrics, ['emf', 'otlp', 'none']),
  ];
};

/** Sampling by backlog reads what the watermarks write, so the queue must be watched, and its capacity known. */
export const checkSampledQueue = (config: Config): readonly Problem[] => {
  const queue = config.telemetry?.sampling?.queue;
  if (typeof queue !== 'string' || queue === '') return [];
  const path = 'telemetry.sampling.queue';
  const watched: unknown = config.watermarks?.queues ?? [];
  const queues = Array.isArray(watched) ? watched.map(membersOf) : [];
  const nameOf = (each: Record<string, unknown>): string | undefined => `${each['arn'] ?? ''}`.split(':').at(-1);
  const found = queues.find((each) => nameOf(each) === queue);
  if (found === undefined) {
    return [
      {
        path,
        actual: queue,
        allowed: `watermarks.queues has no such queue; ${listed(queues.map((each) => `${nameOf(each)}`))}`,
      },
    ];
  }
  const hasCapacity =
    found['capacity'] !== undefined ||
    (found['consumeRatePerSecond'] !== undefined && found['maxAgeSeconds'] !== undefined);
  if (hasCapacity) return [];
  return [
    { path, actual: queue, allowed: 'the queue needs `capacity`, or `consumeRatePerSecond` and `maxAgeSeconds`' },
  ];
};

const checkSampling = (at: string, value: unknown): Problem[] => {
  const { queue, ratio, keepErrors, keepSlowMs } = membersOf(value);
  return [
    ...unknownKeys(at, value, ['queue', 'ratio', 'keepErrors', 'keepSlowMs']),
    ...(typeof queue === 'string' && queue !== ''
      ? []
      : [{ path: `${at}.queue`, actual: queue, allowed: 'the name of a queue in watermarks.queues is expected' }]),
    ...numberIn(`${at}.ratio`, ratio, 1 / 64, 1),
    ...flag(`${at}.keepErrors`, keepErrors),
    ...numberIn(`${at}.keepSlowMs`, keepSlowMs, 1, 900_000),
  ];
};

const checkBreaker = (at: string, value: unknown): Problem[] => {
  const { cpuShare, cpuSeconds, exportP99Ms, majorCollections, cap } = membersOf(value);
  return [
    ...unknownKeys(at, value, ['cpuShare', 'cpuSeconds', 'exportP99Ms', 'majorCollections', 'cap']),
    ...numberIn(`${at}.cpuShare`, cpuShare, 0.1, 1),
    ...numberIn(`${at}.cpuSeconds`, cpuSeconds, 1, 900),
    ...numberIn(`${at}.exportP99Ms`, exportP99Ms, 1, 900_000),
    ...numberIn(`${at}.majorCollections`, majorCollections, 1, 1000, 'whole'),
    ...numberIn(`${at}.cap`, cap, 1 / 64, 1),
  ];
};

const profileKeys = ['allowKeys', 'blockKeys', 'find', 'patterns', 'urls', 'allowQuery', 'sql', 'tokenKey'];

const checkProfile = (at: string, value: unknown): Problem[] => {
  const { allowKeys, blockKeys, find, patterns, urls, allowQuery, sql, tokenKey } = membersOf(value);
  return [
    ...unknownKeys(at, value, profileKeys),
    ...keys(`${at}.allowKeys`, allowKeys),
    ...keys(`${at}.blockKeys`, blockKeys),
    ...words(`${at}.find`, find, personalKinds),
    ...named(`${at}.patterns`, patterns, checkPattern),
    ...flag(`${at}.urls`, urls),
    ...texts(`${at}.allowQuery`, allowQuery),
    ...flag(`${at}.sql`, sql),
    ...secret(`${at}.tokenKey`, tokenKey),
  ];
};

/** Patterns become part of names of placeholders, so these must be plain. */
const checkPattern = (at: string, value: unknown): Problem[] => {
  if (typeof value !== 'string' || value === '') {
    return [{ path: at, actual: value, allowed: 'a regular expression is expected' }];
  }
  const pattern = linearPattern(value);
  return 'error' in pattern ? [{ path: at, actual: value, allowed: pattern.error }] : [];
};

const backEndKeys = [
  'url',
  'encoding',
  'compression',
  'headers',
  'secretHeaders',
  'signFor',
  'redaction',
  'maxQueue',
  'maxBatch',
  'timeoutMs',
];

const checkBackEnd = (at: string, value: unknown, profiles: readonly string[]): Problem[] => {
  const fields = membersOf(value);
  const { url, redaction, headers, secretHeaders, signFor } = fields;
  const header = (where: string, each: unknown): Problem[] =>
    typeof each !== 'string' || /[\r\n]/.test(each)
      ? [{ path: where, actual: each, allowed: 'a text in one line is expected' }]
      : reference.test(each)
        ? [{ path: where, actual: each, allowed: 'a secret reference belongs to secretHeaders' }]
        : [];
  return [
    ...unknownKeys(at, value, backEndKeys),
    ...checkUrl(`${at}.url`, url),
    ...oneOf(`${at}.encoding`, fields['encoding'], ['protobuf', 'json']),
    ...oneOf(`${at}.compression`, fields['compression'], ['gzip', 'zstd', 'none']),
    ...named(`${at}.headers`, headers, header),
    ...named(`${at}.secretHeaders`, secretHeaders, (where, each) => secret(where, each ?? null)),
    ...(signFor === undefined || (typeof signFor === 'string' && /^[a-z][a-z0-9-]*$/.test(signFor))
      ? []
      : [{ path: `${at}.signFor`, actual: signFor, allowed: 'the name of an AWS service such as xray is expected' }]),
    ...profileName(`${at}.redaction`, redaction, profiles),
    ...numberIn(`${at}.maxQueue`, fields['maxQueue'], 1, 1_000_000, 'whole'),
    ...numberIn(`${at}.maxBatch`, fields['maxBatch'], 1, 10_000, 'whole'),
    ...numberIn(`${at}.timeoutMs`, fields['timeoutMs'], 1, 900_000),
  ];
};

const profileName = (at: string, name: unknown, profiles: readonly string[]): Problem[] =>
  name === undefined || profiles.includes(name as string)
    ? []
    : [{ path: at, actual: name, allowed: `no such profile; ${listed(profiles)}` }];

const checkUrl = (at: string, value: unknown): Problem[] => {
  const wanted =
    'an http or https URL without user name and password is expected, such as http://collector:4318/v1/traces';
  if (typeof value !== 'string' || !URL.canParse(value)) return [{ path: at, actual: value, allowed: wanted }];
  const url = new URL(value);
  const isGood = (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === '';
  // Never the text itself: it holds a secret.
  return isGood ? [] : [{ path: at, actual: `${url.protocol}//…`, allowed: wanted }];
};

const checkRoutes = (at: string, value: unknown, ends: readonly string[]): Problem[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ path: at, actual: value, allowed: 'a list is expected' }];
  return value.flatMap((route, index) => {
    const where = `${at}[${index}]`;
    const { service, servicePrefix, servicePattern, backEnds } = membersOf(route);
    const given = Object.entries({ service, servicePrefix, servicePattern }).filter(([, each]) => each !== undefined);
    return [
      ...unknownKeys(where, route, ['service', 'servicePrefix', 'servicePattern', 'backEnds']),
      ...(given.length === 1
        ? []
        : [
            {
              path: where,
              actual: given.map(([name]) => name),
              allowed: 'exactly one of service, servicePrefix and servicePattern is expected',
            },
          ]),
      ...given.flatMap(([name, each]) =>
        name === 'servicePattern'
          ? checkPattern(`${where}.${name}`, each)
          : typeof each === 'string' && each !== ''
            ? []
            : [{ path: `${where}.${name}`, actual: each, allowed: 'a text is expected' }],
      ),
      ...backEndNames(`${where}.backEnds`, backEnds, ends),
    ];
  });
};

const backEndNames = (at: string, value: unknown, ends: readonly string[]): Problem[] =>
  Array.isArray(value)
    ? words(at, value, ends)
    : [{ path: at, actual: value, allowed: 'a list of back ends is expected' }];

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** Names become parts of the names of components, metrics and placeholders. */
const plainName = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const named = (at: string, value: unknown, check: (at: string, each: unknown) => readonly Problem[]): Problem[] => {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path: at, actual: value, allowed: 'an object is expected' }];
  }
  const form = at.endsWith('eaders') ? headerName : plainName;
  return Object.entries(value).flatMap(([name, each]) => [
    ...(form.test(name)
      ? []
      : [{ path: `${at}.${name}`, actual: name, allowed: `the name must match ${form.source}` }]),
    ...check(`${at}.${name}`, each),
  ]);
};

const flag = (at: string, value: unknown): Problem[] =>
  value === undefined || typeof value === 'boolean'
    ? []
    : [{ path: at, actual: value, allowed: 'true or false is expected' }];

const oneOf = (at: string, value: unknown, allowed: readonly string[]): Problem[] =>
  value === undefined || allowed.includes(value as string)
    ? []
    : [{ path: at, actual: value, allowed: `one of ${allowed.join(', ')} is expected` }];

const texts = (at: string, value: unknown): Problem[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ path: at, actual: value, allowed: 'a list of texts is expected' }];
  return value.flatMap((each, index) =>
    typeof each === 'string' && each !== ''
      ? []
      : [{ path: `${at}[${index}]`, actual: each, allowed: 'a text is expected' }],
  );
};

const keys = (at: string, value: unknown): Problem[] => [
  ...texts(at, value),
  ...(Array.isArray(value) ? value : []).flatMap((each, index) =>
    typeof each === 'string' && /\*./.test(each)
      ? [{ path: `${at}[${index}]`, actual: each, allowed: '`*` may only stand at the end' }]
      : [],
  ),
];

const words = (at: string, value: unknown, allowed: readonly string[]): Problem[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ path: at, actual: value, allowed: `a list of ${listed(allowed)}` }];
  return value.flatMap((each, index) =>
    allowed.includes(each) ? [] : [{ path: `${at}[${index}]`, actual: each, allowed: listed(allowed) }],
  );
};

const secret = (at: string, value: unknown): Problem[] =>
  value === undefined || (typeof value === 'string' && reference.test(value))
    ? []
    : [
        {
          path: at,
          // A secret that was written here must not be printed.
          actual: typeof value === 'string' ? '…' : value,
          allowed: 'a secret reference is expected: secretsmanager:name or ssm:name',
        },
      ];

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'there are none' : `one of ${names.join(', ')}`;
