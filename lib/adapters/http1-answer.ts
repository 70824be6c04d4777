import { maxAnswerBytes, type PostAnswer } from './post.ts';

/** Of several headers of a name the last one counts. */
export interface Answer extends PostAnswer {
  /** Whether the connection can be used again. */
  readonly keepsAlive: boolean;
}

/** Node's own limit for a head; for a line of a chunked body as well. */
const maxHeadBytes = 16 * 1024;

/** Takes what has come, undefined when no more will; answers when the answer is whole. Throws where it is none. */
export type AnswerReader = (bytes: Buffer | undefined) => Answer | undefined;

/** Reads the answer to a POST in whatever pieces it comes (RFC 9112): interim answers are passed over, chunks put together. */
export const answerReader = (): AnswerReader => {
  const reading = steps();
  reading.next(undefined);
  return (bytes) => {
    const { done, value } = reading.next(bytes);
    return done ? value : undefined;
  };
};

/** Stops wherever it takes more bytes. */
function* steps(): Generator<undefined, Answer, Buffer | undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let size = 0;
  const kept: Buffer[] = [];

  /** Text up to what ends it, which is passed over. */
  function* until(end: string): Generator<undefined, string, Buffer | undefined> {
    for (;;) {
      const at = rest.indexOf(end);
      if (at > maxHeadBytes || (at < 0 && rest.length > maxHeadBytes + end.length)) throw broken();
      if (at >= 0) {
        const found = rest.toString('latin1', 0, at);
        rest = rest.subarray(at + end.length);
        return found;
      }
      const bytes = yield;
      if (bytes === undefined) throw broken();
      rest = Buffer.concat([rest, bytes]);
    }
  }
  /** So many bytes of the body; of Infinity all that come. */
  function* body(length: number): Generator<undefined, void, Buffer | undefined> {
    for (let left = length; ; ) {
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      if (size < maxAnswerBytes) kept.push(piece.subarray(0, maxAnswerBytes - size));
      size += piece.length;
      if (left === 0) return;
      const bytes = yield;
      if (bytes === undefined) {
        if (length === Number.POSITIVE_INFINITY) return;
        throw broken();
      }
      rest = bytes;
    }
  }

  let head: Head;
  do head = headOf(yield* until('\r\n\r\n'));
  while (head.status < 200);
  const { status, headers, length, keepsAlive } = head;
  if (length !== undefined) yield* body(length);
  else {
    for (;;) {
      const digits = /^([0-9a-f]{1,8})[\t ]*(;|$)/i.exec(yield* until('\r\n'));
      if (digits === null) throw broken();
      const chunk = Number.parseInt(digits[1] as string, 16);
      if (chunk === 0) break;
      yield* body(chunk);
      if ((yield* until('\r\n')) !== '') throw broken();
    }
    // Trailers.
    while ((yield* until('\r\n')) !== '');
  }
  return { status, headers, body: Buffer.concat(kept), keepsAlive: keepsAlive && rest.length === 0 };
}

const broken = (): Error => new Error('not HTTP/1.1');

interface Head extends Omit<Answer, 'body'> {
  /** Bytes of the body, Infinity where the end of the connection is its end; undefined where it comes in chunks. */
  readonly length: number | undefined;
}

const headOf = (text: string): Head => {
  const [start, ...lines] = text.split('\r\n') as [string, ...string[]];
  const [, minor, code] = /^HTTP\/1\.([01]) ([1-9]\d\d)( |$)/.exec(start) ?? [];
  // 101 would change the protocol, which nobody asked for.
  if (code === undefined || code === '101') throw broken();
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    // Two lengths are how answers are smuggled.
    if (!isToken(name) || (name === 'content-length' && (headers[name] ?? value) !== value)) throw broken();
    headers[name] = value;
  }
  const { 'content-length': told, 'transfer-encoding': coding, connection = '' } = headers;
  if (told !== undefined && (coding !== undefined || !/^\d{1,15}$/.test(told))) throw broken();
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw broken();
  const status = Number(code);
  const isEmpty = status < 200 || status === 204 || status === 304;
  const length = isEmpty ? 0 : coding === undefined ? Number(told ?? Number.POSITIVE_INFINITY) : undefined;
  const isKept = minor === '1' ? !/close/i.test(connection) : /keep-alive/i.test(connection);
  return { status, headers, length, keepsAlive: isKept && length !== Number.POSITIVE_INFINITY };
};

/** A name of a header (RFC 9110, section 5.6.2). */
export const isToken = (text: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(text);
