import { nodeCrypto } from '../../lib/adapters/crypto.ts';
import type { Channel, Notification, Saying, Target } from '../../lib/alert/channel.ts';
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
  dingtalk: 'https://oapi.dingtalk.com/robot/send?access_token=0000000000000000',
  feishu: 'https://open.feishu.cn/open-apis/bot/v2/hook/00000000-0000-0000-0000-000000000000',
  slack: 'https://hooks.slack.com/services/T00000000/B00000000/000000000000000000000000',
  teams: 'https://prod-00.westeurope.logic.azure.com:443/workflows/0/triggers/manual/paths/invoke?sig=0',
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
    const channel: Channel = channels[name as keyof typeof channels];
    const url = channel.url ?? examples[name] ?? 'https://example.com/webhook';
    const target: Target = { name, url, secrets: ['whsec_c2VjcmV0'] };
    const alerts = alertsOf(readJson(file), file ?? '');
    const requests = channel.plan(notificationOf(name, alerts), target, saying).map((chunk) => {
      const [first] = chunk.notification.alerts as readonly [Alert];
      const ids = chunk.notification.alerts
        .map((each) => `${each.fingerprint}|${each.startsAt}|${each.status}`)
        .join('|');
      const request = channel.request(chunk, target, {
        ...saying,
        deliveryId: hashed(`${name}|${ids}`),
        // The time of the alert stands for the time of sending, so that the same file gives the same requests.
        now: Date.parse(first.startsAt),
        crypto: nodeCrypto,
      });
      const headers = Object.fromEntries(
        Object.entries(request.headers ?? {}).map(([key, value]) => [
          key,
          /signature|authorization/.test(key) ? '***' : value,
        ]),
      );
      return { method: request.method, url: maskUrl(request.url), headers, body: masked(String(request.body ?? '')) };
    });
    if (args.includes('--json')) io.out(`${JSON.stringify(requests, undefined, 2)}\n`);
    else io.out(`${requests.map(inWords).join('\n\n')}\n`);
    return 0;
  },
};

const saying: Saying = { traceUrl: 'https://traces.example.com/trace/{traceId}' };

/** All alerts of the file as one flush of one group. */
const notificationOf = (receiver: string, alerts: readonly Alert[]): Notification => ({
  receiver,
  groupKey: '{}:{}',
  groupLabels: {},
  alerts,
});

/** Signatures and keys that stand in a body. */
const masked = (body: string): string => body.replace(/("(?:sign|routing_key)":)"[^"]*"/g, '$1"***"');

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
