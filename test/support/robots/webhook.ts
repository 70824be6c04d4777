import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { answered, bytesOf, headerOf, jsonBody, type RobotOptions, robot } from './robot.ts';

/** A receiver of Standard Webhooks: verifies v1 and v1a signatures, five minutes of tolerance, and takes each webhook-id once. */
export const webhookRobot = (
  options: RobotOptions & {
    /** Refuses what is not signed with it: `whsec_…` (HMAC), or `whpk_…`, the public half of an Ed25519 key. @default unsigned requests are taken */
    readonly secret?: string;
    /** @default none */
    readonly maxBytes?: number;
  } = {},
) => {
  const { secret, maxBytes = Number.POSITIVE_INFINITY } = options;
  const isRight = secret === undefined ? () => true : verifier(secret);
  const ids = new Set<string>();
  return robot('webhook', 'https://hooks.example.com/alerts', options, (request, now) => {
    const id = headerOf(request, 'webhook-id');
    const timestamp = headerOf(request, 'webhook-timestamp');
    if (bytesOf(request) > maxBytes) return answered(413, 'too large');
    if (secret !== undefined) {
      const content = `${id}.${timestamp}.${Buffer.from(request.body ?? '').toString()}`;
      const isSigned = headerOf(request, 'webhook-signature')
        .split(' ')
        .some((one) => isRight(one, content));
      if (!isSigned || !(Math.abs(Number(timestamp) * 1000 - now) <= 300_000)) return answered(401, 'bad signature');
    }
    const body = jsonBody(request);
    if (body === undefined) return answered(400, 'not JSON');
    if (id !== '' && ids.has(id)) return { response: answered(204) };
    ids.add(id);
    return { response: answered(204), seen: body };
  });
};

/** What starts every Ed25519 public key in SPKI (RFC 8410, section 4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

const verifier = (secret: string): ((signature: string, content: string) => boolean) => {
  const bytes = Buffer.from(secret.replace(/^wh(sec|pk)_/, ''), 'base64');
  if (secret.startsWith('whpk_')) {
    const key = createPublicKey({ key: Buffer.concat([spkiPrefix, bytes]), format: 'der', type: 'spki' });
    return (signature, content) =>
      signature.startsWith('v1a,') &&
      verify(null, Buffer.from(content), key, Buffer.from(signature.slice(4), 'base64'));
  }
  return (signature, content) => {
    const right = createHmac('sha256', bytes).update(content).digest();
    const given = Buffer.from(signature.slice(3), 'base64');
    return signature.startsWith('v1,') && given.length === right.length && timingSafeEqual(given, right);
  };
};
