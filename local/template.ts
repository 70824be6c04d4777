import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/model/failure.ts';

export interface Resource {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;
}

export interface Assembly {
  readonly resources: readonly Resource[];
  /** The folder of a file asset by its S3 key in the template. */
  readonly asset: (key: string) => string;
  /** A property value with every intrinsic function worked out. */
  readonly resolve: (stack: string, value: unknown) => unknown;
  readonly outputs: () => Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export const accountId = '000000000000';
export const region = 'us-east-1';

interface Template {
  readonly Resources?: Record<
    string,
    { readonly Type: string; readonly Properties?: Record<string, unknown>; readonly Condition?: string }
  >;
  readonly Outputs?: Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>;
  readonly Parameters?: Record<string, { readonly Default?: unknown }>;
  readonly Conditions?: Record<string, unknown>;
  readonly Mappings?: Record<string, Record<string, Record<string, unknown>>>;
}

/** Reads all templates of a synthesised assembly. `attribute` knows what Ref (`Ref`) and Fn::GetAtt answer for a resource. */
export const readAssembly = (folder: string, attribute: (resource: Resource, name: string) => unknown): Assembly => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.template.json'));
  if (files.length === 0)
    throw new Failure('not-found', 'holds no templates; run `npm run synth` first', { where: folder });
  const templates = new Map<string, Template>();
  const assets = new Map<string, string>();
  for (const file of files) {
    const stack = file.replace('.template.json', '');
    templates.set(stack, JSON.parse(readFileSync(join(folder, file), 'utf8')) as Template);
    const manifest = JSON.parse(readFileSync(join(folder, `${stack}.assets.json`), 'utf8')) as {
      files?: Record<string, { source: { path?: string }; destinations: Record<string, { objectKey: string }> }>;
    };
    for (const { source, destinations } of Object.values(manifest.files ?? {})) {
      for (const { objectKey } of Object.values(destinations))
        if (source.path !== undefined) assets.set(objectKey, join(folder, source.path));
    }
  }
  const resources = [...templates].flatMap(([stack, template]) =>
    Object.entries(template.Resources ?? {}).map(([logicalId, { Type, Properties = {} }]) => ({
      stack,
      logicalId,
      type: Type,
      properties: Properties,
    })),
  );
  const byId = new Map(resources.map((resource) => [`${resource.stack}/${resource.logicalId}`, resource]));
  const pseudo: Record<string, unknown> = {
    'AWS::AccountId': accountId,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::NoValue': undefined,
  };
  const refer = (stack: string, id: string, name: string): unknown => {
    if (name === 'Ref') {
      if (id === 'AWS::StackName') return stack;
      if (id === 'AWS::StackId') return `arn:aws:cloudformation:${region}:${accountId}:stack/${stack}/0`;
      if (Object.hasOwn(pseudo, id)) return pseudo[id];
      const parameter = templates.get(stack)?.Parameters?.[id];
      if (parameter !== undefined) return parameter.Default;
    }
    const resource = byId.get(`${stack}/${id}`);
    if (resource === undefined)
      throw new Failure('bad-input', `refers to ${id}, which is not in the template`, { where: stack });
    return attribute(resource, name);
  };
  const output = (stack: string, name: string): unknown => {
    const found = templates.get(stack)?.Outputs?.[name];
    if (found === undefined) throw new Failure('bad-input', `has no output ${name}`, { where: stack });
    return resolve(stack, found.Value);
  };
  const imported = (name: unknown): unknown => {
    for (const [stack, template] of templates) {
      for (const each of Object.values(template.Outputs ?? {})) {
        if (each.Export !== undefined && resolve(stack, each.Export.Name) === name) return resolve(stack, each.Value);
      }
    }
    throw new Failure('bad-input', `nothing exports ${String(name)}`, { where: folder });
  };
  const condition = (stack: string, value: unknown): boolean => {
    if (typeof value === 'string') return condition(stack, templates.get(stack)?.Conditions?.[value]);
    const [name, operand] = Object.entries((value ?? {}) as Record<string, unknown>)[0] ?? [];
    const list = (Array.isArray(operand) ? operand : [operand]) as unknown[];
    if (name === 'Condition') return condition(stack, operand);
    if (name === 'Fn::Equals')
      return JSON.stringify(resolve(stack, list[0])) === JSON.stringify(resolve(stack, list[1]));
    if (name === 'Fn::Not') return !condition(stack, list[0]);
    if (name === 'Fn::And') return list.every((each) => condition(stack, each));
    if (name === 'Fn::Or') return list.some((each) => condition(stack, each));
    return false;
  };
  const substitute = (stack: string, operand: unknown): string => {
    const [text, own] = (Array.isArray(operand) ? operand : [operand, {}]) as [string, Record<string, unknown>];
    return text.replace(/\$\{(!?)([^}]+)\}/g, (whole, literal: string, name: string) => {
      if (literal === '!') return `\${${name}}`;
      if (Object.hasOwn(own, name)) return String(resolve(stack, own[name]));
      const [id = '', ...rest] = name.split('.');
      return String(rest.length === 0 ? refer(stack, id, 'Ref') : refer(stack, id, rest.join('.'))) ?? whole;
    });
  };
  const intrinsic: Record<string, (stack: string, operand: unknown) => unknown> = {
    Ref: (stack, id) => refer(stack, String(id), 'Ref'),
    'Fn::GetAtt': (stack, operand) => {
      const [id = '', ...rest] = Array.isArray(operand) ? (operand as string[]) : String(operand).split('.');
      return refer(stack, id, rest.join('.'));
    },
    'Fn::Join': (stack, operand) => {
      const [separator, parts] = operand as [string, unknown];
      return (resolve(stack, parts) as unknown[]).join(separator);
    },
    'Fn::Sub': substitute,
    'Fn::Select': (stack, operand) => {
      const [index, list] = operand as [unknown, unknown];
      return (resolve(stack, list) as unknown[])[Number(resolve(stack, index))];
    },
    'Fn::Split': (stack, operand) => {
      const [separator, text] = operand as [string, unknown];
      return String(resolve(stack, text)).split(separator);
    },
    'Fn::If': (stack, operand) => {
      const [name, yes, no] = operand as [string, unknown, unknown];
      return resolve(stack, condition(stack, name) ? yes : no);
    },
    'Fn::ImportValue': (stack, name) => imported(resolve(stack, name)),
    'Fn::GetStackOutput': (stack, operand) => {
      const { StackName, OutputName } = resolve(stack, operand) as { StackName: string; OutputName: string };
      return output(StackName, OutputName);
    },
    'Fn::Base64': (stack, text) => Buffer.from(String(resolve(stack, text))).toString('base64'),
    'Fn::FindInMap': (stack, operand) => {
      const [map = '', first = '', second = ''] = (resolve(stack, operand) as unknown[]).map(String);
      return templates.get(stack)?.Mappings?.[map]?.[first]?.[second];
    },
  };
  const resolve = (stack: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((each) => resolve(stack, each)).filter((each) => each !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, operand] = entries[0] ?? [];
    if (entries.length === 1 && name !== undefined && Object.hasOwn(intrinsic, name))
      return intrinsic[name]?.(stack, operand);
    return Object.fromEntries(
      entries.map(([key, each]) => [key, resolve(stack, each)]).filter(([, each]) => each !== undefined),
    );
  };
  return {
    resources,
    asset: (key) => {
      const path = assets.get(key);
      if (path === undefined) throw new Failure('not-found', `no asset has the key ${key}`, { where: folder });
      return path;
    },
    resolve,
    outputs: () =>
      Object.fromEntries(
        [...templates].map(([stack, template]) => [
          stack,
          Object.fromEntries(
            Object.entries(template.Outputs ?? {}).map(([name, { Value }]) => [name, resolve(stack, Value)]),
          ),
        ]),
      ),
  };
};
