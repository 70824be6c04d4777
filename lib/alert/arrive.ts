import { sourceKeys } from '#tidemark.inhibit';
import type { Alert } from '../model/alert.ts';
import type { Item } from '../model/ports.ts';
import type { Delivering } from './delivering.ts';
import { fitting } from './fitting.ts';
import { hashed, rankOf } from './identity.ts';
import type { Arrival } from './inbound.ts';
import { note } from './ledger.ts';
import { type Membership, membershipsOf } from './route.ts';
import { stormAlerts, stormMs } from './storm.ts';
import { wake } from './turn.ts';

/** An alert as a member of one group. */
export interface Member extends Item {
  readonly alert: Alert;
  readonly rank: number;
  /** When this state of it was taken in. */
  readonly at: number;
  /** When it was sent here: earlier, where a process died over it. */
  readonly cameAt?: number;
  /** Nothing is left to tell of it; it stays a while so that an older state that comes late is known as one. */
  readonly done?: true;
  /** Why it is held back. */
  readonly muted?: string;
  /** It is over by then, unless its source says meanwhile that it still fires. */
  readonly expiresAt?: number;
  /** Nobody has said that it ended. */
  readonly expired?: true;
  /** When its source says that it began: before an end that nobody had said, and that was none. */
  readonly saidToStartAt?: string;
}

/** An alert that is never heard of again is forgotten after that. */
const keepSeconds = 30 * 86_400;

/** Identity of a group in keys. */
export const groupId = ({ route, groupKey }: Membership): string => hashed(`${route.id}\n${groupKey}`);

export const inhibitKey = (key: string): string => `inhibit#${hashed(key)}`;

/** Takes an alert in: stores its state in each of its groups and sees to it that they are flushed. Done once, however often it comes. */
export const arrive = async (given: Arrival, delivering: Delivering, cameAt?: number): Promise<void> => {
  const { clock, config } = delivering;
  const now = clock();
  const { expiresAt: told, ...fields } = fitting(given);
  const timeoutMs = (config.inbound?.resolveTimeoutSeconds ?? 300) * 1000;
  const expiresAt = told === 0 ? (cameAt ?? now) + timeoutMs : told;
  const found = await begun(fields, delivering, cameAt ?? now);
  const { alert, saidToStartAt } = found;
  const marks = {
    ...(cameAt === undefined ? {} : { cameAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(saidToStartAt === undefined ? {} : { saidToStartAt }),
  };
  await enter(alert, marks, delivering);
};

/** What has not been heard of for too long is over. Not when its source has said meanwhile that it still fires. */
export const expire = async ({ alert, expiresAt = 0 }: Member, delivering: Delivering): Promise<void> => {
  const ended: Alert = { ...alert, status: 'resolved', endsAt: new Date(expiresAt).toISOString() };
  await enter(ended, { expired: true }, delivering, expiresAt);
};

type Marks = Pick<Member, 'cameAt' | 'expiresAt' | 'expired' | 'saidToStartAt'>;

/** `instead`: only where what is stored is to expire then. */
const enter = async (alert: Alert, marks: Marks, delivering: Delivering, instead?: number): Promise<void> => {
  const { table, clock, routing } = delivering;
  const rank = rankOf(alert);
  const now = clock();
  const ttl = Math.floor(now / 1000) + keepSeconds;
  for (const key of sourceKeys(routing.inhibit, alert.labels)) {
    await table.put(
      {
        pk: inhibitKey(key),
        sk: alert.fingerprint,
        rank,
        firing: alert.status === 'firing',
        labels: alert.labels,
        ttl,
      },
      { below: { rank } },
    );
  }
  for (const membership of membershipsOf(routing.root, alert)) {
    const id = groupId(membership);
    const key = { pk: `group#${id}`, sk: `alert#${alert.fingerprint}` };
    const member: Member = { ...key, alert, rank, at: now, ttl, ...marks };
    const isNew = await table.put(member, {
      below: { rank },
      ...(instead === undefined ? {} : { equals: { expiresAt: instead } }),
    });
    if (!isNew && instead !== undefined) continue;
    const stored = isNew ? member : ((await table.get(key.pk, key.sk)) as Member | undefined);
    const { expiresAt } = marks;
    // It still fires.
    if (!isNew && stored?.rank === rank && expiresAt !== undefined)
      await table.put({ ...stored, expiresAt }, { equals: { rank }, below: { expiresAt } });
    if (stored !== undefined && stored.rank > rank) {
      await note(delivering, alert, 'overtaken', id, { reason: 'a later state of it came before' });
      continue;
    }
    // The time of its first arrival: when the message comes again after a crash, this is the same entry.
    await note(delivering, alert, 'received', id, { groupKey: membership.groupKey }, stored?.at ?? now);
    if (stored?.done !== true) await wakeGroup(id, membership, stored ?? member, isNew, delivering);
  }
};

/**
 * With the beginning that is known of an alert: its source may not say it, or say another one for what is one episode, as one does
 * that has been restarted. What overlaps is one, as in Alertmanager: an end ends whatever began before it, and what began before the
 * end that is known belongs to that.
 */
const begun = async (
  { startIsUnknown, ...alert }: Omit<Arrival, 'expiresAt'>,
  { table, routing }: Delivering,
  cameAt: number,
): Promise<{ readonly alert: Alert; readonly saidToStartAt?: string }> => {
  const [membership] = membershipsOf(routing.root, alert);
  if (membership === undefined) return { alert };
  const stored = (await table.get(`group#${groupId(membership)}`, `alert#${alert.fingerprint}`)) as Member | undefined;
  if (stored === undefined || stored.alert.startsAt === alert.startsAt) {
    // Only its source was not heard of for a while. What was sent before that brings nothing back.
    const end = stored?.expired === true ? (stored.alert.endsAt ?? '') : '';
    const firesAgain = end !== '' && alert.status === 'firing' && cameAt > Date.parse(end);
    return firesAgain ? { alert: { ...alert, startsAt: end }, saidToStartAt: alert.startsAt } : { alert };
  }
  const { status, startsAt, endsAt = startsAt } = stored.alert;
  if (stored.saidToStartAt === alert.startsAt)
    return { alert: { ...alert, startsAt }, saidToStartAt: stored.saidToStartAt };
  const isPart =
    startIsUnknown === true
      ? status === 'firing'
        ? startsAt <= alert.startsAt
        : alert.startsAt <= endsAt
      : startsAt < alert.startsAt
        ? status === 'resolved' && alert.status === 'firing' && alert.startsAt < endsAt
        : status === 'firing' && alert.status === 'resolved' && startsAt < (alert.endsAt ?? '');
  return { alert: isPart ? { ...alert, startsAt } : alert };
};

const wakeGroup = async (
  id: string,
  { route }: Membership,
  { alert, at }: Member,
  isNew: boolean,
  delivering: Delivering,
): Promise<void> => {
  const isFiring = alert.status === 'firing';
  const isUrgent = isFiring && alert.labels['severity'] === 'critical';
  const startedAt = Date.parse(alert.startsAt);
  const soonMs = Math.min(stormMs, route.groupIntervalMs);
  await wake(
    { kind: 'flush', id },
    (item, now) => {
      const flushedAt = item?.['flushedAt'] as number | undefined;
      // Flushed since it came: this is the same state once more, and no news.
      if (flushedAt !== undefined && flushedAt > at + 5_000 && item?.due !== undefined) return undefined;
      // A group that holds nothing starts anew, with the wait for company; one that is old enough has waited already.
      if (item?.due === undefined || flushedAt === undefined)
        return startedAt + route.groupWaitMs <= now
          ? now
          : now + Math.min(route.groupWaitMs, isUrgent ? route.criticalWaitMs : Number.POSITIVE_INFINITY);
      // So many have joined a group that waits for its interval: it is in a storm.
      if (isFiring && (item.joined ?? 0) + 1 >= stormAlerts) return Math.max(now, flushedAt + soonMs);
      const companyUntil = Number(item['openedAt'] ?? 0) + route.groupWaitMs;
      const byGroup =
        now < companyUntil
          ? companyUntil
          : Math.max(now + Math.min(route.groupWaitMs, route.groupIntervalMs), flushedAt + route.groupIntervalMs);
      return isUrgent ? Math.min(byGroup, now + route.criticalWaitMs) : byGroup;
    },
    delivering,
    ({ due = 0, joined = 0 }, now) => isNew && isFiring && joined < stormAlerts && due > now + soonMs,
  );
};
