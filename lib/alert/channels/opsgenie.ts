import type { Alert } from '../../model/alert.ts';
import type { Channel } from '../channel.ts';
import { onePerAlert } from '../per-alert.ts';
import { addressesOf, sentence, tracePage } from '../say.ts';
import { fitBytes, manyLines, validJson } from '../text.ts';
import { httpVerdict, robotAnswer } from '../verdict.ts';

/** Opsgenie's alert API: one alert for each of ours, which its alias names; created and closed, both worked on later. */
export const opsgenie: Channel = {
  name: 'opsgenie',
  idempotent: true,
  // No limit of the whole is documented; the members' own come to less.
  maxBytes: 100_000,
  measure: ({ body = '' }) => Buffer.byteLength(body),
  url: 'https://api.opsgenie.com/v2/alerts',
  plan: onePerAlert,
  request: ({ notification, brief }, target, { deliveryId: _, now: __, crypto: ___, ...saying }) => {
    const alert = notification.alerts[0] as Alert;
    const { annotations, labels, fingerprint } = alert;
    const isEnd = alert.status === 'resolved';
    const page = tracePage(alert, saying);
    const links = addressesOf(alert, saying).map(({ label, url }) => [label, url] as const);
    const bytes = brief === true ? 100 : 1000;
    const details = [...(page === undefined ? [] : [['trace', page] as const]), ...links, ...Object.entries(labels)];
    const base = target.url.replace(/\/+$/, '');
    return {
      method: 'POST',
      url: isEnd ? `${base}/${fingerprint}/close?identifierType=alias` : base,
      headers: { 'content-type': 'application/json', authorization: `GenieKey ${target.secrets?.[0] ?? ''}` },
      body: validJson(
        isEnd
          ? { source: 'tidemark', note: fitBytes(manyLines(annotations['summary'] ?? ''), bytes) }
          : {
              message: fitBytes(sentence(alert, target, saying), 130),
              alias: fingerprint,
              description: fitBytes(manyLines(annotations['description'] ?? annotations['summary'] ?? ''), bytes * 15),
              priority: priorities[labels['severity'] as keyof typeof priorities] ?? 'P3',
              source: 'tidemark',
              details: Object.fromEntries(
                details.slice(0, 40).map(([name, value]) => [fitBytes(name, 100), fitBytes(value, bytes)]),
              ),
              ...(notification.lateMinutes === undefined ? {} : { tags: ['late'] }),
            },
      ),
    };
  },
  verdict: (response, now) => {
    if (response.status === 202) return { kind: 'ok' };
    const verdict = httpVerdict(response, now);
    if (verdict.kind === 'ok') return { kind: 'retry', reason: `HTTP ${response.status} instead of 202` };
    const { message } = robotAnswer(response) ?? {};
    return typeof message === 'string'
      ? { ...verdict, reason: `${verdict.reason}: ${message.slice(0, 200)}` }
      : verdict;
  },
};

const priorities = { critical: 'P1', warning: 'P3', info: 'P5' } as const;
