import { type Context, SpanKind } from '@opentelemetry/api';
import type { SpanLink } from '../model/span.ts';
import type { AttributeMap } from '../telemetry/semconv.ts';
import { attemptSpanId, withEarlier } from './attempts.ts';
import { Binding, spanKey } from './binding.ts';
import type { ReceivedMessage } from './received.ts';
import { attributesOf, type Batch } from './record.ts';
import { type MessageSpans, now, propagationOf, type Telling, type TracingOptions, wireLinksOf } from './tracing.ts';

/** A recorder for the batch, where the tracer has one and the records are children of what is active around them. */
export const messageSpans = ({ tracer, ambient, parent, options, asParent }: Batch): MessageSpans | undefined => {
  if (asParent || parent === undefined || tracer.messageSpans === undefined) return undefined;
  return tracer.messageSpans(SpanKind.CONSUMER, ambient, parent, new Tells(options, now(options)));
};

/** What the spans of a batch in `link` relation are, by their messages. */
class Tells implements Telling {
  readonly #options: TracingOptions;
  readonly #startedAt: number;
  constructor(options: TracingOptions, startedAt: number) {
    this.#options = options;
    this.#startedAt = startedAt;
  }
  attributes(message: ReceivedMessage, elapsedMs: number): AttributeMap {
    return attributesOf(this.#options, message, Math.round(this.#startedAt + elapsedMs));
  }
  links(message: ReceivedMessage): readonly SpanLink[] {
    const links = wireLinksOf(message.extracted(propagationOf(this.#options)), false);
    return withEarlier(links, message, this.#options);
  }
  spanId(message: ReceivedMessage): string | undefined {
    return attemptSpanId(message);
  }
  get spanKey(): symbol {
    return spanKey;
  }
  bind(base: Context, key: symbol, value: unknown): Context {
    return new Binding(base, key, value);
  }
}
