import type { Alert } from '../../model/alert.ts';
import { Failure } from '../../model/failure.ts';
import { given } from '../../model/given.ts';
import type { Crypto } from '../../model/ports.ts';
import type { Channel, Notification } from '../channel.ts';
import { chunked } from '../pack.ts';
import { onePerAlert } from '../per-alert.ts';
import { worstFirst } from '../say.ts';
import { fitBytes, validJson } from '../text.ts';
import { httpVerdict } from '../verdict.ts';

const maxBytes = 20_000;

/**
 * Any HTTPS endpoint: each alert as JSON, or a group as Alertmanager posts it; signed by Standard Webhooks v1 and v1a with every
 * secret that is given. https://www.standardwebhooks.com
 */
export const webhook: Channel = {
  name: 'webhook',
  idempotent: true,
  signsWithAll: true,
  // What the specification recommends.
  maxBytes,
  measure: ({ body = '' }) => Buffer.byteLength(body),
  plan: (notification, style) => (style.format === 'alertmanager' ? grouped(notification) : onePerAlert(notification)),
  request: ({ notification, brief }, target, { deliveryId, now, crypto }) => {
    const payload = target.format === 'alertmanager' ? alertmanagerOf : ownOf(now);
    const body = bodyOf(notification, payload, brief === true);
    const id = `msg_${deliveryId}`;
    const timestamp = String(Math.floor(now / 1000));
    const signatures = (target.secrets ?? []).map((secret) => signature(secret, `${id}.${timestamp}.${body}`, crypto));
    return {
      method: 'POST',
      url: target.url,
      headers: {
        'content-type': 'application/json',
        ...target.headers,
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
      },
      body,
    };
  },
  verdict: httpVerdict,
};

/** How much of an alert is said: values of annotations and of labels are cut to so many bytes. */
interface Detail {
  readonly annotation: number;
  readonly label: number;
}

const whole: Detail = { annotation: Number.POSITIVE_INFINITY, label: Number.POSITIVE_INFINITY };
const details: readonly Detail[] = [
  whole,
  { annotation: 4000, label: 4000 },
  { annotation: 1000, label: 1000 },
  { annotation: 200, label: 200 },
  { annotation: 0, label: 100 },
];
/** Labels that even the least detail says. */
const leastLabels = 50;

const bodyOf = (
  notification: Notification,
  payload: (notification: Notification) => object,
  isBrief: boolean,
): string => {
  let body = '';
  for (const detail of isBrief ? details.slice(3) : details) {
    const alerts = notification.alerts.map((alert) => lessOf(alert, detail));
    body = validJson(payload({ ...notification, alerts }));
    if (Buffer.byteLength(body) <= maxBytes) break;
  }
  return body;
};

/** The fingerprint stays the identity, however much of the labels is said. */
const lessOf = (alert: Alert, { annotation, label }: Detail): Alert => {
  if (label === whole.label) return alert;
  const cut = (pairs: Readonly<Record<string, string>>, bytes: number, most: number) =>
    Object.fromEntries(
      bytes === 0
        ? []
        : Object.entries(pairs)
            .slice(0, most)
            .map(([name, value]) => [fitBytes(name, bytes), fitBytes(value, bytes)]),
    );
  return {
    ...alert,
    annotations: cut(alert.annotations, annotation, leastLabels),
    labels: cut(alert.labels, label, annotation === 0 ? leastLabels : Number.POSITIVE_INFINITY),
  };
};

const ownOf =
  (now: number) =>
  ({ alerts: [alert], lateMinutes }: Notification) => ({
    type: `alert.${alert?.status}`,
    timestamp: new Date(now).toISOString(),
    ...given({ lateMinutes }),
    data: alert,
  });

/** https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, version 4. */
const alertmanagerOf = ({ alerts, receiver, groupKey, groupLabels, lateMinutes }: Notification) => ({
  version: '4',
  groupKey,
  truncatedAlerts: 0,
  status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
  receiver,
  groupLabels,
  commonLabels: common(alerts.map(({ labels }) => labels)),
  commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
  externalURL: '',
  // Beyond version 4, and only where there is something to say.
  ...given({ lateMinutes }),
  alerts: alerts.map(({ status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint }) => ({
    status,
    labels,
    annotations,
    startsAt,
    endsAt: endsAt ?? '0001-01-01T00:00:00Z',
    generatorURL: generatorURL ?? '',
    fingerprint,
  })),
});

const common = ([first = {}, ...others]: readonly Readonly<Record<string, string>>[]) =>
  Object.fromEntries(Object.entries(first).filter(([name, value]) => others.every((each) => each[name] === value)));

const grouped = (notification: Notification) =>
  chunked(notification, worstFirst(notification.alerts), (alerts) => {
    const body = validJson(alertmanagerOf({ ...notification, alerts, lateMinutes: 99_999 }));
    return Buffer.byteLength(body) <= maxBytes;
  });

/** `whsec_` holds a key of HMAC-SHA256 (v1), `whsk_` the seed of an Ed25519 key, with or without its public half (v1a). */
const signature = (secret: string, content: string, crypto: Crypto): string => {
  const [, kind = 'whsec', text = ''] = /^(?:(whsec|whsk)_)?(.*)$/s.exec(secret.trim()) ?? [];
  const key = Buffer.from(text, 'base64');
  if (kind === 'whsec' ? key.length === 0 : key.length !== 32 && key.length !== 64)
    throw new Failure('misconfigured', `the signing secret is no ${kind}_ followed by a key in base64`);
  const signed = kind === 'whsec' ? crypto.hmacSha256(key, content) : crypto.ed25519(key.subarray(0, 32), content);
  return `${kind === 'whsec' ? 'v1' : 'v1a'},${Buffer.from(signed).toString('base64')}`;
};
