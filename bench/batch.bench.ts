/**
 * Ten SQS records: find each context, open and end a span for each around an asynchronous handler, hand the spans over before the
 * function answers. What exporting costs is left out on both sides: spans end in memory.
 */
import middy from '@middy/core';
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { systemNanos } from '../lib/adapters/clock.ts';
import { eachRecord } from '../lib/middleware/each-record.ts';
import { traceContext } from '../lib/middleware/trace-context.ts';
import { traced } from '../lib/middleware/traced.ts';
import type { Span } from '../lib/model/span.ts';
import { createTracing } from '../lib/provider/tracing.ts';
import type { Bench } from './index.ts';
import { type AsyncCase, measureAsync, report } from './measure.ts';
import { peer, peerVersion } from './peers.ts';

export const bench: Bench = {
  question:
    'What does a span for each of ten records cost, against Middy with OpenTelemetry, Powertools, Datadog and nothing?',
  run: async ({ json, args }) => {
    const withPeers = !args.includes('--no-peers');
    const all = [...cases(), bare, floor, usual(), ...(withPeers ? [powertools(), await datadog()] : [])];
    for (const each of all) await checked(each);
    const results = await measureAsync(all, { unit: 'us', rounds: 31 });
    report(
      'batch',
      results,
      json,
      [
        'tidemark: Middy plug-in, invocation span, batch span, a span per record, own recorder. tidemark/traced: the same without Middy.',
        'A span of ours is described when it is first read, as a rule by the encoder; tidemark/read reads all of each at the hand-over.',
        'Records in order share an asynchronous context (adr 0018). bare: the handler in a loop. floor: the same inside of Middy.',
        'middy-otel: W3C extract, span per record, context.with, BatchSpanProcessor and forceFlush: SDK 2.12 in its usual settings.',
        withPeers
          ? `datadog: datadog-lambda-js ${peerVersion('datadog-lambda-js')} without an agent: a lower bound, one span for the batch.`
          : '',
      ].filter((line) => line !== ''),
    );
  },
};

type Case = AsyncCase & { readonly check: (answer: unknown) => boolean };

const records = Array.from({ length: 10 }, (_, index) => ({
  messageId: `059f36b4-87a3-44ab-83d2-66197527${String(index).padStart(4, '0')}`,
  receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a'.repeat(8),
  body: JSON.stringify({ order: index, items: 'x'.repeat(600) }),
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '1545082649183',
    SenderId: 'AIDAIENQZJOLO23YVJ4VO',
    ApproximateFirstReceiveTimestamp: '1545082649185',
  },
  messageAttributes: {
    kind: { stringValue: 'order', stringListValues: [], binaryListValues: [], dataType: 'String' },
    traceparent: {
      stringValue: `00-0af7651916cd43dd8448eb211c8031${index}0-b7ad6b71692033${index}1-01`,
      stringListValues: [],
      binaryListValues: [],
      dataType: 'String',
    },
  },
  md5OfBody: '7b270e59b47ff90a553787216d55d91d',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:us-east-2:123456789012:orders',
  awsRegion: 'us-east-2',
}));
const event = { Records: records };

const lambda = {
  functionName: 'take-orders',
  functionVersion: '$LATEST',
  awsRequestId: '8f507cfc-xmpl-4697-b07a-ac58fc914c95',
  invokedFunctionArn: 'arn:aws:lambda:us-east-2:123456789012:function:take-orders',
  memoryLimitInMB: '512',
  logGroupName: '/aws/lambda/take-orders',
  logStreamName: '1',
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => 30_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
} as never;

let handled = 0;
/** What a record is worth to the handler: next to nothing, so that what is measured is the tracing. */
const handle = async (record: { readonly body?: unknown }): Promise<void> => {
  handled += (record.body as string).length;
};

const isEmptyReply = (answer: unknown): boolean => JSON.stringify(answer) === '{"batchItemFailures":[]}';

const bare: Case = {
  case: 'bare',
  run: async () => {
    for (const record of event.Records) await handle(record);
    return { batchItemFailures: [] };
  },
  check: isEmptyReply,
};

let handedOver = 0;

/** What no tracer can take away: Middy, the loop and the promises of the handler. */
const floor: Case = {
  case: 'floor',
  run: (
    (handler) => () =>
      handler(event as never, lambda)
  )(middy({ timeoutEarlyInMillis: 0 }).handler(bare.run as never)),
  check: isEmptyReply,
};

export const cases = (): Case[] => {
  const plain = tracingTo((spans) => {
    handedOver += spans.length;
  });
  const thorough = tracingTo((spans) => {
    for (const span of spans) readWhole(span);
  });
  const plugged = ({ tracing, each }: ReturnType<typeof tracingTo>) =>
    middy({ ...traceContext(tracing), timeoutEarlyInMillis: 0 }).handler(each as never);
  const one = plugged(plain);
  const other = plugged(thorough);
  const alone = traced(plain.each, plain.tracing);
  const check = (answer: unknown): boolean => isEmptyReply(answer) && handedOver >= 12 && handled > 0;
  const hasRead = (answer: unknown): boolean => check(answer) && read.attributes >= 70 && read.links >= 10;
  return [
    { case: 'tidemark', run: () => one(event as never, lambda), check },
    { case: 'tidemark/traced', run: () => alone(event, lambda), check },
    { case: 'tidemark/read', run: () => other(event as never, lambda), check: hasRead },
  ];
};

const tracingTo = (take: (spans: readonly Span[]) => void) => {
  const tracing = createTracing({
    // As in a function: there no timer runs beside the flush.
    env: { AWS_LAMBDA_FUNCTION_NAME: 'orders', OTEL_TRACES_SAMPLER: 'always_on', OTEL_SERVICE_NAME: 'orders' },
    nanos: systemNanos,
    random: Math.random,
    backEnd: {
      name: 'memory',
      export: (spans) => {
        take(spans);
        return Promise.resolve({ kept: spans.length, dropped: {} });
      },
    },
  });
  return { tracing, each: (event: unknown) => eachRecord(event, handle, tracing) };
};

const read = { attributes: 0, links: 0, ids: 0 };

/** All that an encoder asks for. */
const readWhole = (span: Span): void => {
  for (const name in span.attributes) if (span.attributes[name] !== undefined) read.attributes++;
  for (const link of span.links) read.links += link.traceId.length / 32;
  read.ids += span.spanId.length + (span.parentSpanId ?? '').length;
  if (span.endNanos < span.startNanos) throw new Error('a span ends before it starts');
};

/** As the documentation of OpenTelemetry and Middy has it: extract, a CONSUMER span per record, forceFlush at the end. */
const usual = (): Case => {
  let exported = 0;
  const exporter: SpanExporter = {
    export: (spans, done) => {
      exported += spans.length;
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  const tracer = provider.getTracer('usual');
  const propagator = new W3CTraceContextPropagator();
  const getter = {
    keys: (carrier: (typeof records)[0]['messageAttributes']) => Object.keys(carrier),
    get: (carrier: (typeof records)[0]['messageAttributes'], key: string) =>
      (carrier as Record<string, { stringValue: string } | undefined>)[key]?.stringValue,
  };
  const handler = middy({ timeoutEarlyInMillis: 0 })
    .use({
      after: async () => {
        await provider.forceFlush();
      },
    })
    .handler((async ({ Records }: typeof event) => {
      const batchItemFailures: { itemIdentifier: string }[] = [];
      for (const record of Records) {
        const parent = propagator.extract(ROOT_CONTEXT, record.messageAttributes, getter);
        const sender = trace.getSpanContext(parent);
        const span = tracer.startSpan(
          'process orders',
          {
            kind: SpanKind.CONSUMER,
            links: sender === undefined ? [] : [{ context: sender }],
            attributes: {
              'messaging.system.name': 'aws.sqs',
              'messaging.operation.name': 'process',
              'messaging.operation.type': 'process',
              'messaging.destination.name': 'orders',
              'messaging.message.id': record.messageId,
            },
          },
          ROOT_CONTEXT,
        );
        try {
          await context.with(trace.setSpan(ROOT_CONTEXT, span), () => handle(record));
        } catch (error) {
          span.recordException(error as Error);
          span.setStatus({ code: SpanStatusCode.ERROR });
          batchItemFailures.push({ itemIdentifier: record.messageId });
        } finally {
          span.end();
        }
      }
      return { batchItemFailures };
    }) as never);
  return {
    case: 'middy-otel',
    run: () => handler(event as never, lambda),
    check: (answer) => isEmptyReply(answer) && exported >= 10,
  };
};

const powertools = (): Case => {
  const { BatchProcessor, EventType, processPartialResponse } = peer<{
    BatchProcessor: new (type: string) => unknown;
    EventType: { SQS: string };
    processPartialResponse: (...all: unknown[]) => Promise<unknown>;
  }>('@aws-lambda-powertools/batch');
  const processor = new BatchProcessor(EventType.SQS);
  return {
    case: 'powertools',
    run: () => processPartialResponse(event, handle, processor, { context: lambda }),
    check: isEmptyReply,
  };
};

const datadog = async (): Promise<Case> => {
  Object.assign(process.env, {
    DD_TRACE_ENABLED: 'true',
    DD_LOCAL_TEST: 'true',
    DD_LOG_LEVEL: 'off',
    DD_API_KEY: 'none',
    DD_FLUSH_TO_LOG: 'false',
    DD_ENHANCED_METRICS: 'false',
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
    DD_SERVICE: 'orders',
  });
  // Without this its tracer does nothing. No plug-ins: the other cases in this process are not to be instrumented.
  const tracer = peer<{ init: (options: object) => { scope: () => { active: () => unknown } } }>('dd-trace').init({
    plugins: false,
    url: 'http://127.0.0.1:9',
    flushInterval: 2000,
    startupLogs: false,
  });
  let spans = 0;
  const wrapped = peer<{ datadog: (handler: unknown, config?: unknown) => (...all: unknown[]) => Promise<unknown> }>(
    'datadog-lambda-js',
  ).datadog(
    async ({ Records }: typeof event) => {
      if (tracer.scope().active() !== null) spans++;
      for (const record of Records) await handle(record);
      // An answer with batchItemFailures would make it print a metric for every call.
    },
    { enhancedMetrics: false, logForwarding: false, flushMetricsToLogs: false, injectLogContext: false },
  );
  return { case: 'datadog', run: () => wrapped(event, lambda), check: (answer) => answer === undefined && spans > 0 };
};

/** A case that does not do its work would win. */
const checked = async (each: Case): Promise<void> => {
  const answer = await each.run();
  if (!each.check(answer)) throw new Error(`${each.case} does not do its work: ${JSON.stringify(answer)}`);
};
