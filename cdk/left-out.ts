import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelNames } from '../lib/model/config/alerts.ts';
import type { Config } from '../lib/model/config.ts';

/** Files that stand in for an entry of `imports` in package.json, by its name. */
export type Aliases = Readonly<Record<string, string>>;

/**
 * Calls with aliases that leave out of a bundle what its configuration does not switch on: code that nothing would call costs a cold
 * start all the same. A configuration that cannot be read here leaves nothing out.
 */
export const withLeftOut = <Made>(root: string, configFile: string, make: (aliases: Aliases) => Made): Made => {
  const config = read(configFile);
  if (config === undefined) return make({});
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-channels-'));
  try {
    const channels = join(folder, 'channels.ts');
    writeFileSync(channels, channelsModule(root, config));
    const nothing = join(root, 'lib/provider/left-out.ts');
    const unused = unusedFeatures(config).map((feature) => [feature, nothing]);
    return make({ ...Object.fromEntries(unused), '#tidemark.channels': channels });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

const unusedFeatures = ({ alerts, telemetry = {} }: Config): string[] => {
  const { baggage, backEnds = {}, sampling, metrics } = telemetry;
  const { bearer, hmac } = alerts?.inbound ?? {};
  const redacts = baggage !== undefined || Object.values(backEnds).some(({ redaction }) => redaction !== undefined);
  return [
    ...(bearer === undefined && hmac === undefined ? ['#tidemark.authentication'] : []),
    ...(redacts ? [] : ['#tidemark.redaction']),
    ...(sampling === undefined ? ['#tidemark.sampling'] : []),
    ...(metrics === 'otlp' ? [] : ['#tidemark.metrics-otlp']),
  ];
};

/** As lib/alert/channels/index.ts, with those that a receiver names. */
const channelsModule = (root: string, { alerts }: Config): string => {
  const named = new Set(Object.values(alerts?.receivers ?? {}).map(({ channel }) => channel));
  const used = channelNames.filter((name) => named.has(name));
  const imports = used.map(
    (name) => `import { ${name} } from ${JSON.stringify(join(root, `lib/alert/channels/${name}.ts`))};\n`,
  );
  return `${imports.join('')}export const channels = { ${used.join(', ')} };\n`;
};
