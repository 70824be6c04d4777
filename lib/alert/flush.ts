import { targetKeys } from '#tidemark.inhibit';
import { restsBy } from '#tidemark.mute-times';
import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/matchers.ts';
import type { Item } from '../model/ports.ts';
import { arrive, expire, groupId, inhibitKey, type Member } from './arrive.ts';
import type { Delivering } from './delivering.ts';
import { note } from './ledger.ts';
import { isPriority, outKey, type Told, type Waiting } from './outbox.ts';
import { inParallel } from './parallel.ts';
import { type Membership, membershipsOf, type Route } from './route.ts';
import { readSilences, type Silence, silencedBy } from './silence.ts';
import { stormAlerts, stormMs } from './storm.ts';
import { giveBack, type TurnItem, type TurnMessage, take, wake } from './turn.ts';

/** What is kept of a member whose last word was said, so that an older state that comes late is known as one. */
const doneSeconds = 3600;

/**
 * Flushes a group, as Alertmanager does: what is new, what has resolved after it was told, and what still fires when its repeat
 * interval is over go to each receiver's outbox; what is muted, inhibited or silenced is held back until it no longer is.
 */
export const flush = async (message: TurnMessage, delivering: Delivering): Promise<void> => {
  const { id } = message;
  const turn = { kind: 'flush', id } as const;
  const held = await take(turn, message, delivering);
  if (held === undefined) return;
  const startedAt = delivering.clock();
  const members = await membersNow(id, startedAt, delivering);
  const group = membershipOf(id, members, delivering);
  if (group === undefined) {
    // The configuration has changed and its route is gone: its alerts find their new groups.
    for (const { done, alert, cameAt, expiresAt } of members)
      if (done !== true)
        await arrive({ ...alert, ...(expiresAt === undefined ? {} : { expiresAt }) }, delivering, cameAt);
    await inParallel(members, 8, ({ pk, sk }) => delivering.table.delete(pk, sk));
    return giveBack(turn, held, undefined, delivering);
  }
  const next = await flushMembers({
    id,
    group,
    route: group.route,
    members,
    due: message.due,
    flushedAt: held['flushedAt'] as number | undefined,
    now: startedAt,
    delivering,
  });
  await giveBack(turn, held, next, delivering, { flushedAt: startedAt, openedAt: openedAt(held, members, startedAt) });
};

const membersNow = async (id: string, now: number, delivering: Delivering): Promise<readonly Member[]> => {
  const query = () => delivering.table.query(`group#${id}`, { skPrefix: 'alert#' }) as Promise<readonly Member[]>;
  const members = await query();
  const over = members.filter(
    ({ alert: { status }, done, expiresAt = Number.POSITIVE_INFINITY }) =>
      status === 'firing' && done !== true && expiresAt <= now,
  );
  await inParallel(over, 8, (member) => expire(member, delivering));
  return over.length === 0 ? members : query();
};

/** When the first of what the group holds came: those that come within its wait are company, though a critical one was told before it was over. */
const openedAt = (held: TurnItem, members: readonly Member[], now: number): number => {
  const live = members.filter(({ done }) => done !== true);
  const before = held['flushedAt'] as number | undefined;
  const isNew = before === undefined || live.every(({ at }) => at > before);
  return isNew ? Math.min(now, ...live.map(({ at }) => at)) : ((held['openedAt'] as number | undefined) ?? before);
};

/** The group as the configuration of today knows it: any of its members leads to it. */
const membershipOf = (id: string, members: readonly Member[], { routing }: Delivering): Membership | undefined => {
  const [first] = members;
  return first && membershipsOf(routing.root, first.alert).find((each) => groupId(each) === id);
};

interface Flush {
  readonly id: string;
  readonly route: Route;
  readonly group: Membership;
  readonly members: readonly Member[];
  readonly now: number;
  /** When it was to be flushed. */
  readonly due: number;
  /** The last time. */
  readonly flushedAt: number | undefined;
  readonly delivering: Delivering;
}

/** Answers when the group is to be flushed next; undefined when nothing is left in it. */
const flushMembers = async (given: Flush): Promise<number | undefined> => {
  const { id, route, members, now, delivering } = given;
  const { config } = delivering;
  const live = members.filter(({ done }) => done !== true);
  if (live.length === 0) return undefined;
  const rest = restsBy(route, config.times ?? {}, now);
  const muted = muting(given, rest);
  /** Members that no receiver waits for any more. */
  const finished = new Set(live.filter(({ alert }) => alert.status === 'resolved'));
  let news = 0;
  const byInterval = now + route.groupIntervalMs;
  // What has not been heard of by then is over.
  let next = Math.max(byInterval, Math.min(...live.map(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt)));
  for (const receiver of route.receivers) {
    const told = await toldOf(receiver, id, delivering);
    const isRepeatDue = live.some(({ alert, rank }) => {
      const last = told.get(alert.fingerprint);
      return alert.status === 'firing' && last?.rank === rank && now >= last.at + route.repeatIntervalMs;
    });
    const toTell: Alert[] = [];
    await inParallel(live, 8, async (member) => {
      const decision = await decide(member, receiver, told.get(member.alert.fingerprint), isRepeatDue, given, muted);
      if (decision.kind === 'wait') {
        next = Math.min(next, decision.until);
        finished.delete(member);
      }
      if (decision.kind !== 'tell') return;
      toTell.push(member.alert);
      if (decision.repeatOf === undefined) news += 1;
      finished.delete(member);
      next = Math.min(next, member.alert.status === 'firing' ? now + route.repeatIntervalMs : byInterval);
      await enqueue(member, receiver, decision.repeatOf, given);
    });
    // Even if all of it was there already: the process that wrote it may not have come to this.
    if (toTell.length > 0) await wakeLane(receiver, toTell, delivering);
  }
  await inParallel([...finished], 8, (member) =>
    delivering.table.put(
      { ...member, done: true, ttl: Math.floor(now / 1000) + doneSeconds },
      { equals: { rank: member.rank } },
    ),
  );
  if (news >= stormAlerts) next = Math.min(next, now + Math.min(stormMs, route.groupIntervalMs));
  return Number.isFinite(next) ? next : undefined;
};

/** A lane that waits for its destination is not called before more can be sent. */
const wakeLane = (receiver: string, alerts: readonly Alert[], delivering: Delivering): Promise<void> => {
  const field = alerts.some(isPriority) ? 'priorityFrom' : 'otherFrom';
  return wake({ kind: 'drain', id: receiver }, (item, now) => Math.max(now, Number(item?.[field] ?? 0)), delivering);
};

type Decision =
  | { readonly kind: 'tell'; readonly repeatOf?: number }
  /** Not yet. */
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'done' };

const decide = async (
  member: Member,
  receiver: string,
  told: Told | undefined,
  isRepeatDue: boolean,
  given: Flush,
  muted: (member: Member) => Promise<string | undefined>,
): Promise<Decision> => {
  const { route, now, delivering } = given;
  const { alert, rank } = member;
  const byInterval = now + route.groupIntervalMs;
  const isFiring = alert.status === 'firing';
  if (told !== undefined && told.rank > rank) return { kind: 'done' };
  if (told?.rank === rank) {
    if (!isFiring) return { kind: 'done' };
    // When one is due, those that would be within an interval go along.
    const repeatAt = told.at + route.repeatIntervalMs;
    if (!isRepeatDue || repeatAt > byInterval) return { kind: 'wait', until: repeatAt };
    if ((await muted(member)) !== undefined) return { kind: 'wait', until: byInterval };
    return { kind: 'tell', repeatOf: told.at };
  }
  // Its firing was told: then its end is, too, whoever has silenced it meanwhile; an incident must not stay open.
  if (!isFiring && told !== undefined && told.rank % 2 === 0) {
    if (delivering.config.receivers[receiver]?.sendResolved === false) return { kind: 'done' };
    return restsBy(route, delivering.config.times ?? {}, now) === undefined
      ? { kind: 'tell' }
      : { kind: 'wait', until: byInterval };
  }
  const reason = await muted(member);
  if (reason !== undefined) {
    if (member.muted !== reason) await noteMuted(member, reason, given);
    return isFiring ? { kind: 'wait', until: byInterval } : { kind: 'done' };
  }
  if (isFiring) return { kind: 'tell' };
  return (await wasShort(member, receiver, given)) ? { kind: 'done' } : { kind: 'tell' };
};

/**
 * Whether a resolved alert, whose firing was not told, was over before it was to be: then Alertmanager says nothing of it, and
 * so do we. One that lasted longer was kept from being told by a fault, and is told late rather than never.
 */
const wasShort = async (member: Member, receiver: string, given: Flush): Promise<boolean> => {
  const { id, route, delivering } = given;
  const { alert } = member;
  const endedAt = alert.endsAt === undefined ? member.at : Date.parse(alert.endsAt);
  const lastedMs = endedAt - Date.parse(alert.startsAt);
  // One that took no time at all is the end of something that nobody here has heard of.
  if (lastedMs > 0 && lastedMs >= route.groupWaitMs) return false;
  // Its firing may wait already: the outbox is asked first and the notification log then, since a state moves in that order.
  const waiting = await delivering.table.get(...outKey(receiver, id, alert));
  if (waiting !== undefined) return false;
  const told = (await toldOf(receiver, id, delivering)).get(alert.fingerprint);
  if (told !== undefined && told.rank >= member.rank - 1) return false;
  await note(
    delivering,
    alert,
    'suppressed',
    receiver,
    { receiver, reason: 'it was over before it was to be told' },
    member.at,
  );
  return true;
};

const noteMuted = async (member: Member, reason: string, { delivering }: Flush): Promise<void> => {
  await note(delivering, member.alert, 'muted', reason, { reason });
  await delivering.table.put({ ...member, muted: reason }, { equals: { rank: member.rank } });
};

/** The notification log of one group at one receiver, by fingerprint. */
const toldOf = async (receiver: string, id: string, { table }: Delivering): Promise<ReadonlyMap<string, Told>> =>
  new Map(((await table.query(`told#${receiver}#${id}`)) as readonly Told[]).map((told) => [told.sk, told]));

const enqueue = async (member: Member, receiver: string, repeatOf: number | undefined, given: Flush): Promise<void> => {
  const { id, group, now, delivering } = given;
  const { alert, rank } = member;
  const [pk, sk] = outKey(receiver, id, alert);
  const { groupKey, groupLabels } = group;
  const waiting: Waiting = {
    pk,
    sk,
    alert,
    rank,
    group: id,
    groupKey,
    groupLabels,
    since: Math.min(now, dueAt(member, repeatOf, given)),
    ...(repeatOf === undefined ? {} : { repeatOf }),
  };
  // A later state replaces one that still waits: what is told is what is so.
  const isNew = await delivering.table.put(waiting, { below: { rank } });
  if (isNew) await note(delivering, alert, 'queued', receiver, { receiver, groupKey }, now);
};

/**
 * When an alert was to be told: with this flush, or with the one that should have come before it, which a process may have died over. What
 * something holds back is due when it no longer does.
 */
const dueAt = (member: Member, repeatOf: number | undefined, { route, due, flushedAt = 0 }: Flush): number => {
  const { at, cameAt = at, muted } = member;
  const mayRest = route.muteTimes.length + route.activeTimes.length > 0;
  const scheduled = Math.max(cameAt + route.groupWaitMs, flushedAt + route.groupIntervalMs);
  const isFree = repeatOf === undefined && muted === undefined && !mayRest;
  return Math.max(cameAt, isFree ? Math.min(due, scheduled) : due);
};

/** Answers why an alert is held back now, or undefined. What several alerts need is read once. */
const muting = ({ delivering, now }: Flush, rest: string | undefined) => {
  const { table, routing } = delivering;
  let silences: Promise<readonly Silence[]> | undefined;
  const sources = new Map<string, Promise<readonly Item[]>>();
  const inhibitedBy = async (alert: Alert): Promise<string | undefined> => {
    for (const { key, counts } of targetKeys(routing.inhibit, alert.labels)) {
      const pk = inhibitKey(key);
      const found = sources.get(pk) ?? table.query(pk);
      sources.set(pk, found);
      const source = (await found).find(
        ({ sk, firing, labels }) => sk !== alert.fingerprint && firing === true && counts((labels ?? {}) as Labels),
      );
      if (source !== undefined) return `inhibited by ${source.sk}`;
    }
    return undefined;
  };
  return async ({ alert }: Member): Promise<string | undefined> => {
    if (rest !== undefined) return rest;
    const inhibited = routing.inhibit.length === 0 ? undefined : await inhibitedBy(alert);
    if (inhibited !== undefined) return inhibited;
    silences ??= readSilences(table);
    const silence = silencedBy(await silences, alert.labels, now);
    return silence === undefined ? undefined : `silence ${silence}`;
  };
};
