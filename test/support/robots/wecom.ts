import { createServer } from 'node:http';

export interface Received {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly body: Record<string, unknown>;
}

/** A WeCom group robot on 127.0.0.1: always HTTP 200, an errcode inside, 20 messages in any 60 seconds, 4096 bytes of markdown. */
export const startWecomRobot = async (options: {
  readonly clock: () => number;
  /** Length of the rolling minute; local runs compress it. @default 60 */
  readonly minuteSeconds?: number;
  /** Milliseconds until it answers. @default 0 */
  readonly delayMs?: number;
  /** Answers an errcode for a request before it is looked at, to act out faults. */
  readonly fault?: (count: number) => number | undefined;
}) => {
  const { clock, minuteSeconds = 60, delayMs = 0, fault } = options;
  const key = '693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa';
  const received: Received[] = [];
  let count = 0;
  const verdict = (url: URL, text: string): { errcode: number; errmsg: string } => {
    count += 1;
    const acted = fault?.(count);
    if (acted !== undefined) return { errcode: acted, errmsg: 'acted out' };
    if (url.pathname !== '/cgi-bin/webhook/send' || url.searchParams.get('key') !== key)
      return { errcode: 93000, errmsg: 'invalid webhook url' };
    let body: Record<string, unknown>;
    try {
      body = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return { errcode: 47001, errmsg: 'data format error' };
    }
    const content = (body[String(body['msgtype'])] as { content?: string } | undefined)?.content;
    if (content === undefined || content === '') return { errcode: 44004, errmsg: 'content is empty' };
    if (Buffer.byteLength(content) > (body['msgtype'] === 'text' ? 2048 : 4096))
      return { errcode: 40058, errmsg: 'content exceed max length' };
    const now = clock();
    if (received.filter(({ at }) => at > now - minuteSeconds * 1000).length >= 20)
      return { errcode: 45009, errmsg: 'api freq out of limit' };
    received.push({ at: now, body });
    return { errcode: 0, errmsg: 'ok' };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const answer = verdict(new URL(request.url ?? '/', 'http://localhost'), Buffer.concat(chunks).toString());
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(answer));
      }, delayMs);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/cgi-bin/webhook/send?key=${key}`,
    received: received as readonly Received[],
    requests: () => count,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};
