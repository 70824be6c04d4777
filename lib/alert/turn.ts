import type { Clock, Item, Queue, Table } from '../model/ports.ts';

/**
 * One writer at a time, and always one message under way. A turn is a group to be flushed or a receiver's lane to be worked off;
 * its item says when its next message is due, who holds it, and whether there is news since. A message is sent before the item
 * says so, and deleted only after the work is done: a crash at any point leaves a message that takes up the work.
 */
export interface Turn {
  readonly kind: 'flush' | 'drain';
  /** Of the group, or the name of the receiver. */
  readonly id: string;
}

export interface TurnItem extends Item {
  /** Counts the writers; every write names the one before it. */
  readonly epoch: number;
  /** Milliseconds since the epoch: when the message that is under way is due. */
  readonly due?: number;
  /** Somebody is at work until then, unless he died. */
  readonly leaseUntil?: number;
  /** Rounds that the message under way has made. */
  readonly hop?: number;
  /** Something came while somebody was at work: look again by then. */
  readonly news?: number;
  /** How many came since the last turn and wait for the next. */
  readonly joined?: number;
}

/** Calls for a turn. */
export interface TurnMessage {
  readonly turn: Turn['kind'];
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly due: number;
  /** Rounds that it has made through the queue. */
  readonly hop: number;
  /** Epoch of the item when it was sent; 0 where there was none. It tells a message that outran its sender's write from one that is left over. */
  readonly seen: number;
}

export interface TurnPorts {
  readonly table: Table;
  readonly again: Queue;
  readonly clock: Clock;
}

/** Longer than a destination may take to answer, and so are the steps around it. */
export const leaseMs = 30_000;
/** The clocks of two functions agree within that. */
const skewMs = 2_000;
/** A message that came before its sender had written looks again so soon. */
const unwrittenMs = 1_000;
/** A message that is so late is taken to be lost. */
const lostMs = 60_000;
const maxDelaySeconds = 900;
const idleSeconds = 7 * 86_400;

export const turnKey = ({ kind, id }: Turn) => ({ pk: `${kind === 'flush' ? 'group' : 'lane'}#${id}`, sk: 'turn' });

/**
 * Makes sure that the turn comes by the time that `wantedBy` names, if any. Call it after what is to be seen has been written. `counts`: where
 * it comes soon enough already, that one more waits for it is noted in `joined`.
 */
export const wake = async (
  turn: Turn,
  wantedBy: (item: TurnItem | undefined, now: number) => number | undefined,
  ports: TurnPorts,
  counts?: (item: TurnItem, now: number) => boolean,
): Promise<void> => {
  const { table, clock } = ports;
  const key = turnKey(turn);
  for (;;) {
    const now = clock();
    const item = (await table.get(key.pk, key.sk)) as TurnItem | undefined;
    const wanted = wantedBy(item, now);
    if (wanted === undefined) return;
    const { due, leaseUntil = 0, news } = item ?? {};
    const isNear = due !== undefined && due <= now + skewMs && due > now - lostMs;
    if (item !== undefined && (leaseUntil > now || isNear)) {
      // Whoever is at work may have looked already. He finds the note when he is done.
      if (news !== undefined && news <= wanted) return;
      if (await table.put({ ...item, news: wanted }, { equals: { epoch: item.epoch, news } })) return;
      continue;
    }
    if (item !== undefined && due !== undefined && due > now && due <= wanted) {
      if (counts?.(item, now) !== true) return;
      const { epoch, joined } = item;
      if (await table.put({ ...item, joined: (joined ?? 0) + 1 }, { equals: { epoch, news, joined } })) return;
      continue;
    }
    await sendTurn(turn, { due: wanted, hop: 0, seen: item?.epoch ?? 0 }, ports);
    const next: TurnItem = without({ ...item, ...key, epoch: (item?.epoch ?? 0) + 1, due: wanted }, 'ttl', 'hop');
    if (await table.put(next, item === undefined ? { absent: true } : { equals: { epoch: item.epoch, news } })) return;
  }
};

/** Takes the turn that a message calls for; undefined when it is not to be taken by this message. */
export const take = async (turn: Turn, call: Call, ports: TurnPorts): Promise<TurnItem | undefined> => {
  const { due, seen } = call;
  const { table, clock } = ports;
  const key = turnKey(turn);
  if (due > clock()) {
    await goRound(turn, call, ports);
    return undefined;
  }
  for (;;) {
    const now = clock();
    const item = (await table.get(key.pk, key.sk)) as TurnItem | undefined;
    const isUnwritten = item?.epoch === seen;
    // Another message is under way for later, and this one is left over.
    if (item?.due !== undefined && item.due > due && !isUnwritten) return undefined;
    if (item !== undefined && (item.leaseUntil ?? 0) > now) {
      // Not dropped: whoever holds the turn may be dead, and this may be a copy of his message, or the one that he is about to note.
      const left = (item.leaseUntil ?? 0) - now + 500;
      await sendTurn(turn, { ...call, hop: 0 }, ports, isUnwritten ? Math.min(left, unwrittenMs) : left);
      return undefined;
    }
    const held: TurnItem = without(
      { ...item, ...key, epoch: (item?.epoch ?? 0) + 1, leaseUntil: now + leaseMs },
      'ttl',
      'news',
    );
    const taken = await table.put(
      held,
      item === undefined ? { absent: true } : { equals: { epoch: item.epoch, news: item.news } },
    );
    if (taken) return held;
  }
};

/** Gives the turn back, to come again when `due`, or sooner when there was news meanwhile. */
export const giveBack = async (
  turn: Turn,
  held: TurnItem,
  due: number | undefined,
  ports: TurnPorts,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  const { table, clock } = ports;
  let known = held;
  let wanted = due;
  let sent: number | undefined;
  for (;;) {
    if (wanted !== undefined && wanted !== sent) {
      await sendTurn(turn, { due: wanted, hop: 0, seen: known.epoch }, ports);
      sent = wanted;
    }
    const next: TurnItem = {
      ...without({ ...known, ...fields }, 'due', 'hop', 'joined', 'leaseUntil', 'news', 'ttl'),
      epoch: known.epoch + 1,
      ...(wanted === undefined ? { ttl: Math.floor(clock() / 1000) + idleSeconds } : { due: wanted }),
    };
    if (await table.put(next, { equals: { epoch: known.epoch, news: known.news } })) return;
    const item = (await table.get(known.pk, known.sk)) as TurnItem | undefined;
    // The lease had run out and another has taken over: the rest is his.
    if (item === undefined || item.epoch !== known.epoch) return;
    known = item;
    wanted = Math.min(wanted ?? Number.POSITIVE_INFINITY, Math.max(item.news ?? 0, clock()));
  }
};

/**
 * A wait that is longer than a queue can delay goes round again. Only the message that the item speaks of does, and each round
 * once: copies and messages that are left over end here, or they would multiply.
 */
const goRound = async (turn: Turn, call: Call, ports: TurnPorts): Promise<void> => {
  const { due, hop, seen } = call;
  const key = turnKey(turn);
  const item = (await ports.table.get(key.pk, key.sk)) as TurnItem | undefined;
  if ((item?.epoch ?? 0) === seen) return sendTurn(turn, call, ports);
  if (item?.due !== due || (item.hop ?? 0) !== hop) return;
  await sendTurn(turn, { ...call, hop: hop + 1 }, ports);
  const { epoch, news } = item;
  await ports.table.put({ ...item, hop: hop + 1 }, { equals: { epoch, news, hop: item.hop } });
};

type Call = Pick<TurnMessage, 'due' | 'hop' | 'seen'>;

const sendTurn = async (
  { kind, id }: Turn,
  { due, hop, seen }: Call,
  { again, clock }: TurnPorts,
  delayMs = due - clock(),
): Promise<void> => {
  const delaySeconds = Math.min(maxDelaySeconds, Math.max(0, Math.ceil(delayMs / 1000)));
  const message: TurnMessage = { turn: kind, id, due, hop, seen };
  await again.send([{ body: JSON.stringify(message), delaySeconds }]);
};

/** A turn message in a body; undefined when the body is something else. Never throws. */
export const readTurn = (value: unknown): TurnMessage | undefined => {
  const { turn, id, due, hop, seen } = (value ?? {}) as Partial<TurnMessage>;
  if ((turn !== 'flush' && turn !== 'drain') || typeof id !== 'string') return undefined;
  if (typeof due !== 'number' || typeof hop !== 'number' || typeof seen !== 'number') return undefined;
  return { turn, id, due, hop, seen };
};

const without = <T extends object>(item: T, ...names: readonly string[]): T =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name))) as T;
