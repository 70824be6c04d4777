import { nodeCrypto } from '../../../lib/adapters/crypto.ts';
import { channels } from '../../../lib/alert/channels/index.ts';
import { alert } from '../../../lib/model/alert.ts';
import { type Part, same } from '../part.ts';
import { npmPackages, npmRequire, npmVersion } from '../tools.ts';

interface Verifier {
  verify(body: string, headers: Record<string, string>): unknown;
}

/** The reference library of Standard Webhooks verifies what our webhook channel signs, and refuses what was changed on the way. */
export const part: Part = {
  name: 'signatures',
  title: 'Signed webhooks',
  tools: [npmPackages],
  run: async (report) => {
    const peer = report.peer('standardwebhooks', npmVersion('standardwebhooks'));
    const { Webhook } = npmRequire('standardwebhooks') as { Webhook: new (secret: string) => Verifier };
    const secret = `whsec_${Buffer.from('thirty-two bytes of a secret key').toString('base64')}`;
    const sent = alert({
      status: 'firing',
      labels: { alertname: 'Größe', severity: 'critical' },
      annotations: { summary: '漢字 🙂' },
      startsAt: '2026-01-01T00:00:00.000Z',
    });
    const [chunk] = channels.webhook.plan({ receiver: 'hook', groupKey: 'g', groupLabels: {}, alerts: [sent] }, {}, {});
    if (chunk === undefined) throw new Error('nothing was planned for one alert');
    const request = channels.webhook.request(
      chunk,
      { name: 'hook', url: 'https://hook.example/', secrets: [secret] },
      { deliveryId: 'abc', now: Date.now(), crypto: nodeCrypto },
    );
    const headers = { ...request.headers };
    const body = String(request.body);
    const verifier = new Webhook(secret);
    const refuses = (what: string, changed: string, sentHeaders: Record<string, string>) => {
      let refused = false;
      try {
        verifier.verify(changed, sentHeaders);
      } catch {
        refused = true;
      }
      if (!refused) throw new Error(`${what} was verified`);
    };
    await peer.holds('verifies a signed alert with multi-byte text, and reads it as it was sent', () =>
      same(verifier.verify(body, headers), JSON.parse(body), 'the verified body'),
    );
    await peer.holds('refuses a changed body', () => {
      if (!body.includes('critical')) throw new Error('the body has no severity to change');
      refuses('a changed body', body.replace('critical', 'info'), headers);
    });
    await peer.holds('refuses another delivery id, an old time and another secret', () => {
      refuses('another delivery id', body, { ...headers, 'webhook-id': 'abd' });
      const old = String(Number(headers['webhook-timestamp']) - 3600);
      refuses('an old time', body, { ...headers, 'webhook-timestamp': old });
      const other = new Webhook(`whsec_${Buffer.from('another secret of thirty-two bytes').toString('base64')}`);
      let refused = false;
      try {
        other.verify(body, headers);
      } catch {
        refused = true;
      }
      if (!refused) throw new Error('another secret verified it');
    });
  },
};
