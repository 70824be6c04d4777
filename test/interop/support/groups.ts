/** Which groups are told of which alerts: by our delivery on a clock of its own, and by an Alertmanager with the same routes. */
import fc from 'fast-check';
import { deliver } from '../../../lib/alert/deliver.ts';
import { routing, type Send } from '../../../lib/alert/delivering.ts';
import type { AlertsConfig } from '../../../lib/model/config/alerts.ts';
import type { InhibitConfig, RouteConfig } from '../../../lib/model/config/routing.ts';
import type { QueueMessage } from '../../../lib/model/ports.ts';
import { memoryQueue, memoryTable } from '../../support/memory.ts';

/** Every alert that is compared carries it, so that no other route of the servers takes part. */
const own = 'interop="groups"';
export const groupReceivers = ['everyone', 'web', 'web-critical', 'audit', 'each'] as const;

const routes: readonly RouteConfig[] = [
  {
    matchers: [own],
    receivers: ['everyone'],
    groupBy: ['alertname', 'cluster'],
    routes: [
      { matchers: ['severity!="info"'], receivers: ['audit'], groupBy: ['team'], continue: true },
      {
        matchers: ['team=~"web|shop.*"', 'cluster!~"test-.*"'],
        receivers: ['web'],
        routes: [{ matchers: ['severity="critical"'], receivers: ['web-critical'], groupBy: ['service', 'missing'] }],
      },
      { matchers: ['team=""'], receivers: ['each'], groupBy: ['...'] },
    ],
  },
];

const inhibit: readonly InhibitConfig[] = [
  {
    source: [own, 'severity="critical"'],
    target: [own, 'severity=~"warning|info"'],
    equal: ['cluster', 'service', 'team'],
  },
];

/** Alertmanager's words for the same. Everything is told after a second; nothing is repeated meanwhile. */
export const alertmanagerRoute = (route: RouteConfig = routes[0] as RouteConfig): object => ({
  matchers: route.matchers,
  receiver: route.receivers?.[0],
  ...(route.groupBy === undefined ? {} : { group_by: route.groupBy }),
  ...(route.continue === true ? { continue: true } : {}),
  ...(route.routes === undefined ? {} : { routes: route.routes.map(alertmanagerRoute) }),
});
export const alertmanagerInhibitRules = inhibit.map(({ source, target, equal = [] }) => ({
  source_matchers: source,
  target_matchers: target,
  equal,
}));

export type Labels = Readonly<Record<string, string>>;

/** Label sets that fall into many groups, some of them inhibited, some with names that have to be quoted. */
export const drawnLabels = (seed: number): readonly Labels[] => {
  const label = (...values: readonly string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
  const set = fc.record({
    alertname: fc.constantFrom('High "load"', 'Größe 漢字', 'Down\\up', 'Slow'),
    severity: fc.constantFrom('critical', 'warning', 'info'),
    team: label('web', 'shop-eu', 'shop', 'data', 'webs'),
    cluster: label('eu-1', 'us-1', 'test-1'),
    service: label('cart', 'pay\n2', '🙂'),
  });
  return fc.sample(set, { numRuns: 250, seed }).map((labels, index) => ({
    ...(Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)) as Labels),
    interop: 'groups',
    index: String(index),
  }));
};

/** `<receiver> <group key>` with the fingerprints that its notifications named, sorted. */
export type Told = Readonly<Record<string, readonly string[]>>;

export const gatherTold = (
  notifications: Iterable<{
    readonly receiver: string;
    readonly groupKey: string;
    readonly fingerprints: readonly string[];
  }>,
): Told => {
  const groups = new Map<string, Set<string>>();
  for (const { receiver, groupKey, fingerprints } of notifications) {
    const name = `${receiver} ${groupKey}`;
    groups.set(name, new Set([...(groups.get(name) ?? []), ...fingerprints]));
  }
  return Object.fromEntries([...groups].sort().map(([name, set]) => [name, [...set].sort()]));
};

/** What our delivery tells whom of a webhook's alerts, within a minute of its own clock. */
export const toldByUs = async (webhookBody: string): Promise<Told> => {
  let now = Date.now();
  const clock = () => now;
  const waiting: { readonly at: number; readonly body: string }[] = [];
  const again = {
    send: async (messages: readonly QueueMessage[]) => {
      for (const { body, delaySeconds = 0 } of messages) waiting.push({ at: now + delaySeconds * 1000, body });
    },
  };
  const config: AlertsConfig = {
    receivers: Object.fromEntries(
      ['hook', ...groupReceivers].map((name) => [name, { channel: 'webhook', url: 'secretsmanager:hook' }]),
    ),
    default: ['hook'],
    groupWaitSeconds: 1,
    groupIntervalSeconds: 1,
    criticalWaitSeconds: 'grouped',
    routes,
    inhibit,
  };
  const deadLetters = memoryQueue();
  const notifications: { receiver: string; groupKey: string; fingerprints: string[] }[] = [];
  const send: Send = async ({ notification: { receiver, groupKey, alerts } }) => {
    notifications.push({ receiver, groupKey, fingerprints: alerts.map(({ fingerprint }) => fingerprint) });
    return { kind: 'ok' };
  };
  const delivering = {
    config,
    routing: routing(config),
    table: memoryTable(clock),
    again,
    deadLetters,
    send,
    clock,
    random: () => 0.5,
    log: () => undefined,
  };
  const end = now + 60_000;
  await deliver(webhookBody, delivering);
  for (;;) {
    waiting.sort((a, b) => a.at - b.at);
    const next = waiting.shift();
    if (next === undefined || next.at > end) break;
    now = Math.max(now, next.at);
    await deliver(next.body, delivering);
  }
  if (deadLetters.sent.length > 0) throw new Error(`dead letters: ${JSON.stringify(deadLetters.sent).slice(0, 500)}`);
  return gatherTold(notifications);
};
