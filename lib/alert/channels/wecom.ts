import type { Alert } from '../../model/alert.ts';
import type { Channel } from '../channel.ts';
import { fitBytes } from '../text.ts';
import { httpVerdict, robotAnswer } from '../verdict.ts';

/** What `markdown.content` may hold, in bytes of UTF-8. */
const maxBytes = 4096;

/** A WeCom group robot: markdown messages, 20 a minute; its answer is a code inside a 200. */
export const wecom: Channel = {
  name: 'wecom',
  rate: { messages: 20, seconds: 60 },
  idempotent: false,
  maxBytes,
  measure: ({ body = '' }) => {
    const message = JSON.parse(String(body)) as { markdown: { content: string } };
    return Buffer.byteLength(message.markdown.content);
  },
  plan: (notification) =>
    notification.alerts.map((alert, at, { length }) => ({
      kind: 'message',
      notification: { ...notification, alerts: [alert] },
      part: at + 1,
      parts: length,
    })),
  request: ({ notification }, target, { deliveryId, traceUrl }) => ({
    method: 'POST',
    url: target.url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      msgtype: 'markdown',
      markdown: { content: content(notification.alerts[0] as Alert, deliveryId, traceUrl, target.mention ?? []) },
    }),
  }),
  verdict: (response, now) => {
    if (response.status !== 200) return httpVerdict(response, now);
    const code = robotAnswer(response)?.['errcode'];
    if (code === 0) return { kind: 'ok' };
    if (typeof code !== 'number') return { kind: 'retry', reason: 'a 200 without an errcode' };
    const reason = `errcode ${code}`;
    if (code === 45009) return { kind: 'retry', reason, minDelaySeconds: 60, throttled: true };
    if (code === 93000) return { kind: 'permanent', reason, disable: true };
    if (code === 40058) return { kind: 'split', reason };
    if (code === 40008 || code === 40035 || code === 44004) return { kind: 'permanent', reason };
    // 45033 and -1 are passing; a code that we do not know is no success and may pass too. Attempts are bounded.
    return { kind: 'retry', reason };
  },
};

const colours = { critical: 'warning', warning: 'warning', info: 'comment' } as const;

const content = (
  alert: Alert,
  deliveryId: string,
  traceUrl: string | undefined,
  mention: readonly string[],
): string => {
  const { alertname = 'Alert', severity = 'info', ...labels } = alert.labels;
  const colour = alert.status === 'resolved' ? 'info' : (colours[severity as keyof typeof colours] ?? 'comment');
  const trace = alert.trace?.traceId;
  const link =
    trace === undefined ? '' : traceUrl === undefined ? trace : `[${trace}](${traceUrl.replace('{traceId}', trace)})`;
  const footer = [
    ...(link === '' ? [] : [`> trace: ${link}`]),
    `> <font color="comment">${alert.startsAt} · ${alert.fingerprint} · ${deliveryId.slice(0, 8)}</font>`,
    ...(severity === 'critical' && alert.status === 'firing' ? mention.map((user) => `<@${user}>`) : []),
  ].join('\n');
  const head = `**<font color="${colour}">[${alert.status.toUpperCase()}] ${plain(alertname)}</font>** ${plain(severity)}`;
  const names = Object.entries(labels).map(([name, value]) => `> ${plain(name)}: ${plain(value)}`);
  const body = [plain(alert.annotations['summary'] ?? ''), ...names, plain(alert.annotations['description'] ?? '')]
    .filter((line) => line !== '')
    .join('\n');
  const room = maxBytes - Buffer.byteLength(head) - Buffer.byteLength(footer) - 2;
  return `${head}\n${fitBytes(body, room)}\n${footer}`;
};

/** Text of others must not become markup of ours. */
const plain = (text: string): string =>
  text.replace(/[<>]/g, (bracket) => (bracket === '<' ? '＜' : '＞')).replace(/([[\]*`])/g, '\\$1');
