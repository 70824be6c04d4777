import { createServer } from 'node:http';
import { decompress } from '../../../lib/adapters/compression.ts';
import type { Span } from '../../../lib/model/span.ts';
import { decodeJson, decodeProto } from '../../../lib/trace/decode.ts';

export interface OtlpServer {
  readonly url: string;
  readonly spans: Span[];
  /** Bodies as they came, decompressed: what is in no field that we read is there too. */
  readonly bodies: Buffer[];
  readonly headers: Readonly<Record<string, unknown>>[];
  readonly stop: () => Promise<void>;
}

/** A back end that takes traces by OTLP/HTTP and keeps them. */
export const startOtlpServer = async (): Promise<OtlpServer> => {
  const spans: Span[] = [];
  const bodies: Buffer[] = [];
  const headers: Readonly<Record<string, unknown>>[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', async () => {
      const encoding = request.headers['content-encoding'];
      const type = String(request.headers['content-type']);
      try {
        const body = Buffer.from(await decompress(Buffer.concat(chunks), encoding));
        const decoded = type.startsWith('application/json') ? decodeJson(body.toString()) : decodeProto(body);
        if (decoded.error !== undefined) throw new Error(decoded.error);
        bodies.push(body);
        headers.push(request.headers);
        spans.push(...decoded.spans);
        response.writeHead(200, { 'content-type': type }).end(type.startsWith('application/json') ? '{}' : '');
      } catch (thrown) {
        response.writeHead(400).end((thrown as Error).message);
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { readonly port: number };
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    bodies,
    headers,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};
