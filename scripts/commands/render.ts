import { nodeCrypto } from '../../lib/adapters/crypto.ts';
import type { Chunk, Target } from '../../lib/alert/channel.ts';
import { channels } from '../../lib/alert/channels/index.ts';
import { hashed } from '../../lib/alert/identity.ts';
import { readAlerts } from '../../lib/alert/inbound.ts';
import { maskUrl } from '../../lib/alert/mask.ts';
import type { Alert } from '../../lib/model/alert.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { Command } from '../command.ts';
import { readJson } from '../read-json.ts';

const help = `usage: npm run tidemark -- render <channel> <alerts.json> [--json]

Prints the exact requests that would be sent for the alerts of a file, in sending order, with secrets masked. The file holds one alert
or a list of them: our own Alert, a bus event around one, or a CloudWatch alarm state change.
--json   one JSON array of { method, url, headers, body }
Channels: ${Object.keys(channels).join(', ')}`;

/** Addresses of the right form that lead nowhere. */
const examples: Readonly<Record<string, string>> = {
  wecom: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=00000000-0000-0000-0000-000000000000',
};

export const command: Command = {
  summary: 'show the exact requests a channel would send',
  help,
  run: async (args, io) => {
    const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--json');
    if (unknown !== undefined) throw new Failure('bad-input', `unknown option ${unknown}; see --help`);
    const [name, file] = args.filter((arg) => !arg.startsWith('--'));
    if (name === undefined || !Object.hasOwn(channels, name)) {
      throw new Failure('bad-input', `unknown channel '${name ?? ''}'; one of ${Object.keys(channels).join(', ')}`);
    }
    const channel = channels[name as keyof typeof channels];
    const target: Target = { name, url: examples[name] ?? 'https://example.com/webhook', secrets: ['whsec_c2VjcmV0'] };
    const requests = alertsOf(readJson(file), file ?? '').map((alert) => {
      const [chunk] = channel.plan(
        { receiver: name, groupKey: alert.fingerprint, groupLabels: {}, alerts: [alert] },
        target,
        {},
      );
      const request = channel.request(chunk as Chunk, target, {
        deliveryId: hashed(`${name}|${alert.fingerprint}|${alert.startsAt}|${alert.status}`),
        // The time of the alert stands for the time of sending, so that the same file gives the same requests.
        now: Date.parse(alert.startsAt),
        crypto: nodeCrypto,
      });
      const headers = Object.fromEntries(
        Object.entries(request.headers ?? {}).map(([key, value]) => [key, /signature/.test(key) ? '***' : value]),
      );
      return { method: request.method, url: maskUrl(request.url), headers, body: String(request.body ?? '') };
    });
    if (args.includes('--json')) io.out(`${JSON.stringify(requests, undefined, 2)}\n`);
    else io.out(`${requests.map(inWords).join('\n\n')}\n`);
    return 0;
  },
};

const alertsOf = (content: unknown, file: string): Alert[] =>
  (Array.isArray(content) ? content : [content]).flatMap((each, at) => {
    const read = readAlerts(JSON.stringify(each));
    if ('error' in read)
      throw new Failure('bad-input', read.error, { where: Array.isArray(content) ? `${file}[${at}]` : file });
    return [...read.alerts];
  });

const inWords = ({
  method,
  url,
  headers,
  body,
}: {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}): string => {
  const shown = (() => {
    try {
      return JSON.stringify(JSON.parse(body), undefined, 2);
    } catch {
      return body;
    }
  })();
  return [`${method} ${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', shown].join(
    '\n',
  );
};
