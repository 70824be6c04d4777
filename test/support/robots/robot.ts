import { createServer } from 'node:http';
import type { HttpRequest, HttpResponse } from '../../../lib/model/ports.ts';

/** A message that a robot has taken: people see it. */
export interface Received {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly body: Record<string, unknown>;
}

/**
 * A destination as a state machine: the answer follows from the requests before and from the time given, and from nothing else.
 * So a simulator can run it on a clock of its own, and `startRobot` puts it behind a real socket.
 */
export interface Robot {
  readonly name: string;
  /** An address that it takes, of the form that the vendor gives out. */
  readonly url: string;
  readonly answer: (request: HttpRequest, now: number) => HttpResponse;
  /** What was taken, in order. A destination that tells repeated deliveries apart lists each delivery once. */
  readonly received: readonly Received[];
  /** How many requests there were, refused ones included. */
  readonly requests: () => number;
}

/** Acts out faults: an answer in place of the robot's own, for the `count`th request (from 1). */
export type Fault = (count: number, now: number) => HttpResponse | undefined;

export interface RobotOptions {
  readonly fault?: Fault;
}

export const answered = (
  status: number,
  body: unknown = '',
  headers: Readonly<Record<string, string>> = {},
): HttpResponse => ({
  status,
  headers: { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json; charset=utf-8', ...headers },
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});

/** What `take` answers when a robot takes a message; everything else it answers is a refusal. */
export interface Taken {
  readonly response: HttpResponse;
  /** Absent: a repeated delivery, which nobody sees again. */
  readonly seen?: Record<string, unknown>;
}

/** The frame that all robots share: counting, faults, and the list of what was taken. */
export const robot = (
  name: string,
  url: string,
  { fault }: RobotOptions,
  take: (request: HttpRequest, now: number, received: readonly Received[]) => HttpResponse | Taken,
): Robot => {
  const received: Received[] = [];
  let count = 0;
  return {
    name,
    url,
    received,
    requests: () => count,
    answer: (request, now) => {
      count += 1;
      const acted = fault?.(count, now);
      if (acted !== undefined) return acted;
      const result = take(request, now, received);
      if (!('response' in result)) return result;
      if (result.seen !== undefined) received.push({ at: now, body: result.seen });
      return result.response;
    },
  };
};

/** Counts in a rolling window: answers undefined when one more fits (and counts it), else the milliseconds until one does. */
export const rolling = (limit: number, windowMs: number) => {
  let times: number[] = [];
  return (now: number): number | undefined => {
    times = times.filter((at) => at > now - windowMs);
    const [oldest] = times;
    if (times.length >= limit && oldest !== undefined) return oldest + windowMs - now;
    times.push(now);
    return undefined;
  };
};

/** The JSON object of a body, or undefined. */
export const jsonBody = ({ body = '' }: HttpRequest): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

export const bytesOf = ({ body = '' }: HttpRequest): number => Buffer.byteLength(body);

/** A header of a request, whatever the casing. */
export const headerOf = ({ headers = {} }: HttpRequest, name: string): string =>
  Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? '';

/** Puts a robot behind a socket on 127.0.0.1. The address is the robot's own with another origin. */
export const startRobot = async (
  machine: Robot,
  options: { readonly clock: () => number /** Until it answers. @default 0 */; readonly delayMs?: number },
) => {
  const { clock, delayMs = 0 } = options;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : `${value}`,
        ]),
      );
      const answer = machine.answer(
        {
          method: request.method as HttpRequest['method'],
          url: new URL(request.url ?? '/', machine.url).href,
          headers,
          body: Buffer.concat(chunks).toString(),
        },
        clock(),
      );
      setTimeout(() => void response.writeHead(answer.status, answer.headers).end(answer.body), delayMs);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  const { pathname, search } = new URL(machine.url);
  return {
    ...machine,
    url: `http://127.0.0.1:${port}${pathname}${search}`,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};
