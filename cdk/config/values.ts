import type { Problem } from './problem.ts';

/** Checks of single values and of objects of them; what is not there is no problem. */
export type Fields = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Each member of an object of named members. */
export const each = (
  path: string,
  members: unknown,
  check: (path: string, member: unknown, name: string) => readonly Problem[],
): readonly Problem[] => {
  if (members === undefined) return [];
  if (!isRecord(members)) return [{ path, actual: members, allowed: 'an object of names and members is expected' }];
  return Object.entries(members).flatMap(([name, member]) => check(`${path}.${name}`, member, name));
};

export const oneOf = (path: string, value: unknown, allowed: readonly string[]): readonly Problem[] =>
  value === undefined || allowed.includes(value as string)
    ? []
    : [{ path, actual: value, allowed: `one of ${allowed.join(', ')} is expected` }];

export const texts = (path: string, fields: Fields, keys: readonly string[]): readonly Problem[] =>
  keys
    .filter((key) => fields[key] !== undefined && (typeof fields[key] !== 'string' || fields[key] === ''))
    .map((key) => ({ path: `${path}.${key}`, actual: fields[key], allowed: 'a text is expected' }));

export const required = (path: string, fields: Fields, keys: readonly string[]): readonly Problem[] =>
  keys
    .filter((key) => fields[key] === undefined)
    .map((key) => ({ path: `${path}.${key}`, actual: undefined, allowed: 'is required' }));

export const textMap = (path: string, value: unknown): readonly Problem[] => {
  if (value === undefined) return [];
  if (!isRecord(value)) return [{ path, actual: value, allowed: 'an object of texts is expected' }];
  return Object.entries(value)
    .filter(([, text]) => typeof text !== 'string')
    .map(([name, actual]) => ({ path: `${path}.${name}`, actual, allowed: 'a text is expected' }));
};

/** true or false. */
export const flags = (path: string, fields: Fields, keys: readonly string[]): readonly Problem[] =>
  keys
    .filter((key) => fields[key] !== undefined && typeof fields[key] !== 'boolean')
    .map((key) => ({ path: `${path}.${key}`, actual: fields[key], allowed: 'true or false is expected' }));

/** Where a secret is to be found; one that stands there itself is not shown. */
export const secretReference = (path: string, value: unknown): readonly Problem[] =>
  value === undefined || (typeof value === 'string' && /^(secretsmanager|ssm|env):\S+$/.test(value))
    ? []
    : [
        {
          path,
          actual: typeof value === 'string' ? '(not shown)' : value,
          allowed: 'a reference is expected: secretsmanager:name, ssm:name or env:NAME',
        },
      ];
