import type { SpanExport } from '../model/back-end.ts';
import type { Span } from '../model/span.ts';
import { sqsQueue } from './sqs.ts';

/** Half of what a message may hold: the encoding of a batch is only known afterwards. */
const maxBytes = 524_288;

/** Exports spans as OTLP/JSON bodies to an SQS queue: the way out for functions that have no collector beside them. */
export const spanQueue = (options: {
  readonly queueUrl: string;
  readonly encode: (spans: readonly Span[]) => string;
}): SpanExport => {
  const queue = sqsQueue({ queueUrl: options.queueUrl });
  return async (spans) => {
    await queue.send(bodies(spans, options.encode).map((body) => ({ body })));
  };
};

/** Splits in halves until each body fits; a single span that does not fit is sent as it is and refused by name at the queue. */
const bodies = (spans: readonly Span[], encode: (spans: readonly Span[]) => string): string[] => {
  const body = encode(spans);
  if (spans.length < 2 || Buffer.byteLength(body) <= maxBytes) return [body];
  const middle = spans.length >> 1;
  return [...bodies(spans.slice(0, middle), encode), ...bodies(spans.slice(middle), encode)];
};
