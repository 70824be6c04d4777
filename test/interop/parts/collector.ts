import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { join, normalize } from 'node:path';
import { type Span, spanKinds } from '../../../lib/model/span.ts';
import { encodeJson } from '../../../lib/telemetry/encode.ts';
import { type Part, type Peer, present, same } from '../part.ts';
import { deployed } from '../support/deployment.ts';
import { type OtlpServer, startOtlpServer } from '../support/otlp-server.ts';
import { expectedMetrics, sendOwnMetrics, startMetricsServer } from '../support/own-metrics.ts';
import { freePort, listens, run, serve, until } from '../support/process.ts';
import { collectorOf } from '../tools.ts';

const version = '0.149.0';
const collector = collectorOf('collector', 'collector/builder.yaml', `v${version}`);
const configuration = normalize(join(import.meta.dirname, '../../../ops/collector/collector.yaml'));

/** Every kind of thing that must not leave, where a service could put it. */
const personal = {
  email: 'carol.meyer@example.com',
  card: '4111 1111 1111 1111',
  phone: '+4915112345678',
  residentId: '11010519491231002X',
  iban: 'DE89370400440532013000',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
  awsKey: 'AKIAIOSFODNN7EXAMPLE',
  password: 'hunter2',
  query: 's3cr3t-query',
  literal: 'Carol’s secret order',
} as const;

/** What a service sent in peace; it has to come out as it went in, wherever it may go. */
const harmless = { 'http.request.method': 'POST', 'http.response.status_code': 503, 'http.route': '/orders/{id}' };

const aSpan = (service: string): Span => ({
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
  name: `mail to ${personal.email}`,
  kind: spanKinds.server,
  startNanos: 1_767_225_600_000_000_001n,
  endNanos: 1_767_225_600_123_456_789n,
  status: 2,
  statusMessage: `card ${personal.card} declined`,
  resource: { 'service.name': service, 'cloud.region': 'eu-west-1', 'host.contact': personal.phone },
  attributes: {
    ...harmless,
    'url.full': `https://bob:${personal.password}@shop.example/pay?token=${personal.query}`,
    'db.query.text': `SELECT * FROM orders WHERE note = '${personal.literal}'`,
    'http.request.header.authorization': `Bearer ${personal.jwt}`,
    'error.type': `refused for ${personal.awsKey}`,
    'messaging.message.conversation_id': `about ${personal.iban}`,
    'order.note': `id ${personal.residentId}`,
  },
  links: [],
  events: [
    {
      name: `sent to ${personal.email}`,
      timeNanos: 1_767_225_600_000_000_002n,
      attributes: { 'error.type': `mail ${personal.email}`, 'order.card': personal.card },
    },
  ],
});

/** Where the configuration sends the spans of each service. */
const routes: Readonly<Record<string, readonly string[]>> = {
  'auth-service': ['tempo'],
  'payment-eu': ['datadog', 'tempo'],
  'debug-orders': ['jaeger'],
  catalogue: ['tempo'],
};
const backEnds = ['tempo', 'datadog', 'jaeger'] as const;

/** A real Collector runs the configuration of ops/collector between us and its back ends. */
export const part: Part = {
  name: 'collector',
  title: 'OpenTelemetry Collector',
  tools: [collector],
  run: async (report) => {
    const told = await run(collector.path, ['--version']);
    if (!told.includes(version)) throw new Error(`the program says '${told.trim()}'`);
    const peer = report.peer('OpenTelemetry Collector', version);
    await routesAndRedacts(peer);
    await takesOurMetrics(peer);
    await deployed(async ({ otlpUrl, otlpHeaders, storedSpans }) => {
      await peer.holds('its OTLP/HTTP exporter, zstd and all, is understood by collect-spans', async () => {
        const { post, stop } = await startCollector({ tempo: otlpUrl }, otlpHeaders);
        try {
          const span = aSpan('catalogue');
          await post([span]);
          await until('the span is stored', 20, async () =>
            (await storedSpans()).some(({ traceId, spanId }) => traceId === span.traceId && spanId === span.spanId),
          );
        } finally {
          await stop();
        }
      });
    });
    peer.leaves('attributes of links: its transform processor does not reach them, and they stay');
    peer.leaves('a newer release: the Go module proxy that this was run with serves no newer routing connector');
  },
};

const routesAndRedacts = async (peer: Peer): Promise<void> => {
  const servers = new Map<string, OtlpServer>();
  for (const name of backEnds) servers.set(name, await startOtlpServer());
  const server = (name: string) => present(servers.get(name), `the back end ${name}`);
  const urls = Object.fromEntries(backEnds.map((name) => [name, server(name).url]));
  const { post, stop, output } = await startCollector(urls);
  try {
    const sent = new Map(Object.keys(routes).map((service) => [service, aSpan(service)]));
    const expected = (name: string) =>
      [...sent].filter(([service]) => routes[service]?.includes(name)).map(([, { spanId }]) => spanId);
    await peer.holds('runs ops/collector/collector.yaml as it is, and takes what we encode', () =>
      post([...sent.values()]),
    );
    await peer.holds(
      'routes by service: whole name, prefix, expression, several back ends, and the default',
      async () => {
        const arrived = (name: string) => server(name).spans.map(({ spanId }) => spanId);
        const all = () => backEnds.every((name) => arrived(name).length >= expected(name).length);
        await until('every back end has its spans', 20, all).catch((thrown: Error) => {
          throw new Error(`${thrown.message}; the Collector printed:\n${output().slice(-2000)}`);
        });
        for (const name of backEnds) same(arrived(name).sort(), expected(name).sort(), `spans at ${name}`);
      },
    );
    await peer.holds(
      'lets nothing personal and no secret out, in names, statuses, attributes, events or resources',
      () => {
        const before = encodeJson([...sent.values()]);
        for (const [kind, secret] of Object.entries(personal)) {
          if (!before.includes(secret)) throw new Error(`the ${kind} was never sent`);
          for (const name of backEnds) {
            for (const body of server(name).bodies) {
              if (body.includes(secret)) throw new Error(`${name} was sent the ${kind} '${secret}'`);
            }
          }
        }
      },
    );
    await peer.holds('leaves alone what is harmless: ids, times, kinds, status, routes, numbers', () => {
      for (const name of backEnds) {
        for (const span of server(name).spans) {
          const was = present(
            [...sent.values()].find(({ spanId }) => spanId === span.spanId),
            'the span that was sent',
          );
          for (const field of ['traceId', 'startNanos', 'endNanos', 'kind', 'status'] as const) {
            same(span[field], was[field], `${field} at ${name}`);
          }
          for (const [key, value] of Object.entries(harmless)) same(span.attributes[key], value, `${key} at ${name}`);
          same(span.resource['service.name'], was.resource['service.name'], `service.name at ${name}`);
        }
      }
    });
    await peer.holds('gives the partner only the keys that are listed for it', () => {
      const listed = /^(http\.|url\.full$|error\.type$|messaging\.|cloud\.|service\.name$)/;
      const [span] = server('datadog').spans;
      const { attributes, resource, events } = present(span, 'a span at datadog');
      const keys = [attributes, resource, ...events.map((event) => event.attributes)].flatMap(Object.keys);
      same(
        keys.filter((key) => !listed.test(key)),
        [],
        'keys at datadog that are not listed',
      );
      if (!keys.includes('cloud.region')) throw new Error('cloud.region is listed and is not there');
    });
    await peer.holds('speaks to each back end as configured: zstd, gzip, JSON', () => {
      const how = (name: string) => [
        server(name).headers[0]?.['content-encoding'],
        server(name).headers[0]?.['content-type'],
      ];
      same(how('tempo'), ['zstd', 'application/x-protobuf'], 'encoding of tempo');
      same(how('datadog'), ['gzip', 'application/x-protobuf'], 'encoding of datadog');
      same(how('jaeger'), ['gzip', 'application/json'], 'encoding of jaeger');
      same(server('datadog').headers[0]?.['dd-api-key'], 'a-key', 'the secret header of datadog');
    });
    await peer.holds('lets a dead back end delay no other', async () => {
      await server('jaeger').stop();
      const later = [aSpan('debug-orders'), aSpan('auth-service')];
      await post(later);
      await until('the healthy back end has its span', 10, () =>
        server('tempo').spans.some(({ spanId }) => spanId === later[1]?.spanId),
      );
    });
  } finally {
    await stop();
    for (const each of servers.values()) await each.stop();
  }
};

/** Our own metrics through a pipeline of its own, on to a back end that says what it was told. */
const takesOurMetrics = async (peer: Peer): Promise<void> => {
  const backEnd = await startMetricsServer();
  const exporter = { metrics_endpoint: backEnd.url, encoding: 'json', sending_queue: { enabled: false } };
  const { stop, output, url } = await startCollector({}, {}, exporter);
  try {
    for (const protocol of ['http/protobuf', 'http/json']) {
      await peer.holds(
        `takes our own metrics by ${protocol}: kinds, units, deltas, buckets, attributes, exemplars`,
        async () => {
          same(await sendOwnMetrics(url, protocol), [], 'what our exporter complained about');
          const found = () => backEnd.received.find(({ service }) => service === `shop ${protocol}`);
          await until('the back end has the metrics', 20, () => found() !== undefined).catch((thrown: Error) => {
            throw new Error(`${thrown.message}; the Collector printed:\n${output().slice(-2000)}`);
          });
          same(found()?.metrics, expectedMetrics, 'what the Collector made of our metrics');
        },
      );
    }
  } finally {
    await stop();
    await backEnd.stop();
  }
};

/** The configuration as it is, with these addresses of back ends; the rest get none that answers. */
const startCollector = async (
  urls: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
  metrics?: object,
) => {
  const [grpc, http] = [await freePort(), await freePort()];
  const exporters = Object.fromEntries(
    backEnds.map((name) => [`otlphttp/${name}`, { traces_endpoint: urls[name] ?? 'http://127.0.0.1:9/', headers }]),
  );
  const withMetrics = metrics === undefined ? {} : { 'otlphttp/metrics': metrics };
  const pipeline = { receivers: ['otlp'], exporters: ['otlphttp/metrics'] };
  const overrides = {
    exporters: { ...exporters, ...withMetrics },
    service: {
      telemetry: { metrics: { level: 'none' } },
      ...(metrics === undefined ? {} : { pipelines: { metrics: pipeline } }),
    },
  };
  const server = await serve(
    collector.path,
    ['--config', configuration, '--config', `yaml:${JSON.stringify(overrides)}`],
    {
      env: {
        OTLP_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
        OTLP_HTTP_ENDPOINT: `127.0.0.1:${http}`,
        DATADOG_DD_API_KEY: 'a-key',
      },
      ready: () => listens(http),
    },
  );
  const url = `http://127.0.0.1:${http}`;
  return { ...server, url, post: (spans: readonly Span[]) => post(`${url}/v1/traces`, encodeJson(spans)) };
};

const post = (url: string, body: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', headers: { 'content-type': 'application/json' } }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`the Collector answered ${answer.statusCode}`));
      });
    });
    call.on('error', reject);
    call.end(body);
  });
