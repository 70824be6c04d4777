import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decodeOtlpJson, decodeOtlpProtobuf } from './decode-otlp.ts';

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly spanId: string;
  readonly traceState: string;
  /** Milliseconds since the epoch when the request was read. */
  readonly at: number;
  /** All of it in text, to look for what must not be there. */
  readonly text: string;
}

export interface OtlpServer {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Bodies of other paths, such as `/v1/metrics`. */
  readonly bodies: Record<string, Buffer[]>;
  readonly headers: Record<string, string | string[] | undefined>[];
  readonly stop: () => Promise<void>;
}

interface Decoded {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly { name: string; spanId: string; traceState: string }[] }[];
  }[];
}

/** An OTLP/HTTP server that keeps what it is sent, read by a decoder that knows nothing of ours; it answers when `answers` says so. */
export const startOtlpServer = async ({
  answers,
}: {
  readonly answers?: (received: readonly ReceivedSpan[]) => Promise<void>;
} = {}): Promise<OtlpServer> => {
  const spans: ReceivedSpan[] = [];
  const bodies: Record<string, Buffer[]> = {};
  const headers: OtlpServer['headers'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const packed = Buffer.concat(chunks);
    const encoding = request.headers['content-encoding'];
    const body = encoding === 'gzip' ? gunzipSync(packed) : encoding === 'zstd' ? zstdDecompressSync(packed) : packed;
    headers.push(request.headers);
    const isJson = request.headers['content-type'] === 'application/json';
    const received =
      request.url === '/v1/traces' ? spansOf(isJson ? decodeOtlpJson(body) : decodeOtlpProtobuf(body)) : [];
    if (request.url === '/v1/traces') spans.push(...received);
    else bodies[request.url ?? ''] = [...(bodies[request.url ?? ''] ?? []), body];
    await answers?.(received);
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    headers,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};

/** A port of this machine where nothing listens. */
export const deadUrl = async (): Promise<string> => {
  const server = await startOtlpServer();
  await server.stop();
  return server.url;
};

const spansOf = (decoded: unknown): ReceivedSpan[] => {
  const at = Date.now();
  return (decoded as Decoded).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        name: span.name,
        spanId: Buffer.from(span.spanId, 'base64').toString('hex'),
        traceState: span.traceState,
        at,
        text: JSON.stringify([resource, span]),
      })),
    );
  });
};
