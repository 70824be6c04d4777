import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { buildSync } from 'esbuild';
import type { Span } from '../../lib/model/span.ts';
import { awsEndpoint } from '../../lib/provider/back-end.ts';
import { createTracing, type ProviderOptions } from '../../lib/provider/tracing.ts';

const traced = (env: Record<string, string> = {}, options: Partial<ProviderOptions> = {}) => {
  const spans: Span[] = [];
  const lines: { level: string; message: string; fields?: unknown }[] = [];
  const tracing = createTracing({
    env: { OTEL_TRACES_SAMPLER: 'always_on', ...env },
    nanos: () => 1_767_225_600_000_000_000n,
    random: Math.random,
    log: (level, message, fields) => void lines.push({ level, message, fields }),
    exportSpans: async (batch) => void spans.push(...batch),
    ...options,
  });
  const one = async (work: (span: ReturnType<typeof tracing.tracer.startSpan>) => void = () => undefined, how = {}) => {
    const span = tracing.tracer.startSpan('work', how);
    work(span);
    span.end();
    await tracing.flush(1000);
    return spans.at(-1) as Span;
  };
  return { ...tracing, spans, lines, one };
};

test('a wrong variable is told in one line, at the start and never again', async () => {
  const { lines, one } = traced({ OTEL_BSP_MAX_QUEUE_SIZE: 'many' });
  await one();
  await one();
  assert.deepEqual(
    lines.map(({ level, message }) => `${level} ${message}`),
    ['warn OTEL_BSP_MAX_QUEUE_SIZE is "many"; expected is a whole number of at least 1. The default, 2048, is used.'],
  );
});

test('OTEL_SDK_DISABLED makes no spans, and lets a context pass', async () => {
  const { tracer, flush, spans } = traced({ OTEL_SDK_DISABLED: 'true' });
  const parent = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };
  const span = tracer.startSpan('work', {}, trace.setSpanContext(ROOT_CONTEXT, parent));
  assert.equal(span.isRecording(), false);
  assert.equal(span.spanContext().traceId, parent.traceId);
  span.end();
  await flush(100);
  assert.equal(spans.length, 0);
});

test('OTEL_TRACES_EXPORTER=console writes each span as a line, none writes nothing', async () => {
  const { exportSpans: _, ...own } = { exportSpans: undefined };
  const base = { nanos: () => 1n, random: Math.random };
  for (const [exporter, expected] of [
    ['console', 1],
    ['none', 0],
  ] as const) {
    const lines: { message: string; fields: unknown }[] = [];
    const { tracer, flush } = createTracing({
      ...base,
      ...own,
      env: { OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_EXPORTER: exporter },
      log: (_level, message, fields) => void lines.push({ message, fields }),
    });
    const span = tracer.startSpan('seen');
    assert.equal(span.isRecording(), true);
    span.end();
    await flush(1000);
    assert.equal(lines.length, expected);
  }
});

test('a bundle without JSON says that it writes no spans to the log, and counts them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-no-json-'));
  const root = join(import.meta.dirname, '../..');
  try {
    const outfile = join(folder, 'bundle.mjs');
    buildSync({
      stdin: { contents: `export { createTracing } from './lib/provider/tracing.ts';`, resolveDir: root },
      absWorkingDir: root,
      alias: { '#tidemark.encode-json': join(root, 'lib/provider/left-out.ts') },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
    });
    const { createTracing: bundled }: { createTracing: typeof createTracing } = await import(outfile);
    const lines: string[] = [];
    const { tracer, flush } = bundled({
      nanos: () => 1n,
      random: Math.random,
      env: { OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_EXPORTER: 'console' },
      log: (level, message, fields) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    });
    tracer.startSpan('unseen').end();
    await flush(1000);
    assert.match(lines[0] ?? '', /^warn no spans are written to the log: json was left out/);
    assert.match(lines[1] ?? '', /^warn spans were not exported .*"dropped":{"misconfigured":1}/);
    assert.equal(lines.length, 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a span carries the resource, the scope and the flags', async () => {
  const { one } = traced({ OTEL_SERVICE_NAME: 'orders' });
  const root = await one();
  assert.equal(root.resource['service.name'], 'orders');
  assert.deepEqual(root.scope, { name: 'tidemark' });
  // Sampled, random id, and "remote or not is known": not.
  assert.equal(root.flags, 0x103);
});

test('a child of a context from elsewhere says so in its flags, and so does a link', async () => {
  const { tracer, flush, spans } = traced();
  const remote = {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceFlags: 1,
    isRemote: true,
  };
  tracer.startSpan('work', { links: [{ context: remote }] }, trace.setSpanContext(ROOT_CONTEXT, remote)).end();
  await flush(100);
  assert.equal(spans[0]?.flags, 0x301);
  assert.equal(spans[0]?.links[0]?.flags, 0x301);
});

test('attributes are kept to their limit; one more is dropped and counted, a known key is not', async () => {
  const { one } = traced({ OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3' });
  const within = await one((span) => span.setAttributes({ b: 2, c: 3 }).setAttribute('a', 4), { attributes: { a: 1 } });
  assert.deepEqual(within.attributes, { a: 4, b: 2, c: 3 });
  assert.equal(within.droppedAttributesCount, undefined);
  const beyond = await one((span) => span.setAttribute('d', 4), { attributes: { a: 1, b: 2, c: 3 } });
  assert.deepEqual(beyond.attributes, { a: 1, b: 2, c: 3 });
  assert.equal(beyond.droppedAttributesCount, 1);
  const atStart = await one(undefined, { attributes: { a: 1, b: undefined, c: 3, d: 4, e: 5 } });
  assert.deepEqual(atStart.attributes, { a: 1, c: 3, d: 4 });
  assert.equal(atStart.droppedAttributesCount, 1);
});

test('texts are kept to their length, those in lists too, and no character is cut in two', async () => {
  const { one } = traced({ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3' });
  const { attributes } = await one((span) => span.setAttribute('list', ['漢字漢字', 'abc']), {
    attributes: { at: 'abc', beyond: 'abcd', emoji: 'ab😀', number: 12_345 },
  });
  assert.deepEqual(attributes, { at: 'abc', beyond: 'abc', emoji: 'ab', number: 12_345, list: ['漢字漢', 'abc'] });
});

test('events and links and their attributes are kept to their limits and counted', async () => {
  const { one } = traced({
    OTEL_SPAN_EVENT_COUNT_LIMIT: '2',
    OTEL_SPAN_LINK_COUNT_LIMIT: '2',
    OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '1',
    OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '1',
  });
  const link = {
    context: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 0 },
    attributes: { a: 1, b: 2 },
  };
  const span = await one(
    (each) => {
      for (const name of ['one', 'two', 'three']) each.addEvent(name, { a: 1, b: 2 });
      each.addLink(link);
    },
    { links: [link, link] },
  );
  assert.deepEqual(
    span.events.map(({ name, attributes, droppedAttributesCount }) => [name, attributes, droppedAttributesCount]),
    [
      ['one', { a: 1 }, 1],
      ['two', { a: 1 }, 1],
    ],
  );
  assert.equal(span.droppedEventsCount, 1);
  assert.equal(span.links.length, 2);
  assert.equal(span.links[0]?.droppedAttributesCount, 1);
  assert.equal(span.droppedLinksCount, 1);
});

test('what was recorded but not sampled is exported only when it is promoted', async () => {
  const recordOnly = { shouldSample: () => ({ decision: 1 as const }), toString: () => 'record' };
  const { one, spans } = traced(
    {},
    {
      sampler: recordOnly,
      promote: ({ status }) => (status === 2 ? { attributes: { stratum: 'error' }, traceState: 'ot=th:0' } : undefined),
    },
  );
  assert.equal(await one(), undefined);
  const failed = await one((span) => span.setStatus({ code: SpanStatusCode.ERROR }));
  assert.equal(failed.attributes['stratum'], 'error');
  assert.equal(failed.traceState, 'ot=th:0');
  assert.equal((failed.flags ?? 0) & 1, 0);
  assert.equal(spans.length, 1);
});

test('a slow export ends with the flush, and the loss is told', async () => {
  const { tracer, flush, lines } = traced({}, { exportSpans: () => new Promise(() => undefined) });
  tracer.startSpan('work').end();
  const started = Date.now();
  await flush(50);
  assert.ok(Date.now() - started < 10_000);
  assert.match(JSON.stringify(lines), /not exported.*no answer within (49|50) ms/);
});

test('CloudWatch endpoints are known by their host', () => {
  assert.deepEqual(awsEndpoint('https://xray.eu-central-1.amazonaws.com/v1/traces'), {
    service: 'xray',
    region: 'eu-central-1',
  });
  assert.deepEqual(awsEndpoint('https://logs.cn-north-1.amazonaws.com.cn/v1/logs'), {
    service: 'logs',
    region: 'cn-north-1',
  });
  for (const other of [
    'http://xray.eu-central-1.amazonaws.com/v1/traces',
    'https://xray.x.amazonaws.com.evil.example/',
    'https://collector/',
  ]) {
    assert.equal(awsEndpoint(other), undefined);
  }
});

const inOwnProcess = (code: string): unknown => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: join(import.meta.dirname, '../..'),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
};

test('under a layer its provider records and is asked to flush; nothing of ours is exported', () => {
  const found = inOwnProcess(`
    import { trace } from '@opentelemetry/api';
    import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base';
    import { createTracing } from './lib/provider/tracing.ts';
    const exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }));
    let own = 0;
    const { tracer, flush } = createTracing({ env: {}, nanos: () => 1n, random: Math.random, exportSpans: async () => { own += 1; } });
    tracer.startSpan('work').end();
    await flush(1000);
    console.log(JSON.stringify({ names: exporter.getFinishedSpans().map(({ name }) => name), own }));
  `);
  assert.deepEqual(found, { names: ['work'], own: 0 });
});

test('registered globally, it records the spans of other libraries, with their scope', () => {
  const found = inOwnProcess(`
    import { trace } from '@opentelemetry/api';
    import { createTracing } from './lib/provider/tracing.ts';
    const spans = [];
    const { flush } = createTracing({
      env: { OTEL_TRACES_SAMPLER: 'always_on' }, nanos: () => 1n, random: Math.random, register: true,
      exportSpans: async (batch) => { spans.push(...batch); },
    });
    trace.getTracer('library', '2.0.0').startActiveSpan('outer', (outer) => {
      trace.getTracer('library', '2.0.0').startSpan('inner').end();
      outer.end();
    });
    await flush(1000);
    console.log(JSON.stringify(spans.map(({ name, scope, parentSpanId }) => [name, scope, parentSpanId !== undefined])));
  `);
  const scope = { name: 'library', version: '2.0.0' };
  assert.deepEqual(found, [
    ['inner', scope, true],
    ['outer', scope, false],
  ]);
});

test('a span under way looks to OpenTelemetry as one of its own does', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const { tracer, flush, spans } = traced();
  const at = new Date('2026-01-01T00:00:00Z');
  for (const each of [provider.getTracer('x'), tracer]) {
    const span = each.startSpan(
      'work',
      { kind: SpanKind.CONSUMER, startTime: at, attributes: { a: [1, 2], gone: undefined } },
      context.active(),
    );
    span
      .setAttribute('b', 'x')
      .addEvent('happened', { c: true }, at)
      .setStatus({ code: SpanStatusCode.ERROR, message: 'no' });
    span.recordException(Object.assign(new TypeError('bad'), { stack: 'here', code: 'E1' }), at);
    span.updateName('worked').end(new Date(at.getTime() + 5));
    span.setAttribute('late', 1).addEvent('late').setStatus({ code: SpanStatusCode.OK });
  }
  await flush(100);
  const [theirs] = exporter.getFinishedSpans();
  const ours = spans[0] as Span;
  const nanos = ([seconds, rest]: readonly number[]) =>
    BigInt(seconds as number) * 1_000_000_000n + BigInt(rest as number);
  assert.deepEqual(
    {
      name: ours.name,
      kind: ours.kind - 1,
      attributes: ours.attributes,
      status: { code: ours.status, message: ours.statusMessage },
      start: ours.startNanos,
      end: ours.endNanos,
      events: ours.events.map(({ name, attributes, timeNanos }) => ({ name, attributes, timeNanos })),
    },
    {
      name: theirs?.name,
      kind: theirs?.kind,
      attributes: theirs?.attributes,
      status: theirs?.status,
      start: nanos(theirs?.startTime ?? []),
      end: nanos(theirs?.endTime ?? []),
      events: theirs?.events.map(({ name, attributes, time }) => ({ name, attributes, timeNanos: nanos(time) })),
    },
  );
});
