import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle, bundleFile } from '../../cdk/bundle.ts';
import { channelNames } from '../../lib/model/config/alerts.ts';

/** Bytes that each input leaves in a function's bundle; `config`: the text of a configuration file, in place of the project's own. */
const inputsOf = (
  name: string,
  config?: string,
  environment: Readonly<Record<string, string>> = {},
  /** Where packages are found from, if the configuration needs any. */
  folder = join(tmpdir(), 'tidemark-bundle-'),
): ReadonlyMap<string, number> => {
  const out = mkdtempSync(folder);
  try {
    const configFile = join(out, 'tidemark.config.ts');
    if (config !== undefined) writeFileSync(configFile, config);
    const { outputs } = bundle(name, out, config === undefined ? { environment } : { configFile, environment });
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

/** The bundle as it is minified at last, with the AWS SDK, and so all that only it brings in, left outside. */
const bytesWithoutSdk = (config: object): number => {
  const out = mkdtempSync(join(tmpdir(), 'tidemark-bundle-'));
  try {
    const configFile = join(out, 'tidemark.config.ts');
    writeFileSync(configFile, file(config));
    bundle('deliver-alerts', out, { configFile, external: ['@aws-sdk/*'] });
    const text = readFileSync(join(out, 'index.js'), 'utf8');
    assert.ok(text.includes('@aws-sdk/client-dynamodb') && !text.includes('@smithy/'), 'the SDK is outside');
    const { size } = statSync(join(out, 'index.js'));
    assert.equal(text.length, size, 'ASCII alone: V8 would hold every character in two bytes');
    return size;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
};

/** 150 KB of 1,024 bytes are the goal for all; the others are held where they are, with 2 % to spare. */
const limits = {
  'an empty configuration': [{}, 153_600],
  'every channel': [everyChannel, 185_500],
  'every channel and all of telemetry': [{ ...everyChannel, telemetry: fullTelemetry }, 214_900],
} as const;

for (const [name, [config, most]] of Object.entries(limits)) {
  test(`deliver-alerts with ${name} takes at most ${most} bytes without the AWS SDK`, (t) => {
    const bytes = bytesWithoutSdk(config);
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes > 50_000, 'it saw the function');
    assert.ok(bytes <= most, `${bytes} bytes`);
  });
}

const alerts = { receivers: {}, default: [] };
const robot = { channel: 'wecom', url: 'ssm:/url' };
const end = { url: 'https://collector.example/v1/traces' };
const telemetryOf = (backEnd: object) => ({ telemetry: { backEnds: { own: { ...end, ...backEnd } } } });

/** What a configuration brings into the bundle that an empty one does not. */
const switchedOn: readonly (readonly [config: object, files: readonly string[]])[] = [
  [{ alerts: { ...alerts, inbound: { hmac: 'ssm:/hmac' } } }, ['lib/alert/authenticate.ts']],
  [
    { alerts: { ...alerts, inbound: { topics: ['arn:aws:sns:eu-central-1:123456789012:alarms'] } } },
    ['lib/alert/inbound/managed-prometheus.ts'],
  ],
  [
    { alerts: { ...alerts, times: { nights: [{ times: [{ start: '22:00', end: '24:00' }] }] } } },
    ['lib/alert/mute-times.ts'],
  ],
  [
    { alerts: { receivers: { a: { channel: 'slack', url: 'ssm:/url' } }, default: ['a'] } },
    ['lib/alert/channels/slack.ts'],
  ],
  [
    { alerts: { receivers: { a: { ...robot, picture: true } }, default: ['a'] } },
    ['lib/alert/channels/wecom.ts', 'lib/adapters/s3.ts'],
  ],
  [
    { alerts: { receivers: { a: { ...robot, template: '{{alertname}}' } }, default: ['a'] } },
    ['lib/alert/channels/wecom.ts', 'lib/model/template.ts'],
  ],
  [{ propagation: { custom: { fields: { traceId: 'x-id' } } } }, ['lib/propagation/formats/custom.ts']],
  [telemetryOf({}), ['lib/provider/configured-back-ends.ts']],
  [telemetryOf({ encoding: 'json' }), ['lib/provider/configured-back-ends.ts', 'lib/telemetry/encode-json.ts']],
  [telemetryOf({ signFor: 'xray' }), ['lib/provider/configured-back-ends.ts', 'lib/adapters/sigv4.ts']],
  [
    { telemetry: { backEnds: { own: { ...end, redaction: 'strict' } }, redaction: { strict: {} } } },
    ['lib/provider/configured-back-ends.ts', 'lib/telemetry/redact.ts'],
  ],
  [{ telemetry: { baggage: 'strict', redaction: { strict: {} } } }, ['lib/telemetry/redact.ts']],
  [{ telemetry: { sampling: { queue: 'orders' } } }, ['lib/adapters/pressure.ts']],
  [{ telemetry: { metrics: 'otlp' } }, ['lib/telemetry/metrics-otlp.ts']],
  [{ alerts: { ...alerts, inhibit: [{ source: ['a="b"'], target: ['c="d"'] }] } }, ['lib/alert/inhibit.ts']],
  [
    { telemetry: { ...telemetryOf({}).telemetry, routes: [{ service: 'shop', backEnds: ['own'] }] } },
    ['lib/provider/configured-back-ends.ts', 'lib/telemetry/route-matcher.ts'],
  ],
];
const allSwitched = [...new Set(switchedOn.flatMap(([, files]) => files))];
const never = ['lib/message/sources/kafka.ts', 'lib/message/envelope.ts', 'node_modules/@opentelemetry/api/build'];

const kept = (inputs: ReadonlyMap<string, number>) => allSwitched.filter((each) => (inputs.get(each) ?? 0) > 0).sort();

test('a bundle holds what its configuration switches on, and nothing else of that kind', () => {
  const empty = inputsOf('deliver-alerts', file({}));
  assert.deepEqual(kept(empty), []);
  for (const each of never)
    assert.equal(
      sum(empty, (input) => input.startsWith(each)),
      0,
      each,
    );
  for (const [config, files] of switchedOn)
    assert.deepEqual(kept(inputsOf('deliver-alerts', file(config))), [...files].sort(), JSON.stringify(config));
});

test('what the variables of a function ask for is in its bundle', () => {
  for (const [environment, files] of [
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, ['lib/telemetry/encode-json.ts']],
    [{ OTEL_TRACES_EXPORTER: 'console' }, ['lib/telemetry/encode-json.ts']],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://xray.eu-central-1.amazonaws.com/v1/traces' },
      ['lib/adapters/sigv4.ts'],
    ],
    [{ OTHER: 'https://xray.eu-central-1.amazonaws.com' }, []],
  ] as const)
    assert.deepEqual(kept(inputsOf('deliver-alerts', file({}), environment)), files, JSON.stringify(environment));
});

test('a configuration that uses the API of OpenTelemetry gets the real one', () => {
  const config = `import { trace } from '@opentelemetry/api';
    export default { alerts: { receivers: { a: { channel: 'slack', url: 'ssm:/url', template: () => String(trace.getActiveSpan()) } }, default: ['a'] } };`;
  const inputs = inputsOf('deliver-alerts', config, {}, join(import.meta.dirname, '../../.cache-new-bundle-'));
  assert.ok(sum(inputs, (each) => each.startsWith('node_modules/@opentelemetry/api/build')) > 5000);
  assert.equal(inputs.get('lib/provider/opentelemetry-api.ts') ?? 0, 0);
});

test('an entry that uses the API of OpenTelemetry gets the real one, any other our part of it; tracing alone stays below 40,000 bytes', () => {
  const folder = mkdtempSync(join(import.meta.dirname, '../../.cache-new-bundle-'));
  try {
    const text = `import { createTracing, systemNanos, systemRandom } from '../lib/index.ts';
      const { tracer } = createTracing({ env: process.env, nanos: systemNanos, random: systemRandom });`;
    const ours = `${text} export const handler = async () => tracer.startSpan('work').end();`;
    const theirs = `import { trace } from '@opentelemetry/api'; ${text}
      export const handler = async () => [tracer, trace.getTracer('mine')].map((each) => each.startSpan('work').end());`;
    const inputsFor = (entry: string) => {
      writeFileSync(join(folder, 'entry.ts'), entry);
      return Object.keys(bundleFile(join(folder, 'entry.ts'), join(folder, 'out')).inputs);
    };
    const real = (inputs: readonly string[]) => inputs.some((each) => each.includes('@opentelemetry/api/build'));
    const own = (inputs: readonly string[]) => inputs.includes('lib/provider/opentelemetry-api.ts');
    const inputs = inputsFor(ours);
    assert.deepEqual([real(inputs), own(inputs)], [false, true]);
    assert.ok(statSync(join(folder, 'out/index.js')).size < 40_000);
    const used = inputsFor(theirs);
    assert.deepEqual([real(used), own(used)], [true, false]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a configuration that cannot be read while bundling leaves nothing out', () => {
  const inputs = inputsOf(
    'deliver-alerts',
    `if (process.env.TIDEMARK_TABLE === undefined) throw new Error();\n${file({})}`,
  );
  for (const each of allSwitched) assert.ok((inputs.get(each) ?? 0) > 0, each);
});
