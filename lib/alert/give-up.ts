import type { Alert } from '../model/alert.ts';
import { given } from '../model/given.ts';
import { attributeText } from './attribute.ts';
import type { Delivering } from './delivering.ts';
import { note } from './ledger.ts';
import { outKey, type Waiting } from './outbox.ts';
import { inParallel } from './parallel.ts';
import { alertOf, claim, dropWaiting, type Parcel, type Ref } from './parcel.ts';
import { wake } from './turn.ts';

/** What ends in the dead letters: alerts that nobody took, why, and what is needed to send them again. */
export interface Letter {
  readonly receiver: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly deadAt: string;
  readonly entries: readonly (Omit<Ref, 'owner' | 'repeatOf' | 'tried' | 'replayed'> & { readonly alert: Alert })[];
}

/** A message holds 1 MiB; half of it is enough. */
const letterBytes = 500_000;

/** The next receiver of the chain that has not been tried; undefined when there is none. */
export const fallbackOf = (
  receiver: string,
  tried: readonly string[] | undefined,
  { config }: Delivering,
): string | undefined => {
  const fallback = config.receivers[receiver]?.fallback;
  return fallback === undefined || fallback === receiver || tried?.includes(fallback) === true ? undefined : fallback;
};

/** Hands a parcel on to the fallback of its receiver, or else to the dead letters with the reason. */
export const giveUp = async (
  receiver: string,
  given: Parcel,
  reason: string,
  delivering: Delivering,
): Promise<void> => {
  const parcel = await claim(receiver, given, delivering);
  if (parcel === undefined) return;
  const moved = new Set<string>();
  const dead: Ref[] = [];
  await inParallel(parcel.refs, 16, async (ref) => {
    const fallback = fallbackOf(receiver, ref.tried, delivering);
    if (fallback === undefined) return void dead.push(ref);
    moved.add(fallback);
    await handOn(receiver, fallback, alertOf(parcel, ref), ref, reason, delivering);
  });
  for (const fallback of moved) await wake({ kind: 'drain', id: fallback }, (_, now) => now, delivering);
  await bury(receiver, parcel, dead, reason, delivering);
  await inParallel(parcel.refs, 16, (ref) => dropWaiting(receiver, parcel, ref, delivering));
  await delivering.table.delete(parcel.pk, parcel.sk);
};

/** Hands what waits for a receiver that is shut on to its fallback; answers what has none left to go to. */
export const divert = async (
  receiver: string,
  parcels: readonly Parcel[],
  waiting: readonly Waiting[],
  reason: string,
  delivering: Delivering,
): Promise<{ readonly parcels: readonly Parcel[]; readonly waiting: readonly Waiting[] }> => {
  const canGo = (ref: Pick<Ref, 'tried'>) => fallbackOf(receiver, ref.tried, delivering) !== undefined;
  for (const parcel of parcels) if (parcel.refs.every(canGo)) await giveUp(receiver, parcel, reason, delivering);
  const moved = new Set<string>();
  const held = new Set(parcels.flatMap(({ refs }) => refs.map(({ group, fingerprint }) => `${group}#${fingerprint}`)));
  // What a parcel carries moves with it.
  const free = waiting.filter((entry) => canGo(entry) && !held.has(`${entry.group}#${entry.alert.fingerprint}`));
  await inParallel(free, 16, async (entry) => {
    const fallback = fallbackOf(receiver, entry.tried, delivering) as string;
    moved.add(fallback);
    await handOn(receiver, fallback, entry.alert, entry as unknown as Ref, reason, delivering);
  });
  for (const fallback of moved) await wake({ kind: 'drain', id: fallback }, (_, now) => now, delivering);
  await inParallel(free, 16, ({ pk, sk, rank }) => delivering.table.delete(pk, sk, { equals: { rank } }));
  return {
    parcels: parcels.filter(({ refs }) => !refs.every(canGo)),
    waiting: waiting.filter((entry) => !canGo(entry)),
  };
};

const handOn = async (
  receiver: string,
  fallback: string,
  alert: Alert,
  ref: Ref,
  reason: string,
  delivering: Delivering,
): Promise<void> => {
  const standsFor = ref.for ?? receiver;
  const [pk, sk] = outKey(fallback, ref.group, alert, standsFor);
  const { rank, group, groupKey, groupLabels, since, repeatOf, owner, replayed } = ref;
  const entry: Waiting = {
    pk,
    sk,
    alert,
    rank,
    group,
    groupKey,
    groupLabels,
    since,
    for: standsFor,
    tried: [...(ref.tried ?? []), receiver],
    ...given({ repeatOf, owner, replayed }),
  };
  const isNew = await delivering.table.put(entry, { below: { rank } });
  if (isNew) await note(delivering, alert, 'fallback', fallback, { receiver: fallback, groupKey, reason });
};

const bury = async (
  receiver: string,
  parcel: Parcel,
  refs: readonly Ref[],
  reason: string,
  delivering: Delivering,
): Promise<void> => {
  if (refs.length === 0) return;
  const { table, clock, deadLetters, log } = delivering;
  const deadAt = new Date(clock()).toISOString();
  const letters: { bytes: number; entries: Letter['entries'][number][] }[] = [];
  for (const ref of refs) {
    const { owner: _, repeatOf: __, tried: ___, replayed: ____, ...rest } = ref;
    const entry = { ...rest, alert: alertOf(parcel, ref) };
    const bytes = Buffer.byteLength(JSON.stringify(entry));
    const last = letters.at(-1);
    if (last === undefined || last.bytes + bytes > letterBytes) letters.push({ bytes, entries: [entry] });
    else {
      last.bytes += bytes;
      last.entries.push(entry);
    }
  }
  await deadLetters.send(
    letters.map(({ entries }) => {
      const letter: Letter = { receiver, reason, deadAt, entries };
      return {
        body: JSON.stringify({ letter }),
        attributes: { reason: attributeText(reason), receiver: attributeText(receiver) },
      };
    }),
  );
  log('error', 'alerts given up', { receiver, alerts: refs.length, deliveryId: parcel.id, reason });
  await inParallel(refs, 16, async (ref) => {
    const alert = alertOf(parcel, ref);
    const key = { pk: `told#${ref.for ?? receiver}#${ref.group}`, sk: ref.fingerprint };
    await table.put(
      {
        ...key,
        rank: ref.rank,
        at: clock(),
        chunk: parcel.id,
        dead: true,
        ttl: Math.floor(clock() / 1000) + 14 * 86_400,
      },
      { equals: { chunk: ref.owner, rank: ref.rank } },
    );
    await note(delivering, alert, 'dead-letter', receiver, { receiver, groupKey: ref.groupKey, reason });
  });
};

/** A dead letter in a body; undefined when the body is something else. Never throws. */
export const readLetter = (value: unknown): Letter | undefined => {
  const { letter } = (value ?? {}) as { letter?: Partial<Letter> };
  if (typeof letter?.receiver !== 'string' || !Array.isArray(letter.entries)) return undefined;
  const isEntry = (entry: Partial<Letter['entries'][number]> | null) =>
    typeof entry?.group === 'string' && typeof entry.rank === 'number' && typeof entry.alert?.fingerprint === 'string';
  return letter.entries.every(isEntry) ? (letter as Letter) : undefined;
};

/** Puts the alerts of a dead letter into their receiver's outbox once more. Attempts start anew; what was told since is not told again. */
export const revive = async (letter: Letter, delivering: Delivering): Promise<void> => {
  const { receiver } = letter;
  for (const { alert, ...ref } of letter.entries) {
    const [pk, sk] = outKey(receiver, ref.group, alert, ref.for);
    const { rank, group, groupKey, groupLabels, since } = ref;
    const entry: Waiting = {
      pk,
      sk,
      alert,
      rank,
      group,
      groupKey,
      groupLabels,
      since,
      replayed: true,
      ...(ref.for === undefined ? {} : { for: ref.for }),
    };
    const isNew = await delivering.table.put(entry, { below: { rank } });
    if (isNew) await note(delivering, alert, 'replayed', receiver, { receiver, groupKey });
  }
  await wake({ kind: 'drain', id: receiver }, (_, now) => now, delivering);
};
