import type { WatchedQueue } from './config/watermarks.ts';

/** What one look at an SQS queue gave. Counts are approximate, as SQS says of them itself. */
export interface QueueSnapshot {
  readonly name: string;
  readonly arn: string;
  /** When it was asked, in milliseconds since the epoch. */
  readonly at: number;
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
  /** Seconds; from CloudWatch, since SQS has no such attribute. Absent where nobody knows. */
  readonly oldestAgeSeconds?: number;
  /** How many messages count as full; absent when the configuration does not say. */
  readonly capacity?: number;
  /** How old the oldest message may get. */
  readonly ageSloSeconds?: number;
  /** A growing or level queue of at most this many messages is left alone by `queue-drain`. */
  readonly minBacklog?: number;
  /** Messages visible at earlier ticks, oldest first. */
  readonly history: readonly BacklogPoint[];
}

/** Messages visible at one time, in milliseconds since the epoch. */
export interface BacklogPoint {
  readonly at: number;
  readonly backlog: number;
}

/** What is given, or what consumers get through before a message is too old. */
export const capacityOf = ({ capacity, consumeRatePerSecond, maxAgeSeconds }: WatchedQueue): number | undefined =>
  capacity ??
  (consumeRatePerSecond === undefined || maxAgeSeconds === undefined
    ? undefined
    : consumeRatePerSecond * maxAgeSeconds);

export const nameOfQueue = ({ arn }: { readonly arn: string }): string => arn.slice(arn.lastIndexOf(':') + 1);

/** What samplers read: how full a queue is, one item a queue (`pk` `pressure`, `sk` the queue's name). */
export interface Pressure {
  readonly level: 'normal' | 'medium' | 'high';
  /** Backlog over capacity, from 0; more than 1 when it is over. */
  readonly fill: number;
  readonly backlog: number;
  readonly capacity: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** `normal` below 30 %, `high` above 70 %, `medium` between. */
export const pressureLevel = (fill: number): Pressure['level'] =>
  fill > 0.7 ? 'high' : fill >= 0.3 ? 'medium' : 'normal';
