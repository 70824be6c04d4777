/** The answer to one request. */
export interface PostAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its first 64 KiB. */
  readonly body: Buffer;
}

/** What of the body of an answer is kept; it is read to its end all the same, or the connection could not be used again. */
export const maxAnswerBytes = 64 * 1024;

/** Why there was no answer. */
export interface NoAnswer {
  readonly lost: 'timeout' | 'unreachable' | 'unavailable';
}

/** Sends one body and reads its answer. Never rejects. */
export type Post = (
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  budgetMs: number,
) => Promise<PostAnswer | NoAnswer>;

/** PEM, each where the system's own is not to be used. */
export type Pem = Readonly<Partial<Record<'ca' | 'cert' | 'key', Buffer>>>;
