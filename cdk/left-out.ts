import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelNames } from '../lib/model/config/alerts.ts';
import type { Config } from '../lib/model/config.ts';

/** Files that stand in for an entry of `imports` in package.json, by its name. */
export type Aliases = Readonly<Record<string, string>>;

export interface Asked {
  readonly root: string;
  readonly functionName: string;
  readonly configFile: string;
  /** Variables that the function is given. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Calls with aliases that leave out of the bundle of a function what it cannot be sent, and what its configuration does not switch on: code
 * that nothing would call costs a cold start all the same. A configuration that cannot be read here leaves nothing of the latter out.
 */
export const withLeftOut = <Made>(
  { root, functionName, configFile, environment }: Asked,
  make: (aliases: Aliases) => Made,
): Made => {
  const config = read(configFile);
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-left-out-'));
  const written = (name: string, text: string): Aliases => {
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, text);
    return { [`#tidemark.${name}`]: file };
  };
  try {
    const sources = sourcesOf[functionName];
    const unused = [
      ...(unreachable[functionName] ?? []),
      ...(config === undefined ? [] : unusedFeatures(config, environment)),
    ];
    const nothing = join(root, 'lib/provider/left-out.ts');
    return make({
      ...Object.fromEntries(unused.map((feature) => [`#tidemark.${feature}`, nothing])),
      ...(config === undefined ? {} : written('channels', channelsModule(root, config))),
      ...(sources === undefined ? {} : written('sources', sourcesModule(root, sources))),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Sources of the events that a function is given (cdk/stacks/functions.ts). @default all */
const sourcesOf: Readonly<Record<string, readonly string[]>> = { 'deliver-alerts': ['sqs', 'http'] };

/**
 * What a function does not do whatever its configuration. Alerts are text, never our protobuf envelope, an aggregate, or the input of a
 * task of Step Functions; their records are handled several at a time, and each continues the trace of its sender.
 */
const unreachable: Readonly<Record<string, readonly string[]>> = {
  'deliver-alerts': ['binary', 'in-order', 'message-span', 'message-spans', 'step-functions'],
};

const read = (configFile: string): Config | undefined => {
  try {
    // In place of import(), since CDK bundles synchronously.
    const { default: config } = createRequire(import.meta.url)(configFile) as { readonly default?: Config };
    return config;
  } catch {
    return undefined;
  }
};

const unusedFeatures = (
  { alerts, propagation, telemetry = {} }: Config,
  environment: Asked['environment'],
): string[] => {
  const { baggage, backEnds = {}, sampling, metrics } = telemetry;
  const { bearer, hmac, topics = [] } = alerts?.inbound ?? {};
  const receivers = Object.values(alerts?.receivers ?? {});
  const redacts = baggage !== undefined || Object.values(backEnds).some(({ redaction }) => redaction !== undefined);
  const ends = Object.values(backEnds);
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const isUsed: Readonly<Record<string, boolean>> = {
    authentication: bearer !== undefined || hmac !== undefined,
    'back-ends': ends.length > 0,
    baggage: baggage !== undefined,
    'custom-format': propagation?.custom !== undefined,
    'encode-json':
      ends.some(({ encoding }) => encoding === 'json') ||
      variables.some((each) => /^OTEL_(EXPORTER_OTLP_(TRACES_)?PROTOCOL=.*json|TRACES_EXPORTER=.*console)/i.test(each)),
    inhibit: alerts?.inhibit !== undefined,
    'managed-prometheus': topics.length > 0,
    'mute-times': alerts?.times !== undefined,
    'old-names': variables.some((each) => each.startsWith('OTEL_SEMCONV_STABILITY_OPT_IN=')),
    pictures: receivers.some(({ picture }) => picture === true),
    redaction: redacts,
    'route-matcher': telemetry.routes !== undefined,
    signing:
      ends.some(({ url, signFor }) => signFor !== undefined || isAws(url)) ||
      variables.some((each) => each.startsWith('OTEL_') && isAws(each)),
    sampling: sampling !== undefined,
    'tell-emf': metrics === undefined || metrics === 'emf',
    'tell-otlp': metrics === 'otlp',
    template: receivers.some(({ template }) => typeof template === 'string'),
  };
  return Object.keys(isUsed).filter((feature) => isUsed[feature] === false);
};

const isAws = (url: string): boolean => url.includes('.amazonaws.com');

/** As lib/alert/channels/index.ts, with those that a receiver names. */
const channelsModule = (root: string, { alerts }: Config): string => {
  const named = new Set(Object.values(alerts?.receivers ?? {}).map(({ channel }) => channel));
  const used = channelNames.filter((name) => named.has(name));
  const imports = used.map(
    (name) => `import { ${name} } from ${JSON.stringify(join(root, `lib/alert/channels/${name}.ts`))};\n`,
  );
  return `${imports.join('')}export const channels = { ${used.join(', ')} };\n`;
};

/** As lib/message/sources/index.ts, in the order of that. */
const sourcesModule = (root: string, names: readonly string[]): string =>
  `${names.map((name) => `import { ${name} } from ${JSON.stringify(join(root, `lib/message/sources/${name}.ts`))};\n`).join('')}export const sources = [${names.join(', ')}];\n`;
