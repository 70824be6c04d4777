import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from '../../cdk/bundle.ts';
import { channelNames } from '../../lib/model/config/alerts.ts';

/** Bytes that each input leaves in a function's bundle; `config`: the text of a configuration file, in place of the project's own. */
const inputsOf = (name: string, config?: string): ReadonlyMap<string, number> => {
  const out = mkdtempSync(join(tmpdir(), 'tidemark-bundle-'));
  try {
    const configFile = join(out, 'tidemark.config.ts');
    if (config !== undefined) writeFileSync(configFile, config);
    const { outputs } = bundle(name, out, config === undefined ? {} : { configFile });
    const [output] = Object.values(outputs);
    return new Map(Object.entries(output?.inputs ?? {}).map(([file, { bytesInOutput }]) => [file, bytesInOutput]));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
};

const file = (config: object) => `export default ${JSON.stringify(config)};`;

const everyChannel = {
  alerts: {
    receivers: Object.fromEntries(channelNames.map((channel) => [channel, { channel, url: 'ssm:/url' }])),
    default: ['slack'],
    inbound: { bearer: 'ssm:/bearer' },
  },
};

const fullTelemetry = {
  sampling: { queue: 'orders' },
  redaction: { strict: {} },
  baggage: 'strict',
  backEnds: { own: { url: 'http://collector:4318/v1/traces', redaction: 'strict' } },
  metrics: 'otlp',
};

/** Without the AWS SDK and what only it brings in. */
const ownBytes = (inputs: ReadonlyMap<string, number>): number =>
  sum(inputs, (each) => !/(^|\/)node_modules\/(?!@opentelemetry\/)/.test(each));

const sum = (inputs: ReadonlyMap<string, number>, of: (file: string) => boolean): number =>
  [...inputs].reduce((total, [file, bytes]) => (of(file) ? total + bytes : total), 0);

test('all channels, their words and their verdicts take 32 KB of deliver-alerts, and the whole room 90 KB', (t) => {
  const inputs = inputsOf('deliver-alerts', file(everyChannel));
  const isWords = (file: string) =>
    file.startsWith('lib/alert/channels/') ||
    /^lib\/(alert\/(say|pack|per-alert|picture|text|markup|words|verdict)|model\/template)\.ts$/.test(file);
  const words = sum(inputs, isWords);
  const room = sum(inputs, (file) => file.startsWith('lib/alert/'));
  t.diagnostic(
    `channels ${words} bytes, lib/alert ${room}, without node_modules ${sum(inputs, (file) => !/(^|\/)node_modules\//.test(file))}`,
  );
  assert.ok(words > 10_000, 'it saw the channels');
  assert.ok(words <= 32_000, `${words} bytes`);
  assert.ok(room <= 90_000, `${room} bytes`);
});

/** What the function takes without its SDK is to come down to 150,000; each limit is what has been reached, with 2 % to spare. */
const limits = {
  'an empty configuration': [undefined, 200_000],
  'every channel': [file(everyChannel), 232_000],
  'every channel and all of telemetry': [file({ ...everyChannel, telemetry: fullTelemetry }), 256_000],
} as const;

for (const [name, [config, most]] of Object.entries(limits)) {
  test(`deliver-alerts with ${name} takes at most ${most} bytes without the AWS SDK`, (t) => {
    const bytes = ownBytes(inputsOf('deliver-alerts', config));
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes > 50_000, 'it saw the function');
    assert.ok(bytes <= most, `${bytes} bytes`);
  });
}

const switchedOn: Readonly<Record<string, object>> = {
  'lib/telemetry/redact.ts': { telemetry: { backEnds: fullTelemetry.backEnds, redaction: fullTelemetry.redaction } },
  'lib/telemetry/detect.ts': { telemetry: { baggage: 'strict', redaction: fullTelemetry.redaction } },
  'lib/adapters/pressure.ts': { telemetry: { sampling: fullTelemetry.sampling } },
  'lib/telemetry/metrics-otlp.ts': { telemetry: { metrics: 'otlp' } },
  'lib/alert/authenticate.ts': { alerts: { receivers: {}, default: [], inbound: { hmac: 'ssm:/hmac' } } },
  'lib/alert/channels/slack.ts': {
    alerts: { receivers: { a: { channel: 'slack', url: 'ssm:/url' } }, default: ['a'] },
  },
};

test('a bundle holds what its configuration switches on, and nothing else of that kind', () => {
  const kept = (config: string) => {
    const inputs = inputsOf('deliver-alerts', config);
    return Object.keys(switchedOn).filter((each) => (inputs.get(each) ?? 0) > 0);
  };
  assert.deepEqual(kept(file({})), []);
  const redaction = ['lib/telemetry/redact.ts', 'lib/telemetry/detect.ts'];
  for (const [each, config] of Object.entries(switchedOn))
    assert.deepEqual(kept(file(config)), redaction.includes(each) ? redaction : [each]);
});

test('a configuration that cannot be read while bundling leaves nothing out', () => {
  const inputs = inputsOf(
    'deliver-alerts',
    `if (process.env.TIDEMARK_TABLE === undefined) throw new Error();\n${file({})}`,
  );
  for (const each of Object.keys(switchedOn)) assert.ok((inputs.get(each) ?? 0) > 0, each);
});
