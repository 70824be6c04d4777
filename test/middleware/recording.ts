import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, type ContextManager, context, ROOT_CONTEXT, type Tracer } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** OpenTelemetry's own SDK as the recorder, so that the middleware is proven against it and not only against ours. */
export const recording = (): {
  readonly tracer: Tracer;
  readonly spans: () => ReadableSpan[];
  readonly named: (name: string) => ReadableSpan[];
} => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = () => exporter.getFinishedSpans();
  return { tracer: provider.getTracer('test'), spans, named: (name) => spans().filter((span) => span.name === name) };
};

const storage = new AsyncLocalStorage<Context>();
const manager: ContextManager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, fn, thisArg, ...args) => storage.run(active, () => fn.call(thisArg as never, ...args)),
  bind: (_, target) => target,
  enable: () => manager,
  disable: () => manager,
};
context.setGlobalContextManager(manager);

export const traceId = (index: number): string => `0af7651916cd43dd8448eb211c80${String(index).padStart(4, '0')}`;
export const spanId = (index: number): string => `b7ad6b716920${String(index).padStart(4, '0')}`;
export const traceparent = (index: number): string => `00-${traceId(index)}-${spanId(index)}-01`;
export const messageId = (index: number): string => `059f36b4-87a3-44ab-83d2-66197${String(index).padStart(7, '0')}`;

interface RecordParts {
  readonly carrier?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly arn?: string;
  readonly body?: string;
}

/** An SQS record as the event source delivers it. */
export const anSqsRecord = (index: number, parts: RecordParts = {}) => ({
  messageId: messageId(index),
  receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
  body: parts.body ?? JSON.stringify({ index }),
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '1545082649183',
    SenderId: 'AIDAIENQZJOLO23YVJ4VO',
    ApproximateFirstReceiveTimestamp: '1545082649185',
    ...parts.attributes,
  },
  messageAttributes: Object.fromEntries(
    Object.entries(parts.carrier ?? { traceparent: traceparent(index) }).map(([name, stringValue]) => [
      name,
      { stringValue, stringListValues: [], binaryListValues: [], dataType: 'String' },
    ]),
  ),
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: parts.arn ?? 'arn:aws:sqs:us-east-2:123456789012:orders',
  awsRegion: 'us-east-2',
});

export const anSqsEvent = (count: number, parts: RecordParts = {}) => ({
  Records: Array.from({ length: count }, (_, index) => anSqsRecord(index, parts)),
});
