import type { InboundConfig } from '../model/config/alerts.ts';
import { given } from '../model/given.ts';
import type { Clock, Crypto, Secrets } from '../model/ports.ts';

/** What of a request says who sends it. */
export interface Signed {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface AuthenticationPorts {
  readonly secrets: Secrets;
  readonly crypto: Crypto;
  readonly clock: Clock;
}

/** Signed times further from ours than this are refused: a request that was overheard is worth nothing later. Standard Webhooks' figure. */
const toleranceSeconds = 300;
/** Strangers must not be able to make us read secrets at their pace. */
const freshMs = 30_000;

/**
 * Answers undefined for a request that carries a configured token or signature, else why it does not. A secret that was rotated is
 * read afresh when one does not fit, twice a minute at most. Rejects with a Failure when a secret cannot be read.
 */
export const authenticator = (inbound: InboundConfig, ports: AuthenticationPorts) => {
  const { secrets, clock } = ports;
  let freshAt = Number.NEGATIVE_INFINITY;
  const texts = async (references: string | readonly string[] = [], fresh: boolean): Promise<readonly string[]> =>
    (await Promise.all([references].flat().map((each) => secrets(each, { fresh })))).map((each) => each.trim());
  const attempt = async (request: Signed, fresh: boolean): Promise<string | undefined> => {
    const { bearer, hmac } = inbound;
    if (bearer !== undefined && hasBearer(request, await texts(bearer, fresh), ports)) return undefined;
    if (hmac !== undefined) return hasSignature(request, await texts(hmac, fresh), ports);
    return request.headers['authorization'] === undefined
      ? 'the Authorization header is missing'
      : 'the token in the Authorization header is not the one that is configured';
  };
  return async (request: Signed): Promise<string | undefined> => {
    const refused = await attempt(request, false);
    const now = clock();
    if (refused === undefined || now - freshAt < freshMs) return refused;
    freshAt = now;
    return attempt(request, true);
  };
};

const hasBearer = ({ headers }: Signed, tokens: readonly string[], { crypto }: AuthenticationPorts): boolean => {
  const [, token] = /^bearer +(\S+) *$/i.exec(headers['authorization'] ?? '') ?? [];
  // All are compared, so that the time does not tell which one it was.
  return token !== undefined && tokens.map((each) => crypto.equal(utf8(token), utf8(each))).includes(true);
};

/** Grafana's header, with or without a time; GitHub's form of it; Standard Webhooks. Answers what is wrong. */
const hasSignature = (
  { headers, body }: Signed,
  keys: readonly string[],
  { crypto, clock }: AuthenticationPorts,
): string | undefined => {
  const given = signatureIn(headers);
  if (given === undefined)
    return 'a signature is missing: X-Grafana-Alerting-Signature, X-Hub-Signature-256 or webhook-signature';
  const { prefix, signatures, timestamp, isBase64 } = given;
  if (timestamp !== undefined) {
    const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
    if (!(Math.abs(clock() / 1000 - seconds) <= toleranceSeconds))
      return `the time of the signature is more than ${toleranceSeconds} s from ours`;
  }
  const message = Buffer.concat([utf8(prefix), body]);
  const fits = keys.flatMap((key) => {
    const expected = crypto.hmacSha256(keyBytes(key), message);
    return signatures.map((each) => crypto.equal(Buffer.from(each, isBase64 ? 'base64' : 'hex'), expected));
  });
  return fits.includes(true) ? undefined : 'the signature does not fit the body';
};

interface GivenSignature {
  /** What is signed before the body. */
  readonly prefix: string;
  readonly signatures: readonly string[];
  readonly timestamp?: string;
  readonly isBase64: boolean;
}

const signatureIn = (headers: Signed['headers']): GivenSignature | undefined => {
  const { 'webhook-id': id, 'webhook-timestamp': sentAt, 'webhook-signature': standard } = headers;
  if (standard !== undefined && id !== undefined && sentAt !== undefined) {
    const signatures = standard.split(' ').flatMap((each) => (each.startsWith('v1,') ? [each.slice(3)] : []));
    return { prefix: `${id}.${sentAt}.`, signatures, timestamp: sentAt, isBase64: true };
  }
  const grafana = headers['x-grafana-alerting-signature'];
  if (grafana !== undefined) {
    const timestamp = headers['x-grafana-alerting-timestamp'];
    return {
      prefix: timestamp === undefined ? '' : `${timestamp}:`,
      signatures: [grafana],
      ...given({ timestamp }),
      isBase64: false,
    };
  }
  const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(headers['x-hub-signature-256'] ?? '') ?? [];
  return hex === undefined ? undefined : { prefix: '', signatures: [hex], isBase64: false };
};

/** Standard Webhooks writes keys as `whsec_` and base64; any other text is the key itself. */
const keyBytes = (key: string): Uint8Array =>
  key.startsWith('whsec_') ? Buffer.from(key.slice('whsec_'.length), 'base64') : utf8(key);

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');
