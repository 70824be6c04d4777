import type { LookupAddress } from 'node:dns';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { isIP, type TcpNetConnectOpts } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Failure } from '../model/failure.ts';
import type { Http, HttpRequest, HttpResponse } from '../model/ports.ts';
import { type AllowedTargets, allowedTargets } from './allowed-targets.ts';
import { addressKind } from './public-address.ts';

export interface HttpOptions {
  /** Lets requests reach loopback, by plain http too. For local runs. @default false */
  readonly allowLoopback?: boolean;
  /** Private addresses, and ports besides 443, that may be reached: see `alerts.allowTargets`. @default none */
  readonly allowTargets?: readonly string[];
  /** From the look-up of the name to the last byte of the answer. @default 10 s */
  readonly timeoutMs?: number;
  /** Answers all addresses of a name; handed in by tests. @default the system's resolver */
  readonly resolve?: Resolve;
}

type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** What of an answer is read; the rest is thrown away. */
const maxAnswerBytes = 256 * 1024;
/** A first packet around the world and back, several times: Node's own 250 ms give up on distant destinations. */
const connectMs = 2_500;

/**
 * Requests that cannot be turned against the network they come from: a name is resolved once, one bad address refuses all of
 * them, and the connection goes to an address that was vetted. Certificates are verified, whatever the environment says. Redirects
 * are answers, never followed. No connection is kept: one that a frozen function comes back to may be dead, and whether a request
 * on it was taken nobody knows.
 */
export const guardedHttp = (options: HttpOptions = {}): Http => {
  const { allowLoopback = false, timeoutMs = 10_000, resolve = systemResolve } = options;
  const isAllowed = allowedTargets(options.allowTargets);
  return async (request) => {
    const url = parse(request.url);
    return within(request.timeoutMs ?? timeoutMs, url.hostname, async (signal) => {
      const addresses = await vetted(url, resolve, allowLoopback, isAllowed);
      return exchange(url, request, addresses, signal);
    });
  };
};

/**
 * Requests to addresses that only the configuration names: any host, by plain http too, as a server in one's own network is reached.
 * Never for an address that a secret, a message or an answer holds.
 */
export const plainHttp = (options: Pick<HttpOptions, 'timeoutMs' | 'resolve'> = {}): Http => {
  const { timeoutMs = 10_000, resolve = systemResolve } = options;
  return async (request) => {
    const url = parse(request.url);
    return within(request.timeoutMs ?? timeoutMs, url.hostname, async (signal) => {
      const hostname = url.hostname.replace(/^\[|\]$/g, '');
      const family = isIP(hostname);
      const addresses = family === 0 ? await resolved(resolve, hostname) : [{ address: hostname, family }];
      if (addresses.length === 0) throw new Failure('not-found', 'has no address', { where: url.hostname });
      return exchange(url, request, addresses, signal);
    });
  };
};

/** The addresses of a URL's host, all of which may be sent to. */
const vetted = async (
  url: URL,
  resolve: Resolve,
  allowLoopback: boolean,
  isAllowed: AllowedTargets,
): Promise<readonly LookupAddress[]> => {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const refuse = (why: string) => new Failure('refused', why, { where: url.hostname });
  const family = isIP(hostname);
  const addresses = family === 0 ? await resolved(resolve, hostname) : [{ address: hostname, family }];
  if (allowLoopback && addresses.every(({ address }) => address.startsWith('127.') || address === '::1'))
    return addresses;
  if (url.protocol !== 'https:') throw refuse('only https is sent to');
  const port = url.port === '' ? 443 : Number(url.port);
  for (const { address } of addresses) {
    const kind = addressKind(address);
    const isListed = isAllowed({ hostname: hostname.replace(/\.$/, ''), address, port });
    if (kind === 'special' || (kind === 'private' && !isListed))
      throw refuse('resolves to an address that is not public');
    if (port !== 443 && !isListed) throw refuse(`port ${port} is not allowed`);
  }
  return addresses;
};

const exchange = async (
  url: URL,
  { method, headers, body }: HttpRequest,
  addresses: readonly LookupAddress[],
  signal: AbortSignal,
): Promise<HttpResponse> => {
  const { request: open } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const settings: RequestOptions & ConnectionOptions & Pick<TcpNetConnectOpts, 'autoSelectFamilyAttemptTimeout'> = {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
    // The addresses that were looked at; a second look-up could answer differently.
    lookup: (_name, { all }, callback) => {
      const [{ address, family }] = addresses as [LookupAddress];
      if (all === true) callback(null, [...addresses]);
      else callback(null, address, family);
    },
    autoSelectFamilyAttemptTimeout: connectMs,
    agent: false,
    signal,
    rejectUnauthorized: true,
    // Else a Host header would say whose certificate is good. Server names have no dot at their end (RFC 6066).
    ...(isIP(hostname) === 0 ? { servername: hostname.replace(/\.$/, '') } : {}),
  };
  return new Promise<HttpResponse>((settle, reject) => {
    const outgoing = open(url, settings, (answer) => void read(answer).then(settle, reject));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
};

/** Ends the work when the time is over; whatever it rejects with is a Failure that names the host and nothing else of the URL. */
const within = async <T>(ms: number, host: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Failure('timeout', `no answer within ${ms} ms`, { where: host }));
      ended.abort();
    }, ms);
  });
  try {
    return await Promise.race([work(ended.signal), late]);
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    const { code = '', message } = thrown as { readonly code?: string; readonly message: string };
    // A header or path that cannot be written will not be written at the next attempt either.
    const isOurs =
      code === 'ERR_INVALID_CHAR' || code === 'ERR_UNESCAPED_CHARACTERS' || code === 'ERR_INVALID_HTTP_TOKEN';
    throw new Failure(isOurs ? 'bad-input' : 'unavailable', message, { where: host });
  } finally {
    clearTimeout(timer);
  }
};

const systemResolve: Resolve = async (hostname) =>
  (await import('node:dns/promises')).lookup(hostname, { all: true, verbatim: true });

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

const resolved = async (resolve: Resolve, hostname: string): Promise<readonly LookupAddress[]> => {
  const failed = (why: string) => new Failure('not-found', why, { where: hostname });
  try {
    const addresses = await resolve(hostname);
    if (addresses.length > 0) return addresses;
  } catch (thrown) {
    throw failed(`cannot be resolved: ${(thrown as { code?: string }).code ?? String(thrown)}`);
  }
  throw failed('has no address');
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
