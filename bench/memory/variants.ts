import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { systemNanos } from '../../lib/adapters/clock.ts';
import { takeCharge } from '../../lib/adapters/context-manager.ts';
import { eachRecord } from '../../lib/middleware/each-record.ts';
import { traced } from '../../lib/middleware/traced.ts';
import type { BackEnd } from '../../lib/model/back-end.ts';
import { createTracing, type ProviderOptions } from '../../lib/provider/tracing.ts';
import { encodings } from '../../lib/telemetry/encode.ts';
import { metrics } from '../../lib/telemetry/metrics.ts';
import { redactor } from '../../lib/telemetry/redact.ts';
import { backlogSampler } from '../../lib/telemetry/sampler.ts';

/** Handles one invocation, from the text that the runtime hands over to the answer. */
export type Invoke = () => Promise<unknown>;

export const messages = 10;

const text = JSON.stringify({
  Records: Array.from({ length: messages }, (_, index) => ({
    messageId: `059f36b4-87a3-44ab-83d2-66197527${String(index).padStart(4, '0')}`,
    receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a'.repeat(8),
    body: JSON.stringify({ order: index, items: 'x'.repeat(600) }),
    attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1545082649183', SenderId: 'AIDAIENQZJOLO23YVJ4VO' },
    messageAttributes: {
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
  })),
});
interface SqsEvent {
  readonly Records: readonly { readonly body: string }[];
}

let handled = 0;
const handle = async (record: { readonly body?: unknown }): Promise<void> => {
  handled += (JSON.parse(record.body as string) as { items: string }).items.length;
};

/** What tidemark does to a batch, with what comes after a span's end. */
const ours = (
  options: Partial<ProviderOptions>,
  extra: { readonly onRecord?: (record: object) => void } = {},
): Invoke => {
  const encode = encodings.protobuf.encoder();
  const backEnd: BackEnd = {
    name: 'memory',
    export: async (spans) => {
      sent += encode(spans).length;
      return { kept: spans.length, dropped: {} };
    },
  };
  const env = { OTEL_TRACES_SAMPLER: 'always_on', OTEL_SERVICE_NAME: 'orders', AWS_LAMBDA_FUNCTION_NAME: 'orders' };
  const tracing = { ...createTracing({ env, nanos: systemNanos, random: Math.random, backEnd, ...options }), ...extra };
  const handler = traced((event: unknown) => eachRecord(event, handle, tracing), tracing);
  return () => handler(JSON.parse(text));
};
let sent = 0;

const bySampler = (keepErrors: boolean): Invoke => ours({ sampler: backlogSampler({ pressure: () => 2, keepErrors }) });

/** The same middleware on OpenTelemetry's recorder and encoder: what tidemark would do without its own. */
const sdk = (): Invoke => {
  // Without an asynchronous context nothing would be active in the handler.
  takeCharge();
  const exporter: SpanExporter = {
    export: (spans, done) => {
      sent += ProtobufTraceSerializer.serializeRequest(spans)?.length ?? 0;
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  const tracing = { tracer: provider.getTracer('orders'), flush: () => provider.forceFlush() };
  const handler = traced((event: unknown) => eachRecord(event, handle, tracing), tracing);
  return () => handler(JSON.parse(text));
};

const redacting = (): Invoke => {
  const { span } = redactor({});
  const encode = encodings.protobuf.encoder();
  return ours({
    backEnd: {
      name: 'redacted',
      export: async (spans) => {
        sent += encode(spans.map(span)).length;
        return { kept: spans.length, dropped: {} };
      },
    },
  });
};

const counting = (): Invoke => {
  const { measure } = metrics({ clock: Date.now });
  return ours({}, { onRecord: (record) => measure('tidemark.records', 1, record as never) });
};

export const variants: Readonly<Record<string, () => Invoke>> = {
  bare: () => async () => {
    for (const record of (JSON.parse(text) as SqsEvent).Records) await handle(record);
  },
  sdk,
  tidemark: () => ours({}),
  'tidemark/redacted': redacting,
  'tidemark/counted': counting,
  'tidemark/backlog': () => bySampler(true),
  'tidemark/backlog-no-errors': () => bySampler(false),
};

export const work = (): number => handled + sent;
