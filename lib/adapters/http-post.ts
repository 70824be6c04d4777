import type { IncomingMessage } from 'node:http';
import { maxAnswerBytes, type NoAnswer, type Pem, type Post, type PostAnswer } from './post.ts';

/** POSTs to one URL by node:http(s), on kept connections of its own. */
export const httpPoster = (url: string, pem: Pem = {}): Post => {
  const { request, Agent } = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http');
  const agent = new Agent({ keepAlive: true, ...pem });
  const exchange = (
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    budgetMs: number,
    tries: number,
  ): Promise<PostAnswer | NoAnswer> =>
    new Promise((settle) => {
      const all = { ...headers, 'content-length': String(body.length) };
      const outgoing = request(url, { method: 'POST', agent, headers: all }, (answer) => {
        read(answer).then(settle, () => settle({ lost: 'unavailable' }));
      });
      const tooLate = (): void => {
        settle({ lost: 'timeout' });
        outgoing.destroy();
      };
      const timer = setTimeout(tooLate, Math.max(1, budgetMs));
      outgoing.on('close', () => clearTimeout(timer));
      outgoing.on('error', ({ code }: NodeJS.ErrnoException) => {
        // A kept connection that the other side had closed meanwhile costs nothing but another try.
        if (outgoing.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') && tries > 1) {
          settle(exchange(headers, body, budgetMs, tries - 1));
        } else settle({ lost: code === 'ECONNREFUSED' ? 'unreachable' : 'unavailable' });
      });
      outgoing.end(body);
    });
  return (headers, body, budgetMs) => exchange(headers, body, budgetMs, 2);
};

/** By events: iterating over a stream brings in a good deal of Node that nothing else here needs. */
const read = (answer: IncomingMessage): Promise<PostAnswer> =>
  new Promise((settle, reject) => {
    const kept: Buffer[] = [];
    let size = 0;
    answer.on('data', (bytes: Buffer) => {
      // Read to the end, or the connection could not be kept; but not held.
      if (size < maxAnswerBytes) kept.push(bytes.subarray(0, maxAnswerBytes - size));
      size += bytes.length;
    });
    answer.on('error', reject);
    answer.on('end', () => {
      const { statusCode: status = 0, headers } = answer;
      settle({ status, headers: headers as Record<string, string>, body: Buffer.concat(kept) });
    });
  });
