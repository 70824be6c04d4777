import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hmacSha256 } from '../../../lib/adapters/hmac.ts';
import { channels } from '../../../lib/alert/channels/index.ts';
import { alert } from '../../../lib/model/alert.ts';
import type { Part } from '../run.ts';

const version = '1.0.0';
const folder = join(
  process.env['TIDEMARK_INTEROP_CACHE'] ?? join(homedir(), '.cache', 'tidemark-interop'),
  'signatures',
);

interface Verifier {
  verify(body: string, headers: Record<string, string>): unknown;
}

/** The reference library of Standard Webhooks verifies what our webhook channel signs, and refuses what was changed on the way. */
export const part: Part = {
  name: 'signatures',
  peer: 'standardwebhooks',
  needs: async () => {
    if (existsSync(join(folder, 'node_modules', 'standardwebhooks'))) return undefined;
    try {
      mkdirSync(folder, { recursive: true });
      execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `standardwebhooks@${version}`], {
        stdio: 'ignore',
      });
      return undefined;
    } catch {
      return `npm install standardwebhooks@${version} did not succeed; it needs the npm registry`;
    }
  },
  run: async () => {
    const { Webhook } = createRequire(join(folder, 'x.js'))('standardwebhooks') as {
      Webhook: new (secret: string) => Verifier;
    };
    const secret = `whsec_${Buffer.from('thirty-two bytes of a secret key').toString('base64')}`;
    const sent = alert({
      status: 'firing',
      labels: { alertname: 'Größe', severity: 'critical' },
      annotations: { summary: '漢字 🙂' },
      startsAt: '2026-01-01T00:00:00.000Z',
    });
    const request = channels.webhook.request(
      sent,
      { name: 'hook', url: 'https://hook.example/', secret },
      { deliveryId: 'abc', now: Date.now(), hmacSha256 },
    );
    const headers = { ...request.headers };
    const body = String(request.body);
    const verifier = new Webhook(secret);
    verifier.verify(body, headers);
    let refused = false;
    try {
      verifier.verify(body.replace('critical', 'info'), headers);
    } catch {
      refused = true;
    }
    if (!refused) throw new Error('a changed body was verified');
    return {
      peerVersion: version,
      proven: ['a signed alert with multi-byte text is verified', 'a changed body is refused'],
    };
  },
};
