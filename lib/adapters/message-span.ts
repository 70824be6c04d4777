import type { Context, SpanContext } from '@opentelemetry/api';
import { flagsOf, now, type Recording, RecordingSpan, type Shared, type Telling } from './recording-span.ts';

/** How a value is bound to a context, and the key under which the span is found there. */
export interface Binds {
  readonly spanKey: symbol;
  readonly bind: (base: Context, key: symbol, value: unknown) => Context;
}

interface SharedByMessages extends Shared, Binds {
  readonly around: Context;
}

/** The span of one message of a batch. It is the context in which it is active as well, which saves an object for each. */
export class MessageSpan extends RecordingSpan implements Context {
  declare protected readonly shared: SharedByMessages;
  getValue(key: symbol): unknown {
    return key === this.shared.spanKey ? this : this.shared.around.getValue(key);
  }
  setValue(key: symbol, value: unknown): Context {
    return this.shared.bind(this, key, value);
  }
  deleteValue(key: symbol): Context {
    return this.shared.bind(this, key, undefined);
  }
}

/** Spans of the messages of one batch: siblings under one parent, which share all but their id, their times and what is said of them. */
export class MessageSpans<Message> {
  readonly #shared: SharedByMessages;
  #last: MessageSpan | undefined = undefined;

  constructor(
    recording: Recording,
    kind: number,
    traceFlags: number,
    traceState: SpanContext['traceState'],
    around: Context,
    parent: SpanContext,
    telling: Telling<Message> & Binds,
  ) {
    this.#shared = {
      recording,
      traceId: parent.traceId,
      parentSpanId: parent.spanId,
      traceState,
      flags: flagsOf(traceFlags, parent.isRemote),
      kind: kind + 1,
      base: recording.stamp(),
      telling: telling as Telling<unknown>,
      around,
      spanKey: telling.spanKey,
      bind: telling.bind,
    };
  }

  /** `follows`: nothing was waited for since the span before this one ended, which is then when this one starts. */
  start(message: Message, name: string, follows: boolean): MessageSpan {
    const { recording, base } = this.#shared;
    const at = (follows ? this.#last?.ended : undefined) ?? now(recording, base);
    const span = new MessageSpan(this.#shared, undefined, name, at, message);
    this.#last = span;
    return span;
  }
}
