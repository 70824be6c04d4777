import type { LookupAddress } from 'node:dns';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { isIP } from 'node:net';
import { Failure } from '../model/failure.ts';
import type { Http, HttpResponse } from '../model/ports.ts';
import { isPublicAddress } from './public-address.ts';

export interface HttpOptions {
  /** Lets requests reach loopback, by plain http too. For local runs. @default false */
  readonly allowLoopback?: boolean;
  /** @default 10 s */
  readonly timeoutMs?: number;
  /** Ports besides 443. @default none */
  readonly ports?: readonly number[];
  /** Answers all addresses of a name; handed in by tests. @default the system's resolver */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

/** What of an answer is read; the rest is thrown away. */
const maxAnswerBytes = 256 * 1024;

/**
 * Requests that cannot be turned against the network they come from: a name is resolved once, one bad address refuses all of
 * them, and the connection goes to the very address that was vetted. Redirects are answers, never followed.
 */
export const guardedHttp = (options: HttpOptions = {}): Http => {
  const { allowLoopback = false, timeoutMs = 10_000, ports = [] } = options;
  const resolve =
    options.resolve ??
    (async (hostname) => (await import('node:dns/promises')).lookup(hostname, { all: true, verbatim: true }));
  return async (request) => {
    const url = parse(request.url);
    const hostname = url.hostname.replace(/^\[|\]$/g, '');
    const addresses =
      isIP(hostname) === 0 ? await resolved(resolve, hostname) : [{ address: hostname, family: isIP(hostname) }];
    const isLoopback =
      allowLoopback && addresses.every(({ address }) => address.startsWith('127.') || address === '::1');
    if (!isLoopback) {
      if (url.protocol !== 'https:') throw new Failure('refused', 'only https is sent to', { where: url.hostname });
      if (url.port !== '' && !ports.includes(Number(url.port)))
        throw new Failure('refused', `port ${url.port} is not allowed`, { where: url.hostname });
      const bad = addresses.find(({ address }) => !isPublicAddress(address));
      if (bad !== undefined)
        throw new Failure('refused', 'resolves to an address that is not public', { where: url.hostname });
    }
    const [vetted] = addresses;
    if (vetted === undefined) throw new Failure('unavailable', 'has no address', { where: url.hostname });
    const { request: open } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
    const settings: RequestOptions = {
      method: request.method,
      headers: {
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }),
      },
      // The address that was looked at above; a second look-up could answer differently.
      lookup: (_name, lookupOptions, callback) =>
        lookupOptions.all === true ? callback(null, [vetted]) : callback(null, vetted.address, vetted.family),
      agent: false,
    };
    return new Promise<HttpResponse>((settle, reject) => {
      const limit = request.timeoutMs ?? timeoutMs;
      const outgoing = open(url, settings, (answer) => void read(answer).then(settle, reject));
      const timer = setTimeout(
        () => outgoing.destroy(new Failure('timeout', `no answer within ${limit} ms`, { where: url.hostname })),
        limit,
      );
      outgoing.on('close', () => clearTimeout(timer));
      outgoing.on('error', (thrown) =>
        reject(
          thrown instanceof Failure ? thrown : new Failure('unavailable', thrown.message, { where: url.hostname }),
        ),
      );
      outgoing.end(request.body);
    });
  };
};

const parse = (text: string): URL => {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The text itself may be a secret and stays out of the message.
    throw new Failure('refused', 'the URL cannot be read');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new Failure('refused', `scheme ${url.protocol} is not allowed`);
  if (url.username !== '' || url.password !== '')
    throw new Failure('refused', 'a URL with a user in it is not allowed', { where: url.hostname });
  return url;
};

const resolved = async (
  resolve: NonNullable<HttpOptions['resolve']>,
  hostname: string,
): Promise<readonly LookupAddress[]> => {
  try {
    return await resolve(hostname);
  } catch (thrown) {
    throw new Failure('not-found', `cannot be resolved: ${(thrown as { code?: string }).code ?? String(thrown)}`, {
      where: hostname,
    });
  }
};

const read = async (answer: IncomingMessage): Promise<HttpResponse> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += (chunk as Buffer).length;
    if (size <= maxAnswerBytes) chunks.push(chunk as Buffer);
    else break;
  }
  return {
    status: answer.statusCode ?? 0,
    headers: Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : (value ?? ''),
      ]),
    ),
    body: Buffer.concat(chunks),
  };
};
