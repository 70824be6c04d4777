import type { Socket } from 'node:net';
import { Failure } from '../model/failure.ts';
import { type Answer, answerReader, isToken } from './http1-answer.ts';

/** Why there was no answer. */
export interface Lost {
  readonly lost: 'timeout' | 'unreachable' | 'unavailable';
}

/** Sends one body and reads its answer. Never rejects. */
export type Post = (
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  budgetMs: number,
) => Promise<Answer | Lost>;

/** PEM, each where the system's own is not to be used. */
export type Pem = Readonly<Partial<Record<'ca' | 'cert' | 'key', Buffer>>>;

/**
 * POSTs to one URL by HTTP/1.1 on one kept connection, for an exporter alone: the first request of a process by node:http takes 20 ms of
 * CPU, most of it for a server and for agents that nobody asked for; this takes half of that. Names and values of headers must have
 * been looked at (`sendable`).
 */
export const poster = (url: string, pem: Pem = {}): Post => {
  const { protocol, hostname, host, port, pathname, search } = new URL(url);
  const isSecure = protocol === 'https:';
  const name = hostname.replace(/^\[|\]$/g, '');
  const address = { host: name, port: Number(port) || (isSecure ? 443 : 80), noDelay: true };
  let idle: Connection | undefined;

  const connected = (): Socket => {
    const { connect, isIP } = process.getBuiltinModule('node:net');
    if (!isSecure) return connect(address);
    const { connect: secured } = process.getBuiltinModule('node:tls');
    return secured({ ...address, ...pem, servername: isIP(name) === 0 ? name : '', ALPNProtocols: ['http/1.1'] });
  };
  const opened = (): Connection => {
    const socket = connected();
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
    const exchange = (connection: Connection, isKept: boolean): Promise<Answer | Lost> =>
      new Promise((settle) => {
        const { socket } = connection;
        const read = answerReader();
        let hasBegun = false;
        const finish = (result: Answer | Lost | Promise<Answer | Lost>, isReusable = false) => {
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

/** Headers by lower-case name; throws where one cannot be written as it is. */
export const sendable = (headers: Readonly<Record<string, string>>, where: string): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new Failure('misconfigured', 'a header holds what none can hold', { where });
    found[name.toLowerCase()] = value;
  }
  return found;
};
