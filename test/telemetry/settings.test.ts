import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readFunctionSettings } from '../../lib/telemetry/function-settings.ts';
import { readMetricsSettings, readSettings as readTracing } from '../../lib/telemetry/settings.ts';

/** All that is read of the environment, by all readers; what holds for all signals is read for each. */
const readSettings = (env: Env) => {
  const tracing = readTracing(env);
  const own = readFunctionSettings(env);
  const metrics = readMetricsSettings(env);
  const warnings = new Set([...tracing.warnings, ...metrics.warnings, ...own.warnings]);
  return { ...tracing, ...own, metrics: metrics.otlp, warnings: [...warnings] };
};
type Settings = ReturnType<typeof readSettings>;

type Env = Readonly<Record<string, string>>;
interface Variable {
  readonly name: string;
  /** What the value is read into. */
  readonly of: (settings: Settings) => unknown;
  readonly otherwise: unknown;
  readonly good: Readonly<Record<string, unknown>>;
  readonly bad: readonly string[];
  /** What has to be set besides. */
  readonly beside?: Env;
}

const attributes =
  (limit: keyof Settings['limits']) =>
  ({ limits }: Settings) =>
    limits[limit];
const count = { good: { '0': 0, '1': 1, '64': 64 }, bad: ['-1', 'many', '1.5', '１２'] };
const positive = { good: { '1': 1, '700': 700 }, bad: ['0', '-5', 'x', '1e3'] };
const loopback = 'http://localhost:4318/v1/traces';

const variables: readonly Variable[] = [
  {
    name: 'OTEL_SDK_DISABLED',
    of: ({ disabled }) => disabled,
    otherwise: false,
    good: { true: true, TRUE: true, false: false },
    bad: ['yes', '1'],
  },
  {
    name: 'OTEL_SERVICE_NAME',
    of: ({ resource }) => resource['service.name'],
    otherwise: 'unknown_service:node',
    good: { orders: 'orders', 订单: '订单' },
    bad: [],
  },
  {
    name: 'OTEL_RESOURCE_ATTRIBUTES',
    of: ({ resource }) => resource['deployment.environment.name'],
    otherwise: undefined,
    good: {
      'deployment.environment.name=prod': 'prod',
      'a=1, deployment.environment.name = a%2Cb%3D%E6%BC%A2 ,': 'a,b=漢',
    },
    bad: ['deployment.environment.name', '=x', 'deployment.environment.name=%', 'deployment.environment.name=x,y'],
  },
  {
    name: 'OTEL_TRACES_SAMPLER',
    of: ({ sampler }) => sampler.name,
    otherwise: 'parentbased_traceidratio',
    good: {
      always_on: 'always_on',
      Always_Off: 'always_off',
      traceidratio: 'traceidratio',
      parentbased_always_on: 'parentbased_always_on',
    },
    bad: ['sometimes', 'jaeger_remote', 'toString'],
  },
  {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    of: ({ sampler }) => sampler.ratio,
    otherwise: 0.01,
    good: { '0': 0, '1': 1, '0.25': 0.25, '1e-3': 0.001 },
    bad: ['1.1', '-0.1', 'half', 'NaN', 'Infinity'],
  },
  {
    name: 'OTEL_TRACES_EXPORTER',
    of: ({ exporter }) => exporter,
    otherwise: 'otlp',
    good: { otlp: 'otlp', console: 'console', none: 'none' },
    bad: ['zipkin', 'otlp,console'],
  },
  ...['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].map((name) => ({
    name,
    of: ({ otlp }: Settings) => otlp.url,
    otherwise: loopback,
    good: name.includes('TRACES')
      ? {
          'http://collector:4318/in': 'http://collector:4318/in',
          'HTTP://Collector:4318/In#part': 'http://Collector:4318/In',
          'https://x.example/v1/traces?a=1': 'https://x.example/v1/traces?a=1',
        }
      : {
          'http://collector:4318': 'http://collector:4318/v1/traces',
          'http://collector:4318/': 'http://collector:4318/v1/traces',
          'https://x.example/otlp': 'https://x.example/otlp/v1/traces',
          'https://x.example/otlp/?key=1': 'https://x.example/otlp/v1/traces?key=1',
          'https://x.example?path=/a/?b#c': 'https://x.example/v1/traces?path=/a/?b',
          'HTTPS://[2001:db8::1]:4318': 'https://[2001:db8::1]:4318/v1/traces',
        },
    bad: [
      ...['collector:4318', 'ftp://x', 'http://', 'http:x', 'http:///x', 'http://x:99999', 'http://[::1'],
      ...['http://user:pass@x', 'HTTPS://user@x', 'http:user@x', 'http:///user@x', 'http:\\\\user@x', 'http://:@x'],
    ],
  })),
  ...['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'].map((name) => ({
    name,
    of: ({ otlp }: Settings) => otlp.headers,
    otherwise: {},
    good: {
      'api-key=abc,x=a%20b': { 'api-key': 'abc', x: 'a b' },
      'authorization=Basic YTpi==': { authorization: 'Basic YTpi==' },
    },
    bad: ['api-key', 'a=%zz'],
  })),
  ...['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].map((name) => ({
    name,
    of: ({ otlp }: Settings) => otlp.encoding,
    otherwise: 'protobuf',
    good: { 'http/protobuf': 'protobuf', 'http/json': 'json' },
    bad: ['grpc', 'http'],
  })),
  ...['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'].map((name) => ({
    name,
    of: ({ otlp }: Settings) => otlp.compression,
    otherwise: 'none',
    good: { gzip: 'gzip', none: 'none', zstd: 'zstd' },
    bad: ['brotli', '9'],
  })),
  ...['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'].map((name) => ({
    name,
    of: ({ otlp }: Settings) => otlp.timeoutMs,
    otherwise: 10_000,
    ...positive,
  })),
  ...(['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'] as const).flatMap((word, at) =>
    ['OTEL_EXPORTER_OTLP_TRACES_', 'OTEL_EXPORTER_OTLP_'].map((prefix) => ({
      name: `${prefix}${word}`,
      of: ({ otlp }: Settings) => otlp.tls[(['ca', 'cert', 'key'] as const)[at] as 'ca'],
      otherwise: undefined,
      good: { '/opt/x.pem': '/opt/x.pem' },
      bad: [],
    })),
  ),
  {
    name: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    of: ({ metrics }) => metrics.url,
    otherwise: 'http://localhost:4318/v1/metrics',
    good: { 'http://collector:4318/in': 'http://collector:4318/in' },
    bad: ['collector:4318', 'http://user:pass@x'],
  },
  {
    name: 'OTEL_EXPORTER_OTLP_METRICS_HEADERS',
    of: ({ metrics }) => metrics.headers,
    otherwise: {},
    good: { 'api-key=abc': { 'api-key': 'abc' } },
    bad: ['api-key'],
  },
  {
    name: 'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL',
    of: ({ metrics }) => metrics.encoding,
    otherwise: 'protobuf',
    good: { 'http/protobuf': 'protobuf', 'http/json': 'json' },
    bad: ['grpc'],
  },
  {
    name: 'OTEL_EXPORTER_OTLP_METRICS_COMPRESSION',
    of: ({ metrics }) => metrics.compression,
    otherwise: 'none',
    good: { gzip: 'gzip' },
    bad: ['brotli'],
  },
  {
    name: 'OTEL_EXPORTER_OTLP_METRICS_TIMEOUT',
    of: ({ metrics }) => metrics.timeoutMs,
    otherwise: 10_000,
    ...positive,
  },
  ...(['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'] as const).map((word, at) => ({
    name: `OTEL_EXPORTER_OTLP_METRICS_${word}`,
    of: ({ metrics }: Settings) => metrics.tls[(['ca', 'cert', 'key'] as const)[at] as 'ca'],
    otherwise: undefined,
    good: { '/opt/x.pem': '/opt/x.pem' },
    bad: [],
  })),
  { name: 'OTEL_BSP_MAX_QUEUE_SIZE', of: ({ batch }) => batch.maxQueue, otherwise: 2048, ...positive },
  {
    name: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    of: ({ batch }) => batch.maxBatch,
    otherwise: 2048,
    good: { '1': 1, '2048': 2048 },
    bad: ['0', '2049', 'x'],
  },
  { name: 'OTEL_BSP_SCHEDULE_DELAY', of: ({ batch }) => batch.delayMs, otherwise: 5000, ...count },
  { name: 'OTEL_BSP_EXPORT_TIMEOUT', of: ({ batch }) => batch.timeoutMs, otherwise: 10_000, ...positive },
  ...['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'].map((name) => ({
    name,
    of: attributes('attributes'),
    otherwise: 128,
    ...count,
  })),
  ...['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'].map((name) => ({
    name,
    of: attributes('valueLength'),
    otherwise: Number.POSITIVE_INFINITY,
    ...count,
  })),
  { name: 'OTEL_SPAN_EVENT_COUNT_LIMIT', of: attributes('events'), otherwise: 128, ...count },
  { name: 'OTEL_SPAN_LINK_COUNT_LIMIT', of: attributes('links'), otherwise: 1000, ...count },
  { name: 'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', of: attributes('eventAttributes'), otherwise: 128, ...count },
  { name: 'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', of: attributes('linkAttributes'), otherwise: 128, ...count },
  {
    name: 'OTEL_PROPAGATORS',
    of: ({ propagators }) => propagators,
    otherwise: undefined,
    good: {
      'tracecontext,baggage': ['tracecontext', 'baggage'],
      'B3, xray': ['b3', 'xray'],
      none: ['none'],
    },
    bad: ['ottrace', 'w3c'],
  },
  {
    name: 'OTEL_LOG_LEVEL',
    of: ({ logLevel }) => logLevel,
    otherwise: 'info',
    good: { debug: 'debug', ALL: 'debug', verbose: 'debug', warn: 'warn', error: 'error', none: 'none' },
    bad: ['trace', '3'],
  },
];

for (const { name, of, otherwise, good, bad, beside = {} } of variables) {
  test(`${name}: absent or empty means ${JSON.stringify(otherwise)}, without a warning`, () => {
    for (const env of [beside, { ...beside, [name]: '' }, { ...beside, [name]: '  ' }]) {
      const settings = readSettings(env);
      assert.deepEqual(of(settings), otherwise);
      assert.deepEqual(settings.warnings, []);
    }
  });
  test(`${name} is honoured`, () => {
    for (const [value, expected] of Object.entries(good)) {
      const settings = readSettings({ ...beside, [name]: ` ${value} ` });
      assert.deepEqual(of(settings), expected, value);
      assert.deepEqual(settings.warnings, [], value);
    }
  });
  for (const value of bad) {
    test(`${name}=${value} gives one warning that names it, and the default`, () => {
      const settings = readSettings({ ...beside, [name]: value });
      assert.deepEqual(of(settings), otherwise);
      assert.equal(settings.warnings.length, 1, settings.warnings.join('\n'));
      assert.ok(settings.warnings[0]?.startsWith(`${name} `), settings.warnings[0]);
    });
  }
}

test('what is told for traces prevails over what is told for all signals', () => {
  const { otlp } = readSettings({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:1',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_TIMEOUT: '1',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2',
  });
  assert.equal(otlp.url, 'http://traces:1');
  assert.deepEqual(otlp.headers, { a: '1', b: '2' });
  assert.equal(otlp.encoding, 'json');
  assert.equal(otlp.timeoutMs, 2);
});

test('a wrong value for traces leaves the one for all signals', () => {
  const { otlp, warnings } = readSettings({
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 'soon',
    OTEL_EXPORTER_OTLP_TIMEOUT: '7',
  });
  assert.equal(otlp.timeoutMs, 7);
  assert.deepEqual(warnings, [
    'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is "soon"; expected is a whole number of at least 1. OTEL_EXPORTER_OTLP_TIMEOUT is used.',
  ]);
});

test('spans for another machine are compressed, unless that is declined', () => {
  const far = 'https://collector.example:4318';
  assert.equal(readSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: far }).otlp.compression, 'gzip');
  assert.equal(
    readSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: far, OTEL_EXPORTER_OTLP_COMPRESSION: 'none' }).otlp.compression,
    'none',
  );
  for (const near of [
    'http://127.0.0.1:4318',
    'http://127.9.9.9',
    'http://[::1]:4318',
    'HTTP://LocalHost',
    'http://localhost?a',
  ]) {
    assert.equal(readSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: near }).otlp.compression, 'none');
  }
  for (const other of ['http://localhost.example', 'http://localhost1', 'http://[::2]']) {
    assert.equal(readSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: other }).otlp.compression, 'gzip', other);
  }
});

test('a batch is no larger than the queue, without a warning', () => {
  assert.deepEqual(readSettings({ OTEL_BSP_MAX_QUEUE_SIZE: '100' }).batch.maxBatch, 100);
});

test('the argument of a sampler that has none is not looked at', () => {
  assert.deepEqual(readSettings({ OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: 'x' }).warnings, []);
});

test('no warning shows what may be a secret', () => {
  const { warnings } = readSettings({
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 's3cret',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:s3cret@x',
  });
  assert.equal(warnings.length, 3);
  assert.ok(!warnings.join().includes('s3cret') && !warnings.join().includes('api-key '));
});

test('the resource tells of the function, and what is told explicitly prevails', () => {
  const lambda = {
    AWS_LAMBDA_FUNCTION_NAME: 'take-orders',
    AWS_LAMBDA_FUNCTION_VERSION: '7',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/take-orders',
    AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/01/[7]abc',
    AWS_REGION: 'eu-central-1',
  };
  const { resource } = readSettings(lambda);
  assert.deepEqual(resource, {
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'tidemark',
    'telemetry.sdk.version': '0.1.0',
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': 'eu-central-1',
    'faas.name': 'take-orders',
    'faas.version': '7',
    'faas.instance': '2026/01/01/[7]abc',
    'faas.max_memory': 536_870_912,
    'aws.log.group.names': ['/aws/lambda/take-orders'],
    'service.name': 'take-orders',
  });
  const told = readSettings({
    ...lambda,
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,cloud.region=mars',
    OTEL_SERVICE_NAME: 'b',
  });
  assert.equal(told.resource['cloud.region'], 'mars');
  assert.equal(told.resource['service.name'], 'b');
  assert.equal(readSettings({ ...lambda, OTEL_RESOURCE_ATTRIBUTES: 'service.name=a' }).resource['service.name'], 'a');
});

test('whatever the environment holds, it is read without a throw, and at most one warning a variable', () => {
  const names = variables.map(({ name }) => name);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary' })), (env) => {
      const { warnings } = readSettings(env);
      const named = warnings.map((warning) => warning.slice(0, warning.indexOf(' ')));
      assert.deepEqual([...new Set(named)], named);
    }),
    { numRuns: 300 },
  );
});

test('of a list of propagators the known ones are used, and one warning tells', () => {
  const { propagators, warnings } = readSettings({ OTEL_PROPAGATORS: 'ottrace,b3' });
  assert.deepEqual(propagators, ['b3']);
  assert.match(warnings.join('\n'), /^OTEL_PROPAGATORS names "ottrace"; .*b3 is used\.$/);
});
