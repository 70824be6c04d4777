import type { Layer } from './carrier.ts';

/** One record of one invocation. `entry` is the record as the trigger delivered it; nothing is copied. */
export interface Message {
  readonly source: Source;
  /** Position in the event, over all records, from 0. */
  readonly index: number;
  readonly entry: unknown;
  /** The whole event, for what only its envelope says. */
  readonly event: unknown;
}

/** What is known of a message besides its content. Times in milliseconds since the epoch. */
export interface Details {
  /** The id to answer in `batchItemFailures`; undefined where the trigger has no partial failures. */
  readonly failureId?: string;
  readonly messageId?: string;
  /** Messages of one group are handled in order: SQS FIFO group, shard, topic partition. */
  readonly groupId?: string;
  readonly sentAt?: number;
  readonly firstReceivedAt?: number;
  /** 1 on the first delivery. */
  readonly receiveCount?: number;
  /** The ARN of the queue that this message was dead-lettered from. */
  readonly deadLetteredFrom?: string;
  /** Queue, topic, stream, bus or route, without account and region. */
  readonly destination?: string;
  readonly partition?: string;
  readonly offset?: string;
  /** ARN of the event source, where there is one. */
  readonly arn?: string;
  readonly correlationId?: string;
  /** More attributes of one system, under their semantic-convention names. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** How one kind of trigger packs its messages. All functions are total: they never throw. */
export interface Source<Event = unknown, Entry = unknown> {
  /** `sqs`, `sns`, `eventbridge`, … */
  readonly name: string;
  /** semconv `messaging.system`, or undefined where the trigger is no messaging system. */
  readonly system: string | undefined;
  /** semconv `faas.trigger`. */
  readonly trigger: 'datasource' | 'http' | 'pubsub' | 'timer' | 'other';
  /** Which answer reports partial failures. */
  readonly partialFailures: 'by-message' | 'by-group' | 'by-first' | 'none';
  /** The records of an event that is this source's, else undefined. A record of another kind in a list is not claimed. */
  readonly entries: (event: Event) => readonly Entry[] | undefined;
  /** Whether one record, out of a list that mixes sources, is this source's. */
  readonly claims: (entry: unknown) => boolean;
  readonly layer: Layer<Entry>;
  readonly details: (entry: Entry, event: Event) => Details;
  /** The same for single members, where they can be had without the whole: a span's other details are read when it is sent, if at all. */
  readonly brief?: {
    readonly messageId: (entry: Entry) => string | undefined;
    readonly receiveCount: (entry: Entry) => number | undefined;
    readonly destination: (entry: Entry) => string | undefined;
  };
  /** The content as handed on to a handler: text, or bytes where the trigger delivers base64 of bytes. */
  readonly body: (entry: Entry) => string | Uint8Array | undefined;
}
