import { createServer, type Server } from 'node:http';
import { type LambdaPool, readBytes, uuid } from './lambda-pool.ts';
import { accountId } from './template.ts';

/** Serves one Function URL: payload format 2.0, IAM asked for a signature of the right form (which is not verified). */
export const functionUrl = async (options: {
  readonly pool: () => LambdaPool;
  readonly iam: boolean;
  readonly clock: () => number;
  readonly random: () => number;
}): Promise<{ readonly url: string; readonly server: Server }> => {
  const { pool, iam, clock, random } = options;
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await readBytes(request);
      if (iam && !String(request.headers.authorization).startsWith('AWS4-HMAC-SHA256 Credential=')) {
        response.writeHead(403, { 'content-type': 'application/json' }).end('{"Message":"Forbidden"}');
        return;
      }
      if (body.length > 6 * 1024 * 1024) {
        response.writeHead(413, { 'content-type': 'application/json' }).end('{"Message":"Request Entity Too Large"}');
        return;
      }
      const url = new URL(request.url ?? '/', 'http://localhost');
      const type = String(request.headers['content-type'] ?? '');
      const isText =
        request.headers['content-encoding'] === undefined &&
        /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded)|$)/.test(type);
      const event = {
        version: '2.0',
        routeKey: '$default',
        rawPath: url.pathname,
        rawQueryString: url.search.slice(1),
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [
            name,
            Array.isArray(value) ? value.join(',') : value,
          ]),
        ),
        ...(url.search === '' ? {} : { queryStringParameters: Object.fromEntries(url.searchParams) }),
        requestContext: {
          accountId,
          ...(iam
            ? { authorizer: { iam: { accountId, userArn: `arn:aws:iam::${accountId}:root`, accessKey: 'local' } } }
            : {}),
          apiId: 'local',
          domainName: request.headers.host,
          http: {
            method: request.method,
            path: url.pathname,
            protocol: 'HTTP/1.1',
            sourceIp: '127.0.0.1',
            userAgent: request.headers['user-agent'] ?? '',
          },
          requestId: uuid(random),
          routeKey: '$default',
          stage: '$default',
          timeEpoch: clock(),
        },
        ...(body.length === 0 ? {} : { body: isText ? body.toString() : body.toString('base64') }),
        isBase64Encoded: body.length > 0 && !isText,
      };
      const outcome = await pool().invoke(JSON.stringify(event));
      if (!outcome.ok) {
        response.writeHead(502, { 'content-type': 'application/json' }).end('{"message":"Internal Server Error"}');
        return;
      }
      reply(outcome.answer);
    };
    const reply = (text: string): void => {
      const value: unknown = JSON.parse(text);
      const {
        statusCode,
        headers,
        body = '',
        isBase64Encoded,
      } = (
        typeof value === 'object' && value !== null && 'statusCode' in value
          ? value
          : { statusCode: 200, headers: { 'content-type': 'application/json' }, body: text }
      ) as {
        statusCode: number;
        headers?: Record<string, string>;
        body?: string;
        isBase64Encoded?: boolean;
      };
      response
        .writeHead(statusCode, headers ?? { 'content-type': 'application/json' })
        .end(isBase64Encoded === true ? Buffer.from(body, 'base64') : body);
    };
    answer().catch((thrown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: String(thrown) }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`, server };
};
