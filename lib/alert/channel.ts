import type { Alert } from '../model/alert.ts';
import type { ReceiverConfig } from '../model/config/alerts.ts';
import type { Crypto, HttpRequest, HttpResponse } from '../model/ports.ts';
import type { Verdict } from './verdict.ts';

/** What one flush of a group says to one receiver. JSON, so that it can wait in a queue. */
export interface Notification {
  readonly receiver: string;
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  /** Firing and resolved, in any order. */
  readonly alerts: readonly Alert[];
  /** How many minutes later than promised it goes out; the message says so. */
  readonly lateMinutes?: number;
  /** Fingerprints of those that do, where others are in time. */
  readonly lateOf?: readonly string[];
}

/** One request's worth of a notification: planned once, then on its own way, with a delivery id of its own. JSON, too. */
export interface Chunk {
  /**
   * `message` carries alerts. `mention` only pages people where a message cannot, and `picture` only adds to it: neither
   * carries an alert that no message carries, so both may be dropped when the rate is short.
   */
  readonly kind: 'message' | 'mention' | 'picture';
  /** With just the alerts of this chunk. */
  readonly notification: Notification;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
  /** Say less: the destination found the full form too large, and there is nothing left to split. */
  readonly brief?: true;
}

/** How a receiver wants its messages: what of its configuration holds no secret. */
export type Style = Pick<ReceiverConfig, 'language' | 'mention' | 'template' | 'picture' | 'format' | 'headers'>;

/** A destination with its secrets filled in. */
export interface Target extends Style {
  readonly name: string;
  readonly url: string;
  /** Signing secret, routing key or API key, where the channel has one. Several, newest first, while they are rotated. */
  readonly secrets?: readonly string[];
}

/** What plans and messages need to know besides the receiver. */
export interface Saying {
  /** Address of a trace's page, with `{traceId}` in it. */
  readonly traceUrl?: string;
  /** Address of a window's report, with `{report}` in it. */
  readonly reportUrl?: string;
}

export interface Sending extends Saying {
  /** The same for every attempt of one chunk and for no other chunk: an idempotency key, and printed for people. */
  readonly deliveryId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly crypto: Crypto;
  /** What a chunk of kind `picture` shows: a PNG. */
  readonly picture?: Uint8Array;
}

/** The greatest rate that a target takes. */
export interface Rate {
  readonly messages: number;
  /** Length of the rolling window. */
  readonly seconds: number;
  /** Besides: no more than so many in any one second. */
  readonly perSecond?: number;
  /** How long the target is shut after it has throttled twice in a row. */
  readonly banSeconds?: number;
}

/** One tool that alerts are delivered to. Pure: says what to send, and what the answer means. */
export interface Channel {
  readonly name: string;
  /** The target tells repeated deliveries of one id apart itself. */
  readonly idempotent: boolean;
  /** Absent where no limit is known. */
  readonly rate?: Rate;
  /** What `measure` may come to, in bytes of UTF-8. */
  readonly maxBytes: number;
  /** The bytes of a request that its limit is about: the whole body, or a member of it. */
  readonly measure: (request: HttpRequest) => number;
  /** The address, for a destination that is the same for everyone. */
  readonly url?: string;
  /** Each request is signed with all secrets at once; elsewhere the newest is used, and an older one when it is refused. */
  readonly signsWithAll?: true;
  /** Every alert in exactly one chunk of kind `message`, worst first, each within the limit. The same input gives the same plan. */
  readonly plan: (notification: Notification, style: Style, saying: Saying) => readonly Chunk[];
  /** The request of one chunk; signed afresh at each attempt. */
  readonly request: (chunk: Chunk, target: Target, sending: Sending) => HttpRequest;
  readonly verdict: (response: HttpResponse, now: number) => Verdict;
}
