import { createHmac, timingSafeEqual } from 'node:crypto';
import { answered, bytesOf, headerOf, jsonBody, type RobotOptions, robot } from './robot.ts';

/** A receiver of Standard Webhooks: verifies v1 signatures, five minutes of tolerance, and takes each webhook-id once. */
export const webhookRobot = (
  options: RobotOptions & {
    /** Refuses what is not signed with it: `whsec_…`. @default unsigned requests are taken */
    readonly secret?: string;
    /** @default none */
    readonly maxBytes?: number;
  } = {},
) => {
  const { secret, maxBytes = Number.POSITIVE_INFINITY } = options;
  const ids = new Set<string>();
  return robot('webhook', 'https://hooks.example.com/alerts', options, (request, now) => {
    const id = headerOf(request, 'webhook-id');
    const timestamp = headerOf(request, 'webhook-timestamp');
    if (bytesOf(request) > maxBytes) return answered(413, 'too large');
    if (secret !== undefined) {
      const text = Buffer.from(request.body ?? '').toString();
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      const right = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest();
      const isSigned = headerOf(request, 'webhook-signature')
        .split(' ')
        .filter((one) => one.startsWith('v1,'))
        .map((one) => Buffer.from(one.slice(3), 'base64'))
        .some((given) => given.length === right.length && timingSafeEqual(given, right));
      if (!isSigned || Math.abs(Number(timestamp) * 1000 - now) > 300_000) return answered(401, 'bad signature');
    }
    const body = jsonBody(request);
    if (body === undefined) return answered(400, 'not JSON');
    if (id !== '' && ids.has(id)) return { response: answered(204) };
    ids.add(id);
    return { response: answered(204), seen: body };
  });
};
