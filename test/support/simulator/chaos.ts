import { readLetter } from '../../../lib/alert/give-up.ts';
import { rankOf } from '../../../lib/alert/identity.ts';
import { type Alert, alert as anAlert } from '../../../lib/model/alert.ts';
import type { AlertsConfig } from '../../../lib/model/config/alerts.ts';
import {
  dingtalkRobot,
  feishuRobot,
  opsgenieRobot,
  pagerdutyRobot,
  type Robot,
  slackRobot,
  teamsRobot,
  webhookRobot,
  wecomRobot,
} from '../robots/index.ts';
import { seeded } from './time.ts';
import { channelOf, type Faults, type Seen, simulate } from './world.ts';

/** The faults that the delivery path is held against: shares of all requests, of all invocations, of all messages of the queue. */
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
  /** Distinct alerts that fired. */
  readonly alerts: number;
  /** What was to be told: each firing and each end, at each of its receivers. */
  readonly states: number;
  /** States that no destination took, neither themselves nor a later one, and that are no dead letters. */
  readonly lost: number;
  /** Messages that people saw although they had seen all or part of what they say. */
  readonly duplicates: number;
  /** As many may be: one for each answer that never came and each process that died. */
  readonly duplicatesAllowed: number;
  /** The same where a destination tells repeated deliveries apart. */
  readonly duplicatesIdempotent: number;
  /** What those messages repeat: a message may hold many alerts. */
  readonly repeatedStates: number;
  /** States that were seen marked as late. */
  readonly late: number;
  /** States that were tried first more than so long after they came and are not marked, or are marked and were not late. */
  readonly lateWrong: number;
  /** Attempts before a destination had allowed them. */
  readonly early: number;
  /** States seen after a later one: above all, a firing after its end. */
  readonly outOfOrder: number;
  /** Firings that were over before their destination could be told: their end alone was. */
  readonly merged: number;
  readonly deadLetters: number;
  readonly attempts: number;
  /** Faults of each kind that there were. */
  readonly serverErrors: number;
  readonly errorCodes: number;
  readonly resets: number;
  readonly timeoutsAfterAccept: number;
  readonly crashes: number;
  readonly invocations: number;
}

/** Receivers of every channel, with their share of the alerts: as many as their limits take while a fifth of all requests fails. */
const shares = {
  wecom: 0.1,
  dingtalk: 0.1,
  feishu: 0.15,
  slack: 0.15,
  teams: 0.15,
  pagerduty: 0.02,
  opsgenie: 0.02,
  webhook: 0.31,
} as const;
type Team = keyof typeof shares;
const teams = Object.keys(shares) as Team[];

/** Critical alerts go to one more receiver. */
const pager = 'pager';
const criticalShare = 0.02;

const config: AlertsConfig = {
  receivers: {
    ...Object.fromEntries(
      teams.map((channel) => [
        channel,
        {
          channel,
          ...(channel === 'pagerduty' || channel === 'opsgenie'
            ? { secret: `secretsmanager:${channel}/key` }
            : { url: `secretsmanager:${channel}` }),
        },
      ]),
    ),
    [pager]: { channel: 'webhook', url: `secretsmanager:${pager}` },
  },
  default: ['webhook'],
  groupBy: ['service'],
  groupWaitSeconds: 5,
  groupIntervalSeconds: 20,
  repeatIntervalSeconds: 30 * 86_400,
  routes: [
    { match: { severity: 'critical' }, receivers: [pager], continue: true },
    ...teams.map((team) => ({ match: { team }, receivers: [team] })),
  ],
};

const start = Date.parse('2026-03-01T00:00:00Z');

/** One run: so many distinct alerts, of which each third ends, spread over half a day of virtual time. */
export const chaos = async (options: {
  readonly seed: number;
  readonly alerts: number;
  readonly faults?: Faults;
  readonly strict?: boolean;
}): Promise<Verdict> => {
  const { seed, alerts: count, faults = everything, strict = false } = options;
  const random = seeded(seed ^ 0x5eed);
  const { robots, secrets } = destinations();
  const world = simulate({ seed, config, robots, secrets, faults, strict, start });
  const spanMs = Math.min(12 * 3_600_000, count * 432);
  const raised: Raised[] = [];
  const raise = (alert: Alert, at: number) => {
    raised.push({ alert, at });
    world.raise(alert, at);
  };
  for (let index = 0; index < count; index += 1) {
    const at = start + Math.floor(random() * spanMs);
    const firing = anAlert({
      status: 'firing',
      labels: {
        alertname: `Alert${index}`,
        severity: random() < criticalShare ? 'critical' : random() < 0.8 ? 'warning' : 'info',
        service: `service-${index % 97}`,
        team: teamAt(random()),
      },
      annotations: { summary: `alert ${index}` },
      startsAt: new Date(at).toISOString(),
    });
    raise(firing, at);
    if (index % 3 !== 0) continue;
    // Between half a minute, while it may not be told yet, and an hour.
    const endsAt = at + 30_000 + Math.floor(random() * 3_600_000);
    raise({ ...firing, status: 'resolved', endsAt: new Date(endsAt).toISOString() }, endsAt);
  }
  await world.time.run(start + spanMs + settleMs);
  return judge(seed, count, raised, world);
};

interface Raised {
  readonly alert: Alert;
  readonly at: number;
}

const teamAt = (share: number): Team => {
  let edge = 0;
  return teams.find((team) => share < (edge += shares[team])) ?? 'webhook';
};

const destinations = () => {
  const [pagerduty, opsgenieKey] = [pagerdutyRobot(), 'eb243592-faa2-4ba2-a551-1afdf565c889'];
  const robots: Record<Team | typeof pager, Robot> = {
    wecom: wecomRobot(),
    dingtalk: dingtalkRobot(),
    feishu: feishuRobot(),
    slack: slackRobot(),
    teams: teamsRobot(),
    pagerduty,
    opsgenie: opsgenieRobot({ apiKey: opsgenieKey }),
    webhook: webhookRobot(),
    [pager]: webhookRobot(),
  };
  const secrets = {
    'secretsmanager:pagerduty/key': pagerduty.routingKey,
    'secretsmanager:opsgenie/key': opsgenieKey,
  };
  return { robots, secrets };
};

const judge = (
  seed: number,
  alerts: number,
  raised: readonly Raised[],
  world: ReturnType<typeof simulate>,
): Verdict => {
  const shown = new Map<string, Seen[]>();
  for (const each of world.seen) {
    const key = `${each.receiver} ${each.alert.fingerprint}`;
    const list = shown.get(key);
    if (list === undefined) shown.set(key, [each]);
    else list.push(each);
  }
  const order = inOrder(shown);
  const dead = new Set(
    world.dead.flatMap((body) =>
      (readLetter(JSON.parse(body))?.entries ?? []).map(({ alert, rank }) => `${alert.fingerprint} ${rank}`),
    ),
  );
  const ends = new Set(raised.flatMap(({ alert }) => (alert.status === 'resolved' ? [alert.fingerprint] : [])));
  let [states, merged, lost] = [0, 0, 0];
  const cameAt = new Map<string, number>();
  for (const { alert, at } of raised) {
    const rank = rankOf(alert);
    cameAt.set(`${alert.fingerprint} ${rank}`, at);
    for (const receiver of receiversOf(alert)) {
      states += 1;
      const key = `${receiver} ${alert.fingerprint}`;
      if (world.taken.has(`${key} ${rank}`)) continue;
      const isOver = alert.status === 'firing' && ends.has(alert.fingerprint) && world.taken.has(`${key} ${rank + 1}`);
      if (isOver) merged += 1;
      else if (!dead.has(`${alert.fingerprint} ${rank}`)) lost += 1;
    }
  }
  const { counts } = world;
  return {
    seed,
    alerts,
    states,
    lost,
    ...order,
    duplicatesAllowed: counts.timeoutsAfterAccept + counts.crashes,
    late: world.seen.filter((each) => each.late).length,
    lateWrong: world.seen.filter((each) => isMarkedWrongly(each, cameAt)).length,
    early: counts.early,
    merged,
    deadLetters: dead.size,
    attempts: counts.attempts,
    serverErrors: counts.serverErrors,
    errorCodes: counts.errorCodes,
    resets: counts.resets,
    timeoutsAfterAccept: counts.timeoutsAfterAccept,
    crashes: counts.crashes,
    invocations: world.stats().invocations,
  };
};

const inOrder = (shown: ReadonlyMap<string, readonly Seen[]>) => {
  const [repeated, repeatedIdempotent] = [new Set<string>(), new Set<string>()];
  let [repeatedStates, outOfOrder] = [0, 0];
  for (const list of shown.values()) {
    const known = new Set<number>();
    let highest = 0;
    for (const { rank, receiver, deliveryId, at } of list) {
      if (known.has(rank)) {
        repeatedStates += 1;
        const message = `${receiver} ${deliveryId} ${at}`;
        repeated.add(message);
        if (channelOf(config, receiver).idempotent) repeatedIdempotent.add(message);
      }
      // The same once more, after a later one was seen, is a firing after its end all the same.
      if (rank < highest) outOfOrder += 1;
      known.add(rank);
      highest = Math.max(highest, rank);
    }
  }
  return { duplicates: repeated.size, duplicatesIdempotent: repeatedIdempotent.size, repeatedStates, outOfOrder };
};

/** Late is what is tried first five minutes after it was to be told, which is when it came, or its group's next turn. */
const lateMs = 300_000;
/** The wait of a group, a flush and a queue that reorders, and a turn whose holder died. */
const slackMs = 120_000;

const isMarkedWrongly = (
  { alert, rank, late, at, firstTriedAt }: Seen,
  cameAt: ReadonlyMap<string, number>,
): boolean => {
  const came = cameAt.get(`${alert.fingerprint} ${rank}`);
  if (came === undefined) return false;
  return late ? at - came < lateMs : firstTriedAt - came > lateMs + slackMs;
};

/** The last end comes an hour after its alert; the longest ban, Retry-After and backoff are over long before this. */
const settleMs = 9 * 3_600_000;

/** Written out, so that the router is not its own judge. */
const receiversOf = ({ labels: { severity, team } }: Alert): string[] =>
  severity === 'critical' ? [pager, team as string] : [team as string];
