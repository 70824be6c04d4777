import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { nodeCrypto } from '../../lib/adapters/crypto.ts';
import { injectRabbitmq } from '../../lib/middleware/inject-clients.ts';
import type { TelemetryConfig } from '../../lib/model/config/telemetry.ts';
import type { Item } from '../../lib/model/ports.ts';
import { createTelemetry, type TelemetryOptions } from '../../lib/provider/telemetry.ts';
import { aSpan } from '../support/a-span.ts';
import { decodeOtlpMetrics, decodeOtlpMetricsJson } from '../support/decode-otlp.ts';
import { deadUrl, type OtlpServer, startOtlpServer } from '../support/otlp-server.ts';

const stops: (() => unknown)[] = [];
after(async () => {
  for (const stop of stops) await stop();
});
const server = async (options?: Parameters<typeof startOtlpServer>[0]): Promise<OtlpServer> => {
  const started = await startOtlpServer(options);
  stops.push(started.stop);
  return started;
};

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}
const telemetryOf = (config: TelemetryConfig | undefined, options: Partial<TelemetryOptions> = {}) => {
  const lines: Line[] = [];
  const telemetry = createTelemetry({
    name: 'test',
    config,
    env: { OTEL_SERVICE_NAME: 'shop', OTEL_TRACES_SAMPLER: 'always_on' },
    nanos: () => BigInt(Date.now()) * 1_000_000n,
    clock: Date.now,
    random: Math.random,
    log: (level, message, fields = {}) => void lines.push({ level, message, fields }),
    table: { get: async () => undefined },
    secrets: async (reference) => `text of ${reference}`,
    hmacSha256: nodeCrypto.hmacSha256,
    ...options,
  });
  stops.push(telemetry.stop);
  return { ...telemetry, lines };
};
const traces = ({ url }: { readonly url: string }) => `${url}/v1/traces`;
/** Sums a metric over embedded lines, by one of its dimensions. */
const summed = (lines: readonly Line[], metric: string, by: string): Record<string, number> => {
  const out: Record<string, number> = {};
  for (const { message, fields } of lines) {
    if (message !== 'metrics' || fields[metric] === undefined) continue;
    const key = String(fields[by]);
    out[key] = (out[key] ?? 0) + [fields[metric] as number].flat().reduce((sum, each) => sum + each, 0);
  }
  return out;
};

test('spans of this function go where its service is routed to, redacted for each back end, with headers from secrets', async () => {
  const [open, strict] = [await server(), await server()];
  const { tracer, flush, lines } = telemetryOf({
    redaction: { strict: { allowKeys: ['note'], tokenKey: 'ssm:key' } },
    backEnds: {
      open: { url: traces(open), encoding: 'json', compression: 'none' },
      strict: {
        url: traces(strict),
        redaction: 'strict',
        headers: { plain: 'p' },
        secretHeaders: { 'api-key': 'ssm:api' },
      },
      other: { url: traces({ url: await deadUrl() }) },
    },
    routes: [{ servicePattern: 'sh[aeiou]p', backEnds: ['open', 'strict'] }],
    defaultBackEnds: ['other'],
  });
  const span = tracer.startSpan('work', { attributes: { note: 'jane@example.com', more: 1 } });
  span.end();
  await flush(5000);
  assert.match(open.spans[0]?.text ?? '', /jane@example\.com.*more|more.*jane@example\.com/);
  const token = createHmac('sha256', 'text of ssm:key').update('email\0jane@example.com').digest();
  const letters = [...token.subarray(0, 8)].flatMap((byte) => [
    'abcdefghijklmnop'[byte >> 4],
    'abcdefghijklmnop'[byte & 15],
  ]);
  assert.match(strict.spans[0]?.text ?? '', new RegExp(`email:${letters.join('')}`));
  assert.doesNotMatch(strict.spans[0]?.text ?? '', /jane|more/);
  assert.deepEqual([strict.headers[0]?.['plain'], strict.headers[0]?.['api-key']], ['p', 'text of ssm:api']);
  assert.deepEqual(summed(lines, 'SpansExported', 'back_end'), { open: 1, strict: 1 });
  const [exported] = lines.filter(({ fields }) => fields['SpansExported'] !== undefined);
  assert.equal(exported?.fields['trace_id'], span.spanContext().traceId);
  assert.equal(exported?.fields['function'], 'test');
});

test('nothing leaves where the key of a profile cannot be read', async () => {
  const strict = await server();
  const { tracer, flush, lines } = telemetryOf(
    {
      redaction: { strict: { tokenKey: 'ssm:key' } },
      backEnds: { strict: { url: traces(strict), redaction: 'strict' } },
    },
    { secrets: () => Promise.reject(new Error('denied')) },
  );
  tracer.startSpan('work').end();
  await flush(5000);
  assert.deepEqual(strict.spans, []);
  assert.deepEqual(summed(lines, 'SpansDropped', 'reason'), { 'redaction-failed': 1 });
});

test('new traces are sampled by the backlog that was read at the last flush; errors and slow roots leave all the same', async () => {
  const backEnd = await server();
  let item: Item = { pk: 'pressure', sk: 'orders', fill: 2, at: Date.now() };
  const { tracer, flush, lines } = telemetryOf(
    { sampling: { queue: 'orders', keepSlowMs: 100 }, backEnds: { a: { url: traces(backEnd) } } },
    { table: { get: async (pk, sk) => (pk === 'pressure' && sk === 'orders' ? item : undefined) } },
  );
  await flush(1000);
  for (let at = 0; at < 640; at++) tracer.startSpan('usual').end();
  for (let at = 0; at < 20; at++) {
    const root = tracer.startSpan('failed');
    root.setStatus({ code: SpanStatusCode.ERROR });
    root.end();
    const slow = tracer.startSpan('slow', { startTime: Date.now() - 200 });
    slow.end();
  }
  await flush(5000);
  const named = (name: string) => backEnd.spans.filter((span) => span.name === name);
  // At 1/64 ten are expected; 30 or more come in one of some ten million runs.
  assert.ok(named('usual').length < 30, `${named('usual').length}`);
  for (const span of named('usual')) assert.equal(span.traceState, 'ot=th:fc');
  assert.equal(named('failed').length, 20);
  assert.equal(named('slow').length, 20);
  for (const span of [...named('failed'), ...named('slow')]) {
    assert.equal(span.traceState, 'ot=th:0');
    assert.match(span.text, new RegExp(`"tidemark.sampling.stratum".*"${span.name === 'slow' ? 'slow' : 'error'}"`));
  }
  assert.ok(lines.some(({ message, fields }) => message === 'sampling rate changes' && fields['rate'] === 1 / 64));
  item = { ...item, fill: 0.1 };
});

test('a dead back end takes nothing from the others, and what it loses is counted by reason', async () => {
  const healthy = await server();
  // It answers when all is over: whoever waited for it had nothing yet.
  const over = Promise.withResolvers<void>();
  const slow = await server({ answers: () => over.promise });
  const { forward, flush, lines } = telemetryOf({
    backEnds: {
      healthy: { url: traces(healthy) },
      slow: { url: traces(slow), timeoutMs: 300 },
      dead: { url: traces({ url: await deadUrl() }), timeoutMs: 300, maxQueue: 10, maxBatch: 5 },
    },
  });
  const spans = Array.from({ length: 100 }, (_, at) =>
    aSpan({ service: 'any', spanId: (at + 1).toString(16).padStart(16, '0') }),
  );
  await forward?.(spans, 2000);
  assert.equal(new Set(healthy.spans.map(({ spanId }) => spanId)).size, 100);
  await flush(2000);
  over.resolve();
  assert.deepEqual(summed(lines, 'SpansExported', 'back_end'), { healthy: 100 });
  // Three batches of five, then it is left alone; ten wait.
  assert.deepEqual(
    summed(
      lines.filter(({ fields }) => fields['back_end'] === 'dead'),
      'SpansDropped',
      'reason',
    ),
    { unreachable: 15, 'queue-full': 75 },
  );
  assert.deepEqual(
    summed(
      lines.filter(({ fields }) => fields['back_end'] === 'slow'),
      'SpansDropped',
      'reason',
    ),
    { timeout: 100 },
  );
  assert.deepEqual(summed(lines, 'BreakerOpen', 'breaker'), { dead: 1, process: 0 });
});

for (const protocol of ['http/protobuf', 'http/json']) {
  test(`metrics leave by OTLP where the section says so, by ${protocol} to the endpoint of the variables`, async () => {
    const collector = await server();
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: protocol,
    };
    const { flush, onRecord, lines } = telemetryOf({ metrics: 'otlp' }, { env, exports: false });
    onRecord({ source: 'sqs', outcome: 'ok', format: 'w3c' });
    await flush(5000);
    const [body] = collector.bodies['/v1/metrics'] ?? [];
    assert.ok(body);
    const told = protocol === 'http/json' ? decodeOtlpMetricsJson(JSON.parse(`${body}`)) : decodeOtlpMetrics(body);
    assert.match(JSON.stringify(told), /"name":"tidemark\.records".*"asInt":"1"/);
    assert.ok(!lines.some(({ message }) => message === 'metrics'));
  });
}

test('without a section it is what the variables say, and metrics are embedded in the log', async () => {
  const collector = await server();
  const { tracer, flush, lines, forward } = telemetryOf(undefined, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'always_on' },
  });
  tracer.startSpan('work').end();
  await flush(5000);
  assert.equal(collector.spans.length, 1);
  assert.equal(forward, undefined);
  assert.deepEqual(summed(lines, 'SpansExported', 'back_end'), { otlp: 1 });
});

test('baggage passes a profile before it leaves with a message', async () => {
  const { redactBaggage } = telemetryOf(
    { redaction: { out: { allowKeys: ['tenant', 'mail'] } }, baggage: 'out' },
    { exports: false },
  );
  const entries = [
    { key: 'tenant', value: 'a' },
    { key: 'mail', value: 'jane@example.com' },
    { key: 'secret', value: 'x' },
  ];
  // Before the code is there nothing leaves.
  assert.deepEqual(redactBaggage?.(entries), []);
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(redactBaggage?.(entries), [
    { key: 'tenant', value: 'a' },
    { key: 'mail', value: '[email]' },
  ]);
  const active = propagation.setBaggage(
    trace.setSpanContext(ROOT_CONTEXT, { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
    propagation.createBaggage(Object.fromEntries(entries.map((entry) => [entry.key, entry]))),
  );
  context.with(active, () => {
    const headers: Record<string, string> = injectRabbitmq({}, { redactBaggage });
    assert.match(`${headers['baggage']}`, /^tenant=a,mail=(%5Bemail%5D|\[email\])$/);
  });
});
