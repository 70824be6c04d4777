import type { Channel } from '../channel.ts';
import { httpVerdict } from '../verdict.ts';

/** Any HTTPS endpoint: the alert as JSON, signed by Standard Webhooks v1 when a secret is given. https://www.standardwebhooks.com */
export const webhook: Channel = {
  name: 'webhook',
  idempotent: true,
  maxBytes: 20_000,
  measure: ({ body = '' }) => Buffer.byteLength(body),
  plan: (notification) =>
    notification.alerts.map((alert, at, { length }) => ({
      kind: 'message',
      notification: { ...notification, alerts: [alert] },
      part: at + 1,
      parts: length,
    })),
  request: ({ notification }, target, { deliveryId, now, crypto }) => {
    const [alert] = notification.alerts;
    const body = JSON.stringify({
      type: `alert.${alert?.status}`,
      timestamp: new Date(now).toISOString(),
      data: alert,
    });
    const id = `msg_${deliveryId}`;
    const timestamp = String(Math.floor(now / 1000));
    const keys = (target.secrets ?? []).map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
    const signatures = keys.map(
      (key) => `v1,${Buffer.from(crypto.hmacSha256(key, `${id}.${timestamp}.${body}`)).toString('base64')}`,
    );
    return {
      method: 'POST',
      url: target.url,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
      },
      body,
    };
  },
  verdict: httpVerdict,
};
