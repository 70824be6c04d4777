import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { readBytes } from './lambda-pool.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer | string;
}
export type Service = (call: Call) => Promise<Reply>;

/** One endpoint for every service, as `AWS_ENDPOINT_URL` means it: the target header or the path tells which one is asked. */
export const startGateway = async (services: {
  /** By the prefix of `X-Amz-Target`. */
  readonly targets: Readonly<Record<string, Service>>;
  readonly lambda: Service;
  /** SNS and STS (form-encoded) and S3 (paths). */
  readonly others: Service;
}): Promise<{ readonly endpoint: string; readonly server: Server }> => {
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((thrown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: 'InternalFailure', message: String(thrown) }));
    });
  });
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call: Call = {
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: incoming.headers,
      body: await readBytes(incoming),
    };
    const target = String(call.headers['x-amz-target'] ?? '').split('.')[0] ?? '';
    const service = Object.hasOwn(services.targets, target)
      ? services.targets[target]
      : call.path.startsWith('/2015-03-31/functions/')
        ? services.lambda
        : target === ''
          ? services.others
          : undefined;
    const reply =
      service === undefined
        ? failure(501, 'NotImplemented', `the embedded cloud has no ${target}; see local/README.md`)
        : await service(call);
    const headers = Object.fromEntries(
      Object.entries(reply.headers).filter(
        ([name, value]) => value !== undefined && !['connection', 'transfer-encoding', 'content-length'].includes(name),
      ),
    ) as Record<string, string | string[]>;
    response.writeHead(reply.status, { ...headers, 'content-length': Buffer.byteLength(reply.body) });
    response.end(call.method === 'HEAD' ? undefined : reply.body);
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return { endpoint: `http://127.0.0.1:${port}`, server };
};

/** Hands a call on to an emulator as it is. */
export const proxyTo = (origin: string): Service => {
  const url = new URL(origin);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return (call) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent,
          host: url.hostname,
          port: url.port,
          method: call.method,
          path: call.path,
          headers: { ...call.headers, host: url.host, 'content-length': String(call.body.length) },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
          answer.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(call.body);
    });
};

export const failure = (status: number, type: string, message: string): Reply => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': type },
  body: JSON.stringify({ __type: type, message }),
});

export const json = (value: unknown, type = 'application/x-amz-json-1.1'): Reply => ({
  status: 200,
  headers: { 'content-type': type },
  body: JSON.stringify(value),
});
