import type { Socket } from 'node:net';
import { answerReader } from './http1-answer.ts';
import type { NoAnswer, Post, PostAnswer } from './post.ts';

/**
 * POSTs to one URL by HTTP/1.1 on one kept connection, to a Collector beside the function (adr 0053): the first request of a process by
 * node:http takes 20 ms of CPU, most of it for a server and for agents that nobody asked for; this takes half of that. Names and values
 * of headers must have been looked at (`sendable`).
 */
export const socketPoster = (url: string): Post => {
  const { hostname, host, port, pathname, search } = new URL(url);
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || 80, noDelay: true };
  let idle: Connection | undefined;

  const opened = (): Connection => {
    const socket = process.getBuiltinModule('node:net').connect(address);
    const connection: Connection = { socket, take: undefined };
    // Bytes that nobody asked for would be read as the answer to the next request.
    socket.on('data', (bytes) => (connection.take === undefined ? socket.destroy() : connection.take(bytes)));
    socket.on('end', () => connection.take?.(undefined));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => connection.take?.(undefined, code));
    socket.on('close', () => {
      if (idle === connection) idle = undefined;
      connection.take?.(undefined);
    });
    return connection;
  };

  return (headers, body, budgetMs) => {
    const head = Object.entries({ host, ...headers, 'content-length': body.length }).map((each) => each.join(': '));
    const start = [`POST ${pathname}${search} HTTP/1.1`, ...head, '', ''].join('\r\n');
    const request = Buffer.concat([Buffer.from(start, 'latin1'), body]);
    const exchange = (connection: Connection, isKept: boolean): Promise<PostAnswer | NoAnswer> =>
      new Promise((settle) => {
        const { socket } = connection;
        const read = answerReader();
        let hasBegun = false;
        const finish = (result: PostAnswer | NoAnswer | Promise<PostAnswer | NoAnswer>, isReusable = false) => {
          clearTimeout(timer);
          connection.take = undefined;
          if (isReusable && idle === undefined && socket.writableLength === 0) {
            idle = connection;
            socket.unref();
          } else socket.destroy();
          settle(result);
        };
        const timer = setTimeout(finish, Math.max(1, budgetMs), { lost: 'timeout' });
        connection.take = (bytes, code) => {
          hasBegun ||= bytes !== undefined;
          try {
            if (code !== undefined) throw code;
            const answer = read(bytes);
            if (answer !== undefined) finish(answer, answer.keepsAlive);
          } catch {
            // One that the other side closed while it was kept, or while the sandbox was frozen, has not taken the request.
            if (isKept && !hasBegun) finish(exchange(opened(), false));
            else finish({ lost: code === 'ECONNREFUSED' ? 'unreachable' : 'unavailable' });
          }
        };
        socket.ref();
        socket.write(request);
      });
    const kept = idle;
    idle = undefined;
    return exchange(kept ?? opened(), kept !== undefined);
  };
};

interface Connection {
  readonly socket: Socket;
  /** Takes what comes, undefined at the end, with the code of an error; undefined itself while the connection is kept. */
  take: ((bytes: Buffer | undefined, code?: string) => void) | undefined;
}
