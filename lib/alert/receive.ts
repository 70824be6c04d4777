import { authenticator } from '#tidemark.authentication';
import type { InboundConfig } from '../model/config/alerts.ts';
import { Failure } from '../model/failure.ts';
import type { Log, Queue } from '../model/ports.ts';
import type { AuthenticationPorts } from './authenticate.ts';
import { fitting } from './fitting.ts';
import { type Arrival, readAlerts, writeArrivals } from './inbound.ts';

export interface Receiving extends AuthenticationPorts {
  /** Absent: only those are let in whom AWS has let in by IAM. */
  readonly inbound: InboundConfig | undefined;
  /** The alerts queue: what it has taken is not lost, and only then is the sender told so. */
  readonly queue: Queue;
  readonly log: Log;
}

/** Answer of a Function URL. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Base64 of it still fits the 6 MB of an invocation. */
export const maxBodyBytes = 4 * 1024 * 1024;
/** A message of the alerts queue is handled within seconds, and far below what a queue takes. */
const messageBytes = 200_000;
const messageAlerts = 50;

/** Takes in alerts that are posted to the Function URL. Never rejects: what goes wrong is an answer that tells the sender what to do. */
export const receiver = (receiving: Receiving): ((event: unknown) => Promise<HttpAnswer>) => {
  const { inbound, queue, clock, log } = receiving;
  const authenticate =
    inbound?.bearer === undefined && inbound?.hmac === undefined ? undefined : authenticator(inbound, receiving);
  const received = async (event: unknown): Promise<HttpAnswer> => {
    const request = requestIn(event);
    if (request.body.length > maxBodyBytes)
      return failed(413, `the body has ${request.body.length} bytes; at most ${maxBodyBytes} are taken`);
    if (!request.isSignedForIam) {
      const refused =
        authenticate === undefined
          ? 'no credentials are configured: set alerts.inbound.bearer or alerts.inbound.hmac'
          : await authenticate(request);
      if (refused !== undefined) {
        log('warn', 'request refused', { reason: refused, sourceIp: request.sourceIp });
        return failed(401, refused, { 'www-authenticate': 'Bearer' });
      }
    }
    if (request.method !== 'POST') return failed(405, 'alerts are taken by POST', { allow: 'POST' });
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') return failed(415, `content-encoding ${encoding.slice(0, 40)} is not understood`);
    const read = readAlerts(Buffer.from(request.body).toString('utf8'), clock());
    if ('error' in read) return failed(400, `the body ${read.error}`);
    const { alerts, refused = [] } = read;
    if (alerts.length === 0 && refused.length > 0)
      return answer(400, { error: 'no alert in the body can be read', refused });
    await queue.send(messages(alerts));
    log(refused.length === 0 ? 'info' : 'warn', 'alerts received', { alerts: alerts.length, refused });
    return answer(202, { accepted: alerts.length, ...(refused.length === 0 ? {} : { refused }) });
  };
  return async (event) => {
    try {
      return await received(event);
    } catch (thrown) {
      const { code, message } = Failure.from(thrown);
      log('error', 'request failed', { code, error: message });
      // 5xx is what senders try again after; what went wrong is ours, and in our log.
      return failed(503, 'alerts cannot be taken just now; send them again', { 'retry-after': '10' });
    }
  };
};

interface Request {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly sourceIp: string | undefined;
  readonly isSignedForIam: boolean;
}

const requestIn = (event: unknown): Request => {
  const {
    headers = {},
    body,
    isBase64Encoded,
    requestContext,
  } = event as {
    readonly headers?: Readonly<Record<string, unknown>>;
    readonly body?: unknown;
    readonly isBase64Encoded?: unknown;
    readonly requestContext?: {
      readonly http?: { readonly method?: unknown; readonly sourceIp?: string };
      readonly authorizer?: { readonly iam?: unknown };
    };
  };
  const lower = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return {
    method: String(requestContext?.http?.method ?? '').toUpperCase(),
    headers: Object.fromEntries(lower) as Record<string, string>,
    body: Buffer.from(typeof body === 'string' ? body : '', isBase64Encoded === true ? 'base64' : 'utf8'),
    sourceIp: requestContext?.http?.sourceIp,
    isSignedForIam: typeof requestContext?.authorizer?.iam === 'object' && requestContext.authorizer.iam !== null,
  };
};

/** Alerts in as few messages as are handled well. */
const messages = (alerts: readonly Arrival[]): { readonly body: string }[] => {
  const groups: Arrival[][] = [];
  let bytes = 0;
  for (const alert of alerts.map(fitting)) {
    const size = Buffer.byteLength(JSON.stringify(alert));
    const last = groups.at(-1);
    if (last === undefined || last.length === messageAlerts || bytes + size > messageBytes) {
      groups.push([alert]);
      bytes = size;
    } else {
      last.push(alert);
      bytes += size;
    }
  }
  return groups.map((group) => ({ body: writeArrivals(group) }));
};

const answer = (statusCode: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

const failed = (statusCode: number, error: string, headers?: Readonly<Record<string, string>>): HttpAnswer =>
  answer(statusCode, { error }, headers);
