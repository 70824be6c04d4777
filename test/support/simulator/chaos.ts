import { readLetter } from '../../../lib/alert/give-up.ts';
import { rankOf } from '../../../lib/alert/identity.ts';
import { type Alert, alert as anAlert } from '../../../lib/model/alert.ts';
import type { AlertsConfig } from '../../../lib/model/config/alerts.ts';
import { type Robot, webhookRobot, wecomRobot } from '../robots/index.ts';
import { seeded } from './time.ts';
import { channelOf, type Faults, simulate } from './world.ts';

/** The faults that the delivery path is held against. */
export const everything: Faults = {
  serverErrors: 0.1,
  errorCodes: 0.05,
  timeoutsAfterAccept: 0.05,
  resets: 0.02,
  crashes: 0.01,
  duplicates: 0.05,
  reorderMs: 2000,
};

export interface Verdict {
  readonly seed: number;
  /** States of alerts that were raised: firings and resolutions. */
  readonly alerts: number;
  /** States that nobody saw, neither themselves nor a later one, and that are no dead letters. */
  readonly lost: number;
  /** States that people saw more than once at one destination. */
  readonly duplicates: number;
  /** As many may be: one for each answer that never came and each process that died. */
  readonly duplicatesAllowed: number;
  readonly duplicatesIdempotent: number;
  /** States that were seen marked as late. */
  readonly late: number;
  /** Attempts before a destination had allowed them. */
  readonly early: number;
  /** States seen after a later one. */
  readonly outOfOrder: number;
  /** States told by a later one alone, since it had come before they could be. */
  readonly merged: number;
  readonly deadLetters: number;
  readonly attempts: number;
  readonly crashes: number;
  readonly timeoutsAfterAccept: number;
  readonly invocations: number;
}

const config: AlertsConfig = {
  receivers: {
    hook: { channel: 'webhook', url: 'secretsmanager:hook' },
    pager: { channel: 'webhook', url: 'secretsmanager:pager' },
    'robot-1': { channel: 'wecom', url: 'secretsmanager:robot-1' },
    'robot-2': { channel: 'wecom', url: 'secretsmanager:robot-2' },
  },
  default: ['hook'],
  groupBy: ['service'],
  groupWaitSeconds: 5,
  groupIntervalSeconds: 20,
  repeatIntervalSeconds: 30 * 86_400,
  routes: [
    { match: { severity: 'critical' }, receivers: ['pager'], continue: true },
    { match: { team: 'chat-1' }, receivers: ['robot-1'] },
    { match: { team: 'chat-2' }, receivers: ['robot-2'] },
  ],
};

/** One run: so many states of alerts, of which each fires and resolves, in a day of virtual time. */
export const chaos = async (options: {
  readonly seed: number;
  readonly alerts: number;
  readonly faults?: Faults;
  readonly strict?: boolean;
}): Promise<Verdict> => {
  const { seed, alerts: count, faults = everything, strict = false } = options;
  const random = seeded(seed ^ 0x5eed);
  const robots: Record<string, Robot> = {
    hook: webhookRobot(),
    pager: webhookRobot(),
    'robot-1': wecomRobot(),
    'robot-2': wecomRobot({ key: 'another' }),
  };
  const start = Date.parse('2026-03-01T00:00:00Z');
  const world = simulate({ seed, config, robots, faults, strict, start });
  const pairs = Math.ceil(count / 2);
  const spanMs = Math.min(12 * 3_600_000, pairs * 1000);
  const raised: Alert[] = [];
  for (let index = 0; index < pairs; index += 1) {
    const at = start + Math.floor(random() * spanMs);
    const endsAt = at + 30_000 + Math.floor(random() * 600_000);
    const share = random();
    const firing = anAlert({
      status: 'firing',
      labels: {
        alertname: `Alert${index}`,
        severity: share < 0.1 ? 'critical' : share < 0.8 ? 'warning' : 'info',
        service: `service-${index % 97}`,
        team: random() < 0.05 ? `chat-${1 + Math.floor(random() * 2)}` : 'other',
      },
      annotations: { summary: `alert ${index}` },
      startsAt: new Date(at).toISOString(),
    });
    raised.push(firing);
    world.raise(firing, at);
    if (raised.length === count) break;
    const ended: Alert = { ...firing, status: 'resolved', endsAt: new Date(endsAt).toISOString() };
    raised.push(ended);
    world.raise(ended, endsAt);
  }
  await world.time.run(start + 26 * 3_600_000);
  return judge(seed, raised, world);
};

const judge = (seed: number, raised: readonly Alert[], world: ReturnType<typeof simulate>): Verdict => {
  const ranks = new Map<string, number[]>();
  for (const { receiver, rank, alert } of world.seen) {
    const key = `${receiver} ${alert.fingerprint}`;
    ranks.set(key, [...(ranks.get(key) ?? []), rank]);
  }
  let [duplicates, duplicatesIdempotent, outOfOrder, merged, lost] = [0, 0, 0, 0, 0];
  for (const [key, list] of ranks) {
    const channel = channelOf(config, key.slice(0, key.indexOf(' ')));
    const known = new Set<number>();
    let highest = 0;
    for (const rank of list) {
      if (known.has(rank)) {
        duplicates += 1;
        if (channel?.idempotent === true) duplicatesIdempotent += 1;
      } else if (rank < highest) outOfOrder += 1;
      known.add(rank);
      highest = Math.max(highest, rank);
    }
  }
  const dead = new Set(
    world.dead.flatMap((body) =>
      (readLetter(JSON.parse(body))?.entries ?? []).map(({ alert, rank }) => `${alert.fingerprint} ${rank}`),
    ),
  );
  for (const alert of raised) {
    const rank = rankOf(alert);
    for (const receiver of receiversOf(alert)) {
      const list = ranks.get(`${receiver} ${alert.fingerprint}`) ?? [];
      if (list.includes(rank)) continue;
      if (list.some((each) => each > rank)) merged += 1;
      else if (!dead.has(`${alert.fingerprint} ${rank}`)) lost += 1;
    }
  }
  const { counts } = world;
  return {
    seed,
    alerts: raised.length,
    lost,
    duplicates,
    duplicatesAllowed: counts.timeoutsAfterAccept + counts.crashes,
    duplicatesIdempotent,
    late: world.seen.filter((each) => each.late).length,
    early: counts.early,
    outOfOrder,
    merged,
    deadLetters: dead.size,
    attempts: counts.attempts,
    crashes: counts.crashes,
    timeoutsAfterAccept: counts.timeoutsAfterAccept,
    invocations: world.stats().invocations,
  };
};

/** Written out, so that the router is not its own judge. */
const receiversOf = ({ labels: { severity, team } }: Alert): string[] => {
  const chat = team === 'chat-1' ? ['robot-1'] : team === 'chat-2' ? ['robot-2'] : [];
  if (severity === 'critical') return ['pager', ...chat];
  return chat.length > 0 ? chat : ['hook'];
};
