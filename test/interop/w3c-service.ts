/**
 * A small HTTP service for the W3C trace-context test suite: it takes `POST` with a JSON list of `{ url, arguments }`, continues the
 * trace context of the request, and posts `arguments` to each `url` as a child of it. Run by itself it listens on 127.0.0.1:
 *
 *     node test/interop/w3c-service.ts [port]                 # 5000 by default
 *     SPEC_LEVEL=2 STRICT_LEVEL=2 python test.py http://127.0.0.1:5000/test
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { pathToFileURL } from 'node:url';
import type { TraceContext } from '../../lib/model/trace-context.ts';
import { extractFrom } from '../../lib/propagation/extract.ts';
import { inject } from '../../lib/propagation/inject.ts';
import { propagation } from '../../lib/propagation/propagation.ts';

const w3cOnly = propagation({ extract: ['w3c'], inject: ['w3c'] });

/** Starts the service; the answer holds where it listens. */
export const startService = (port = 0): Promise<{ readonly server: Server; readonly url: string }> =>
  new Promise((resolve, reject) => {
    const server = createServer((incoming, answer) => {
      serve(incoming).then(
        () => answer.end('[]'),
        (thrown: unknown) => {
          answer.statusCode = 500;
          answer.end(String(thrown));
        },
      );
    });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address() as { readonly port: number };
      resolve({ server, url: `http://127.0.0.1:${address.port}/test` });
    });
  });

const serve = async (incoming: IncomingMessage): Promise<void> => {
  // Repeated fields stay apart: to join them before they are judged would hide that there were several.
  const parent = extractFrom(incoming.headersDistinct, w3cOnly).context;
  const calls = JSON.parse((await textOf(incoming)) || '[]') as { url: string; arguments?: unknown[] }[];
  const own = childOf(parent);
  for (const call of calls) {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    inject({ ...own, spanId: hex(8) }, (name, value) => Object.assign(headers, { [name]: value }), w3cOnly);
    await post(call.url, headers, JSON.stringify(call.arguments ?? []));
  }
};

/** The trace goes on with its decision and its random flag; a new one is sampled, and random in all its digits. */
const childOf = (parent: TraceContext | undefined): TraceContext =>
  parent === undefined ? { traceId: hex(16), spanId: hex(8), flags: 3 } : { ...parent, spanId: hex(8) };

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

const textOf = async (incoming: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const post = (url: string, headers: Record<string, string>, body: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', resolve);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await startService(Number(process.argv[2] ?? 5000));
  process.stdout.write(`the trace-context service listens on ${url}\n`);
}
