import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/matchers.ts';
import type { Item } from '../model/ports.ts';
import type { Chunk } from './channel.ts';
import type { Delivering } from './delivering.ts';
import { note } from './ledger.ts';
import { outKey, type Told, type Waiting } from './outbox.ts';
import { inParallel } from './parallel.ts';

/**
 * A chunk on its way: `lane#<receiver>` / `chunk#<id>`. It is stored before its first attempt and stays the same through all of
 * them, so that whoever takes up the work of a process that died sends the same bytes under the same id.
 */
export interface Parcel extends Item {
  readonly id: string;
  readonly chunk: Chunk;
  /** What its alerts are in the outbox and the notification log. */
  readonly refs: readonly Ref[];
  /** `forming`: not every alert in it is claimed yet; `sent`: only tidying up is left. */
  readonly state: 'forming' | 'ready' | 'sent';
  /** Attempts that failed; what was throttled does not count. */
  readonly attempts: number;
  readonly firstAt: number;
  readonly notBefore: number;
  /** An attempt went unanswered: it may have been taken. */
  readonly isUnknown?: true;
}

export interface Ref {
  readonly fingerprint: string;
  readonly rank: number;
  readonly group: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  readonly since: number;
  readonly repeatOf?: number;
  readonly owner?: string;
  readonly for?: string;
  readonly tried?: readonly string[];
  readonly replayed?: true;
}

const toldSeconds = 7 * 86_400;

export const refOf = ({ alert, pk: _, sk: __, ttl: ___, ...fields }: Waiting): Ref => ({
  ...(fields as Omit<Ref, 'fingerprint'>),
  fingerprint: alert.fingerprint,
});

export const alertOf = ({ chunk }: Parcel, { fingerprint }: Ref): Alert =>
  chunk.notification.alerts.find((alert) => alert.fingerprint === fingerprint) as Alert;

/**
 * Enters every alert of a parcel in the notification log, each on condition that nobody has told it. What others have told drops
 * out, of the parcel and of the outbox. Asked again after a crash it finds its own entries.
 */
export const claim = async (receiver: string, parcel: Parcel, delivering: Delivering): Promise<Parcel | undefined> => {
  if (parcel.state !== 'forming') return parcel;
  const claimed = new Set<Ref>();
  await inParallel(parcel.refs, 16, async (ref) => {
    if (await claimOne(receiver, parcel.id, ref, delivering)) claimed.add(ref);
    else await dropWaiting(receiver, parcel, ref, delivering);
  });
  const refs = parcel.refs.filter((ref) => claimed.has(ref)).map((ref): Ref => ({ ...ref, owner: parcel.id }));
  if (refs.length === 0 && parcel.chunk.kind === 'message') {
    await delivering.table.delete(parcel.pk, parcel.sk);
    return undefined;
  }
  return { ...keeping(parcel, refs), state: 'ready' };
};

/** The parcel with only these of its alerts. */
export const keeping = (parcel: Parcel, refs: readonly Ref[]): Parcel => {
  if (refs.length === parcel.refs.length) return { ...parcel, refs };
  const { notification } = parcel.chunk;
  const alerts = notification.alerts.filter(({ fingerprint }) => refs.some((ref) => ref.fingerprint === fingerprint));
  return { ...parcel, refs, chunk: { ...parcel.chunk, notification: { ...notification, alerts } } };
};

const claimOne = async (receiver: string, id: string, ref: Ref, { table, clock }: Delivering): Promise<boolean> => {
  const { rank, repeatOf, owner, replayed } = ref;
  const now = clock();
  const told: Told = {
    pk: `told#${ref.for ?? receiver}#${ref.group}`,
    sk: ref.fingerprint,
    rank,
    at: now,
    chunk: id,
    ttl: Math.floor(now / 1000) + toldSeconds,
  };
  const isMine =
    owner !== undefined
      ? await table.put(told, { equals: { rank, chunk: owner } })
      : repeatOf !== undefined
        ? await table.put(told, { equals: { rank, at: repeatOf } })
        : (await table.put(told, { below: { rank } })) ||
          (replayed === true && (await table.put(told, { equals: { rank, dead: true } })));
  if (isMine) return true;
  const found = (await table.get(told.pk, told.sk)) as Told | undefined;
  return found?.chunk === id && found.rank === rank;
};

/** Takes an alert of a parcel out of the outbox, unless a later state of it has taken its place there. */
export const dropWaiting = async (receiver: string, parcel: Parcel, ref: Ref, { table }: Delivering): Promise<void> => {
  const alert = alertOf(parcel, ref);
  await table.delete(...outKey(receiver, ref.group, alert, ref.for), { equals: { rank: ref.rank } });
};

/** What is left to do of a parcel that was sent: the outbox, the ledger, and the parcel itself last. */
export const tidy = async (receiver: string, parcel: Parcel, delivering: Delivering): Promise<void> => {
  await inParallel(parcel.refs, 16, (ref) => dropWaiting(receiver, parcel, ref, delivering));
  await noteAttempt(receiver, parcel, { verdict: 'ok' }, delivering);
  await delivering.table.delete(parcel.pk, parcel.sk);
};

export const noteAttempt = (
  receiver: string,
  parcel: Parcel,
  outcome: { readonly verdict: string; readonly reason?: string },
  delivering: Delivering,
): Promise<void> =>
  inParallel(parcel.refs, 16, (ref) =>
    note(delivering, alertOf(parcel, ref), 'attempt', `${parcel.id}#${parcel.attempts}`, {
      receiver,
      groupKey: ref.groupKey,
      attempt: parcel.attempts + 1,
      deliveryId: parcel.id,
      ...outcome,
    }),
  );
