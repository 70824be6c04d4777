import type { Alert } from '../model/alert.ts';
import type { HttpRequest, HttpResponse } from '../model/ports.ts';
import type { Verdict } from './verdict.ts';

/** A destination with its secrets filled in. */
export interface Target {
  readonly name: string;
  readonly url: string;
  /** Signing secret, where the channel has one. */
  readonly secret?: string;
  /** Users that a critical alert mentions. */
  readonly mention?: readonly string[];
}

export interface Sending {
  /** The same for every attempt of one delivery: an idempotency key, and printed for people. */
  readonly deliveryId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Address of a trace's page, with `{traceId}` in it. */
  readonly traceUrl?: string;
  /** HMAC-SHA256, handed in since rooms know no node:crypto. */
  readonly hmacSha256: (key: Uint8Array, message: string) => Uint8Array;
}

/** One tool that alerts are delivered to. Pure: says what to send, and what the answer means. */
export interface Channel {
  readonly name: string;
  readonly request: (alert: Alert, target: Target, sending: Sending) => HttpRequest;
  readonly verdict: (response: HttpResponse, now: number) => Verdict;
  /** Messages that one target takes in a time; absent where none is known. */
  readonly rate?: { readonly messages: number; readonly seconds: number };
  /** The target tells repeated deliveries of one id apart itself. */
  readonly idempotent: boolean;
}
