import type { IncomingMessage } from 'node:http';
import { Failure } from '../model/failure.ts';
import { listItems } from './list-items.ts';

export interface JsonRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Refuse an answer of more bytes than this. @default 64 MiB */
  readonly maxBytes?: number;
  /** PEM of a private certificate authority; with it the public ones are not trusted. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Gets each element of the answer's top-level `items` as it arrives; the answer then comes without them. */
  readonly onItem?: (item: unknown) => void;
  /** How a refusal names the other side. */
  readonly where: string;
}

/**
 * One HTTP(S) exchange whose answer is JSON. Rejects with a Failure that says what is wrong: 401 and 403 `unauthorised`, 404
 * `not-found`, 429 `throttled`, a silent peer `timeout`, a cut or malformed answer `unavailable`. By node:https, since fetch
 * takes no certificate authority and costs a hundred milliseconds of cold start.
 */
export const requestJson = async (request: JsonRequest): Promise<unknown> => {
  const { where, timeoutMs } = request;
  const secure = request.url.startsWith('https:');
  const { request: send, Agent } = secure ? await import('node:https') : await import('node:http');
  const answer = await new Promise<Answer>((resolve, reject) => {
    const outgoing = send(
      request.url,
      {
        method: request.method ?? 'GET',
        agent: agentOf(Agent, request),
        headers: { accept: 'application/json', 'accept-encoding': 'gzip', ...request.headers },
        ...(request.ca === undefined ? {} : { ca: request.ca }),
        ...(request.cert === undefined ? {} : { cert: request.cert }),
        ...(request.key === undefined ? {} : { key: request.key }),
      },
      (incoming) => {
        read(incoming, request, outgoing).then(resolve, reject);
      },
    );
    const timer = setTimeout(
      () => outgoing.destroy(new Failure('timeout', `no answer within ${timeoutMs} ms`, { where })),
      timeoutMs,
    );
    outgoing.on('close', () => clearTimeout(timer));
    outgoing.on('error', (thrown) => reject(thrown instanceof Failure ? thrown : unreachable(thrown, where)));
    outgoing.end(request.body);
  });
  if ('value' in answer) return answer.value;
  const { status, body } = answer;
  if (status < 200 || status > 299) throw refusal(status, body, where);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (thrown) {
    throw noJson(thrown, where);
  }
};

type Answer = { readonly status: number; readonly body: Buffer } | { readonly value: unknown };

/** The body, unpacked and within bounds; item by item where the caller wants it so. */
const read = async (
  incoming: IncomingMessage,
  request: JsonRequest,
  outgoing: { destroy: (error: Error) => unknown },
): Promise<Answer> => {
  const { where, onItem, maxBytes = 64 * 2 ** 20 } = request;
  const status = incoming.statusCode ?? 0;
  const list = onItem !== undefined && status >= 200 && status <= 299 ? listItems(onItem) : undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of await unpacked(incoming)) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) {
        const failure = new Failure('too-large', `answered more than ${maxBytes} bytes`, { where });
        outgoing.destroy(failure);
        throw failure;
      }
      if (list === undefined) chunks.push(chunk as Buffer);
      else list.write(chunk as Buffer);
    }
    return list === undefined ? { status, body: Buffer.concat(chunks) } : { value: list.end() };
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    if (thrown instanceof SyntaxError) throw noJson(thrown, where);
    throw new Failure('unavailable', `the answer was cut off after ${bytes} bytes`, { where, cause: thrown });
  }
};

const unpacked = async (incoming: IncomingMessage): Promise<AsyncIterable<unknown>> => {
  if (incoming.headers['content-encoding'] !== 'gzip') return incoming;
  const [{ createGunzip }, { pipeline }] = await Promise.all([import('node:zlib'), import('node:stream')]);
  // The error of either side ends the iteration.
  return pipeline(incoming, createGunzip(), () => undefined);
};

const noJson = (thrown: unknown, where: string): Failure =>
  new Failure('unavailable', `the answer is not JSON or was cut off: ${(thrown as Error).message}`, {
    where,
    cause: thrown,
  });

/** Connections are kept between the pages of a list and between ticks; one pool for each set of credentials. */
const agentOf = (Agent: typeof import('node:https').Agent | typeof import('node:http').Agent, request: JsonRequest) => {
  const key = `${request.url.slice(0, 5)} ${request.ca ?? ''} ${request.cert ?? ''}`;
  const known = agents.get(key);
  if (known !== undefined) return known;
  const agent = new Agent({ keepAlive: true, maxSockets: 4, timeout: 60_000 });
  agents.set(key, agent);
  return agent;
};

const agents = new Map<string, InstanceType<typeof import('node:http').Agent>>();

const refusal = (status: number, body: Buffer, where: string): Failure => {
  const said = messageOf(body);
  const text = (what: string) => `${what} (HTTP ${status}${said === '' ? '' : `: ${said}`})`;
  if (status === 401)
    return new Failure('unauthorised', text('the credentials are missing, wrong or expired'), { where });
  if (status === 403) return new Failure('unauthorised', text('the credentials do not allow this'), { where });
  if (status === 404) return new Failure('not-found', text('there is no such thing'), { where });
  if (status === 410) return new Failure('conflict', text('the list has expired'), { where });
  if (status === 429) return new Failure('throttled', text('asked too often'), { where });
  return new Failure(status >= 500 ? 'unavailable' : 'bad-input', text('refused'), { where });
};

/** Kubernetes and most of AWS say why in `message`, Prometheus in `error`. */
const messageOf = (body: Buffer): string => {
  try {
    const { message, Message, error } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    return String(message ?? Message ?? error ?? '').slice(0, 200);
  } catch {
    return '';
  }
};

const unreachable = (thrown: Error, where: string): Failure => {
  const { code } = thrown as NodeJS.ErrnoException;
  const certificate =
    code?.includes('CERT') === true || code?.includes('VERIFY') === true || code?.startsWith('ERR_TLS') === true;
  const what = certificate
    ? `its certificate is not trusted (${code}); is the configured certificate authority the right one?`
    : code === 'ECONNRESET'
      ? 'the answer was cut off'
      : `cannot be reached: ${thrown.message || code}`;
  return new Failure('unavailable', what, { where, cause: thrown });
};
