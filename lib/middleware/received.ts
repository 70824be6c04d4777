import { bodyOf, detailsOf, recordsAs } from '../message/records.ts';
import type { Details, Message, Source } from '../model/message.ts';
import type { Extracted } from '../model/trace-context.ts';
import { extract } from '../propagation/extract.ts';
import type { Propagation } from '../propagation/propagation.ts';

/** A message as handlers get it. What costs something is worked out when it is first asked for, and once. */
export class ReceivedMessage implements Message {
  readonly source: Source;
  readonly index: number;
  readonly entry: unknown;
  readonly event: unknown;
  #details: Details | undefined;
  #extracted: Extracted | undefined;

  constructor(source: Source, index: number, entry: unknown, event: unknown) {
    this.source = source;
    this.index = index;
    this.entry = entry;
    this.event = event;
    this.#details = undefined;
    this.#extracted = undefined;
  }

  /** Text, or bytes where the transport carries bytes. Decoded at each call. */
  get body(): string | Uint8Array | undefined {
    return bodyOf(this);
  }

  /** Ids, times and counts. */
  get details(): Details {
    this.#details ??= detailsOf(this);
    return this.#details;
  }

  /** Members of the details by themselves: where nobody asks for more, the whole is never put together. */
  get messageId(): string | undefined {
    const { brief } = this.source;
    return brief === undefined ? this.details.messageId : brief.messageId(this.entry);
  }
  get receiveCount(): number | undefined {
    const { brief } = this.source;
    return brief === undefined ? this.details.receiveCount : brief.receiveCount(this.entry);
  }
  get destination(): string | undefined {
    const { brief } = this.source;
    return brief === undefined ? this.details.destination : brief.destination(this.entry);
  }

  /** The trace context that it carried. */
  extracted(using: Propagation): Extracted {
    this.#extracted ??= extract(this, using);
    return this.#extracted;
  }
}

/** The messages of an event, from the event itself and from what the Lambda context says of the call. */
export const received = (event: unknown, lambdaContext?: { readonly clientContext?: unknown }): ReceivedMessage[] =>
  recordsAs(event, lambdaContext, make);

const make = (source: Source, index: number, entry: unknown, event: unknown): ReceivedMessage =>
  new ReceivedMessage(source, index, entry, event);
