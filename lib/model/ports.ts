/**
 * What a decision may ask of the outside, handed in by a function, a test or the simulator.
 * Rooms depend on these shapes alone; the implementations live in lib/adapters and test/support.
 */

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** A number in [0, 1). */
export type Random = () => number;

/** One item of the state table; `ttl` in seconds since the epoch. Values are JSON. */
export interface Item {
  readonly pk: string;
  readonly sk: string;
  readonly ttl?: number;
  readonly [attribute: string]: unknown;
}

/** What must hold of the stored item for a write to happen. All given conditions must hold. */
export interface Condition {
  /** true: no (unexpired) item may be there; false: one must be there. */
  readonly absent?: boolean;
  /** Attributes of the stored item that must equal these values; `undefined` means: must be missing. */
  readonly equals?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Numeric attributes of the stored item that must be missing or below these values. */
  readonly below?: Readonly<Record<string, number>>;
}

/** The state table: conditional single-item writes only, no transactions, no scans. Expired items are never returned. */
export interface Table {
  get(pk: string, sk: string): Promise<Item | undefined>;
  /** All items of one partition in `sk` order. */
  query(
    pk: string,
    options?: { readonly skPrefix?: string; readonly limit?: number; readonly descending?: boolean },
  ): Promise<readonly Item[]>;
  /** Answers false when the condition did not hold; nothing was written then. */
  put(item: Item, condition?: Condition): Promise<boolean>;
  delete(pk: string, sk: string, condition?: Condition): Promise<boolean>;
}

export interface QueueMessage {
  readonly body: string;
  /** String attributes, at most 10. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** 0 to 900. */
  readonly delaySeconds?: number;
  readonly groupId?: string;
  readonly deduplicationId?: string;
}

/** Sends to one SQS queue. */
export interface Queue {
  send(messages: readonly QueueMessage[]): Promise<void>;
}

export interface BusEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

/** Puts events on the bus; rejects when any entry was refused after retries. */
export interface Bus {
  put(events: readonly BusEvent[]): Promise<void>;
}

/** One S3 bucket. */
export interface Bucket {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, body: Uint8Array, contentType?: string): Promise<void>;
  /** Keys in order. */
  list(prefix: string): Promise<readonly string[]>;
}

/** Reads objects of buckets that are not ours; undefined when there is none. Rejects with `too-large` instead of reading on and on. */
export type Objects = (bucket: string, key: string) => Promise<Uint8Array | undefined>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One HTTP exchange, redirects never followed. Rejects with a Failure (`timeout`, `unavailable`, `refused`). */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

/**
 * The text of a secret by its reference (`secretsmanager:name` or `ssm:name`); rejects with a Failure. `fresh` passes over what
 * is cached: a destination that refuses the cached text may have been given another one.
 */
export type Secrets = (reference: string, options?: { readonly fresh?: boolean }) => Promise<string>;

/** What rooms ask of node:crypto, which they may not import. Texts are taken as UTF-8. */
export interface Crypto {
  hmacSha256(key: Uint8Array, message: string | Uint8Array): Uint8Array;
  /** Only because WeCom wants one with each image; it proves nothing. */
  md5(bytes: Uint8Array): Uint8Array;
  /** Whether two byte strings are the same, in a time that does not tell how much of them is. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /** Signs with the private key that a seed of 32 bytes stands for (RFC 8032). */
  ed25519(seed: Uint8Array, message: string | Uint8Array): Uint8Array;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One structured line. `fields` never hold secrets. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
