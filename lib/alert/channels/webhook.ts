import type { Channel } from '../channel.ts';
import { httpVerdict } from '../verdict.ts';

/** Any HTTPS endpoint: the alert as JSON, signed by Standard Webhooks v1 when a secret is given. https://www.standardwebhooks.com */
export const webhook: Channel = {
  name: 'webhook',
  idempotent: true,
  request: (alert, target, { deliveryId, now, hmacSha256 }) => {
    const body = JSON.stringify({ type: `alert.${alert.status}`, timestamp: new Date(now).toISOString(), data: alert });
    const id = `msg_${deliveryId}`;
    const timestamp = String(Math.floor(now / 1000));
    const key = target.secret === undefined ? undefined : Buffer.from(target.secret.replace(/^whsec_/, ''), 'base64');
    return {
      method: 'POST',
      url: target.url,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(key === undefined
          ? {}
          : {
              'webhook-signature': `v1,${Buffer.from(hmacSha256(key, `${id}.${timestamp}.${body}`)).toString('base64')}`,
            }),
      },
      body,
    };
  },
  verdict: httpVerdict,
};
