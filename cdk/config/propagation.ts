import { type Problem, unknownKeys } from './problem.ts';

const formats = ['custom', 'w3c', 'b3', 'b3multi', 'datadog', 'xray'];
const policies = ['continue', 'restart', 'ignore'];
const encodings = ['hex', 'base64', 'decimal'];
const sources = [
  'sqs',
  'sns',
  'eventbridge',
  'eventbridge-v2',
  'kinesis',
  'dynamodb',
  's3',
  'kafka',
  'rabbitmq',
  'activemq',
  'nsq',
  'firehose',
  'documentdb',
  'edge',
  'http',
  'invoke',
];
const sectionKeys = [
  'extract',
  'inject',
  'custom',
  'policy',
  'conflictLinks',
  'brokerLinks',
  'baggage',
  'sources',
] as const;

/** Everything wrong with the `propagation` section. */
export const checkPropagation = (section: unknown): readonly Problem[] => {
  const path = 'propagation';
  const problems: Problem[] = [...unknownKeys(path, section, sectionKeys)];
  const fields = membersOf(section);
  for (const key of ['extract', 'inject'] as const) {
    problems.push(...listOf(`${path}.${key}`, fields[key], formats));
    if (Array.isArray(fields[key]) && fields[key].includes('custom') && fields['custom'] === undefined) {
      problems.push({ path: `${path}.${key}`, actual: fields[key], allowed: '`custom` needs propagation.custom' });
    }
  }
  problems.push(...oneOf(`${path}.policy`, fields['policy'], policies));
  for (const key of ['conflictLinks', 'brokerLinks'] as const) {
    if (fields[key] !== undefined && typeof fields[key] !== 'boolean') {
      problems.push({ path: `${path}.${key}`, actual: fields[key], allowed: 'true or false is expected' });
    }
  }
  problems.push(...baggage(`${path}.baggage`, fields['baggage']));
  if (fields['custom'] !== undefined) problems.push(...custom(`${path}.custom`, fields['custom']));
  if (fields['sources'] !== undefined) {
    problems.push(...unknownKeys(`${path}.sources`, fields['sources'], sources));
    for (const [name, policy] of Object.entries(membersOf(fields['sources']))) {
      problems.push(...source(`${path}.sources.${name}`, policy));
    }
  }
  return problems;
};

const source = (path: string, policy: unknown): Problem[] => {
  const problems: Problem[] = [...unknownKeys(path, policy, ['policy', 'trustedAccounts', 'baggage'])];
  const fields = membersOf(policy);
  problems.push(
    ...oneOf(`${path}.policy`, fields['policy'], policies),
    ...baggage(`${path}.baggage`, fields['baggage']),
  );
  const accounts = fields['trustedAccounts'];
  const isAccount = (account: unknown) => typeof account === 'string' && /^\d{12}$/.test(account);
  if (accounts !== undefined && !(Array.isArray(accounts) && accounts.every(isAccount))) {
    problems.push({
      path: `${path}.trustedAccounts`,
      actual: accounts,
      allowed: 'a list of 12-digit account ids is expected',
    });
  }
  return problems;
};

const custom = (path: string, format: unknown): Problem[] => {
  const problems: Problem[] = [...unknownKeys(path, format, ['fields', 'encoding', 'names', 'decode', 'encode'])];
  const { fields, encoding, names, decode, encode } = membersOf(format);
  problems.push(...oneOf(`${path}.encoding`, encoding, encodings));
  if (fields === undefined && decode === undefined && encode === undefined) {
    problems.push({ path, actual: format, allowed: '`fields`, or `decode` and `encode`, are expected' });
  }
  if (fields !== undefined) {
    problems.push(...unknownKeys(`${path}.fields`, fields, ['traceId', 'spanId', 'sampled']));
    const parts = membersOf(fields);
    for (const part of ['traceId', 'spanId', 'sampled']) {
      if (part !== 'traceId' && parts[part] === undefined) continue;
      if (typeof parts[part] !== 'string' || parts[part] === '') {
        problems.push({
          path: `${path}.fields.${part}`,
          actual: parts[part],
          allowed: 'the name of a field is expected',
        });
      }
    }
  }
  if (
    names !== undefined &&
    !(Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== ''))
  ) {
    problems.push({ path: `${path}.names`, actual: names, allowed: 'a list of names is expected' });
  }
  for (const [key, value] of Object.entries({ decode, encode })) {
    if (value !== undefined && typeof value !== 'function') {
      problems.push({ path: `${path}.${key}`, actual: value, allowed: 'a function is expected' });
    }
  }
  return problems;
};

const baggage = (path: string, value: unknown): Problem[] => {
  if (value === undefined || value === 'all' || value === 'none') return [];
  if (Array.isArray(value) && value.every((key) => typeof key === 'string')) return [];
  return [{ path, actual: value, allowed: '`all`, `none` or a list of keys is expected' }];
};

const oneOf = (path: string, value: unknown, allowed: readonly string[]): Problem[] =>
  value === undefined || allowed.includes(value as string)
    ? []
    : [{ path, actual: value, allowed: `one of ${allowed.join(', ')} is expected` }];

const listOf = (path: string, value: unknown, allowed: readonly string[]): Problem[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ path, actual: value, allowed: `a list of ${allowed.join(', ')} is expected` }];
  return value.flatMap((word, at) => oneOf(`${path}[${at}]`, word ?? null, allowed));
};

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
