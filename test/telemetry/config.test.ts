import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../../cdk/config.ts';
import type { TelemetryConfig } from '../../lib/model/config/telemetry.ts';
import { collectorConfig } from '../../scripts/collector-config.ts';

const full: TelemetryConfig = {
  sampling: { queue: 'orders', ratio: 0.5, keepErrors: true, keepSlowMs: 2000 },
  breaker: { cpuShare: 0.85, cpuSeconds: 30, exportP99Ms: 5000, majorCollections: 3, cap: 0.1 },
  redaction: {
    partner: { allowKeys: ['http.route', 'error.type'] },
    house: {
      blockKeys: ['user.*'],
      find: ['email'],
      patterns: { order: 'ORD-[0-9]+' },
      urls: false,
      sql: false,
      tokenKey: 'ssm:key',
    },
  },
  backEnds: {
    a: { url: 'http://a:4318/v1/traces', redaction: 'house', maxQueue: 100, maxBatch: 10, timeoutMs: 500 },
    b: { url: 'https://b/v1/traces', redaction: 'partner', secretHeaders: { 'dd-api-key': 'secretsmanager:b' } },
    x: {
      url: 'https://xray.eu-central-1.amazonaws.com/v1/traces',
      signFor: 'xray',
      encoding: 'json',
      compression: 'none',
    },
  },
  routes: [
    { service: 'auth', backEnds: ['a'] },
    { servicePrefix: 'pay.', backEnds: ['b', 'a'] },
    { servicePattern: '(debug|canary)-.+', backEnds: [] },
  ],
  defaultBackEnds: ['x'],
  metrics: 'otlp',
};

test('accepts every field of the telemetry section', () => {
  const watermarks = {
    queues: [{ arn: `arn:aws:sqs:eu-central-1:123456789012:${full.sampling?.queue}`, capacity: 1000 }],
  };
  assert.deepEqual(problemsOf({ telemetry: full, watermarks }), []);
});

test('wants the queue of sampling among the watched ones, with a capacity', () => {
  const arn = 'arn:aws:sqs:eu-central-1:123456789012:orders';
  const of = (queue: object, name = 'orders') =>
    problemsOf({ telemetry: { sampling: { queue: name } }, watermarks: { queues: [queue] } }).map(
      ({ path, allowed }) => `${path}: ${allowed}`,
    );
  assert.deepEqual(of({ arn, capacity: 10 }), []);
  assert.deepEqual(of({ arn, consumeRatePerSecond: 10, maxAgeSeconds: 60 }), []);
  assert.deepEqual(of({ arn }), [
    'telemetry.sampling.queue: the queue needs `capacity`, or `consumeRatePerSecond` and `maxAgeSeconds`',
  ]);
  assert.deepEqual(of({ arn, capacity: 10 }, 'other'), [
    'telemetry.sampling.queue: watermarks.queues has no such queue; one of orders',
  ]);
  assert.match(
    problemsOf({ telemetry: { sampling: { queue: 'orders' } } })[0]?.allowed ?? '',
    /no such queue; there are none/,
  );
});

test('names the path, the value and what is allowed of everything that is wrong, at once', () => {
  const wrong = {
    sampling: { ratio: 0.001 },
    breaker: { cap: 2, what: 1 },
    redaction: {
      'a b': {},
      p: { find: ['mail'], patterns: { x: '(?=a)' }, tokenKey: 'hunter2', allowKeys: ['a*b', 7] },
    },
    backEnds: {
      a: {
        url: 'ftp://x',
        encoding: 'xml',
        headers: { k: 'ssm:x', 'bad header': 'v' },
        secretHeaders: { k: 'plain' },
        redaction: 'q',
      },
      b: { url: 'https://user:pw@host/v1/traces' },
    },
    routes: [
      { service: 'a', servicePrefix: 'b', backEnds: ['none'] },
      { backEnds: 'a' },
      { servicePattern: '(', backEnds: [] },
    ],
    defaultBackEnds: ['c'],
    metrics: 'csv',
    other: 1,
  };
  const problems = problemsOf({ telemetry: wrong });
  assert.deepEqual(
    problems.map(({ path }) => path).sort(),
    [
      'telemetry.backEnds.a.encoding',
      'telemetry.backEnds.a.headers.bad header',
      'telemetry.backEnds.a.headers.k',
      'telemetry.backEnds.a.redaction',
      'telemetry.backEnds.a.secretHeaders.k',
      'telemetry.backEnds.a.url',
      'telemetry.backEnds.b.url',
      'telemetry.breaker.cap',
      'telemetry.breaker.what',
      'telemetry.defaultBackEnds[0]',
      'telemetry.metrics',
      'telemetry.other',
      'telemetry.redaction.a b',
      'telemetry.redaction.p.allowKeys[0]',
      'telemetry.redaction.p.allowKeys[1]',
      'telemetry.redaction.p.find[0]',
      'telemetry.redaction.p.patterns.x',
      'telemetry.redaction.p.tokenKey',
      'telemetry.routes[0]',
      'telemetry.routes[0].backEnds[0]',
      'telemetry.routes[1]',
      'telemetry.routes[1].backEnds',
      'telemetry.routes[2].servicePattern',
      'telemetry.sampling.queue',
      'telemetry.sampling.ratio',
    ].sort(),
  );
  // What was written in place of a reference may be the secret itself.
  assert.ok(!JSON.stringify(problems).includes('hunter2'));
  assert.ok(!JSON.stringify(problems).includes('user:pw'));
  assert.ok(!JSON.stringify(problems).includes('"plain"'));
});

test('refuses a section and members that are no objects', () => {
  for (const section of [null, 7, [], { redaction: [] }, { backEnds: 1 }, { routes: {} }, { backEnds: { a: null } }]) {
    assert.ok(problemsOf({ telemetry: section }).length > 0, JSON.stringify(section));
  }
});

interface Collector {
  readonly connectors?: { readonly routing: { readonly default_pipelines: string[]; readonly table: unknown[] } };
  readonly processors: Record<string, Record<string, unknown>>;
  readonly exporters: Record<string, Record<string, unknown>>;
  readonly service: {
    readonly pipelines: Record<string, { receivers: string[]; processors?: string[]; exporters: string[] }>;
  };
}

test('generates routing, redaction and exporters of the Collector from the same section', () => {
  const config = collectorConfig(full) as unknown as Collector;
  assert.deepEqual(config.connectors?.routing.default_pipelines, ['traces/x']);
  assert.deepEqual(config.connectors?.routing.table, [
    { context: 'resource', condition: 'resource.attributes["service.name"] == "auth"', pipelines: ['traces/a'] },
    {
      context: 'resource',
      condition: 'IsMatch(resource.attributes["service.name"], "^pay\\\\.")',
      pipelines: ['traces/b', 'traces/a'],
    },
    {
      context: 'resource',
      condition: 'IsMatch(resource.attributes["service.name"], "^(?:(debug|canary)-.+)$$")',
      pipelines: ['traces/no-route'],
    },
  ]);
  assert.deepEqual(config.service.pipelines['traces/b'], {
    receivers: ['routing'],
    processors: ['transform/partner', 'redaction/partner', 'batch/b'],
    exporters: ['otlphttp/b'],
  });
  assert.deepEqual(config.processors['redaction/partner']?.['allowed_keys'], [
    'http.route',
    'error.type',
    'service.name',
  ]);
  assert.equal(config.processors['redaction/house']?.['allow_all_keys'], true);
  assert.deepEqual(config.exporters['otlphttp/b']?.['headers'], { 'dd-api-key': '${env:B_DD_API_KEY}' });
  assert.deepEqual(config.exporters['otlphttp/x']?.['auth'], { authenticator: 'sigv4auth/x' });
  // Every component that a pipeline names is there.
  for (const { receivers, processors = [], exporters } of Object.values(config.service.pipelines)) {
    for (const name of processors) assert.ok(name in config.processors, name);
    for (const name of exporters) assert.ok(name in config.exporters || name === 'routing', name);
    for (const name of receivers) assert.ok(['otlp', 'routing'].includes(name), name);
  }
});

test('leaves the connector out where there is nothing to route', () => {
  const config = collectorConfig({ backEnds: { a: { url: 'http://a/v1/traces' } } }) as unknown as Collector;
  assert.equal(config.connectors, undefined);
  assert.deepEqual(config.service.pipelines['traces/a']?.receivers, ['otlp']);
  assert.throws(() => collectorConfig({}), /names no back end/);
});
