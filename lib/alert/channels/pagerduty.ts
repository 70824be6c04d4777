import type { Alert } from '../../model/alert.ts';
import { given } from '../../model/given.ts';
import type { Channel, Target } from '../channel.ts';
import { onePerAlert } from '../per-alert.ts';
import { addressesOf, sentence, tracePage } from '../say.ts';
import { fitBytes, validJson } from '../text.ts';
import { httpVerdict, robotAnswer } from '../verdict.ts';

/** PagerDuty's Events API v2: one incident for each alert, which its fingerprint names; an event is triggered, and resolved. */
export const pagerduty: Channel = {
  name: 'pagerduty',
  idempotent: true,
  rate: { messages: 120, seconds: 60 },
  // Of the whole event.
  maxBytes: 512 * 1024,
  measure: ({ body = '' }) => Buffer.byteLength(body),
  url: 'https://events.pagerduty.com/v2/enqueue',
  plan: onePerAlert,
  request: ({ notification, brief }, target, { deliveryId: _, now: __, crypto: ___, ...saying }) => {
    const alert = notification.alerts[0] as Alert;
    const event = eventOf(alert, target, saying, notification.lateMinutes);
    const full = validJson(event);
    const isSmall = brief !== true && Buffer.byteLength(full) <= 512 * 1024;
    return {
      method: 'POST',
      url: target.url,
      headers: { 'content-type': 'application/json' },
      body: isSmall ? full : validJson(withoutDetails(event)),
    };
  },
  verdict: (response, now) => {
    if (response.status === 202) return { kind: 'ok' };
    const verdict = httpVerdict(response, now);
    if (verdict.kind === 'ok') return { kind: 'retry', reason: `HTTP ${response.status} instead of 202` };
    const { errors } = robotAnswer(response) ?? {};
    const list = Array.isArray(errors) ? errors.join('; ').slice(0, 300) : '';
    const reason = list === '' ? verdict.reason : `${verdict.reason}: ${list}`;
    // A few minutes are asked for where no figure is given.
    if (response.status === 429 && verdict.kind === 'retry')
      return { ...verdict, reason, minDelaySeconds: verdict.minDelaySeconds ?? 120 };
    const isKey = verdict.kind === 'permanent' && /routing.key/i.test(list);
    return isKey ? { ...verdict, reason, credentials: true } : { ...verdict, reason };
  },
};

/** https://developer.pagerduty.com/docs/events-api-v2/trigger-events */
const eventOf = (
  alert: Alert,
  target: Target,
  saying: Parameters<typeof tracePage>[1],
  lateMinutes: number | undefined,
) => {
  const key = { routing_key: target.secrets?.[0] ?? '', dedup_key: alert.fingerprint };
  if (alert.status === 'resolved') return { ...key, event_action: 'resolve' };
  const { alertname = '', severity, ...labels } = alert.labels;
  const page = tracePage(alert, saying);
  const source = ['instance', 'pod', 'queue', 'node', 'host', 'service'].map((name) => labels[name]).find(Boolean);
  const optional = { component: labels['service'], group: labels['cluster'] ?? labels['namespace'], class: alertname };
  return {
    ...key,
    event_action: 'trigger',
    payload: {
      summary: fitBytes(sentence(alert, target, saying), 1024),
      source: fitBytes(source ?? target.name, 255),
      severity,
      timestamp: alert.startsAt,
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined && value !== '')),
      custom_details: {
        ...alert.annotations,
        labels: alert.labels,
        ...(alert.trace === undefined ? {} : { trace_id: alert.trace.traceId }),
        ...given({ late_minutes: lateMinutes }),
      },
    },
    links: [
      ...(page === undefined ? [] : [{ href: page, text: 'trace' }]),
      ...addressesOf(alert, saying).map(({ label, url }) => ({ href: url, text: label })),
    ],
    client: 'tidemark',
    ...(alert.generatorURL === undefined ? {} : { client_url: alert.generatorURL }),
  };
};

/** What the vendor's own guide says to leave out first. */
const withoutDetails = (event: ReturnType<typeof eventOf>) => {
  if (!('payload' in event)) return event;
  const { custom_details: _, ...payload } = event.payload;
  const fields = Object.entries(payload).map(([name, value]) => [name, fitBytes(String(value), 1024)]);
  return { ...event, payload: Object.fromEntries(fields) };
};
