import { channels } from '#tidemark.channels';
import { type Alert, alert as anAlert } from '../model/alert.ts';
import type { ReceiverConfig } from '../model/config/alerts.ts';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { Channel, Chunk, Notification, Saying } from './channel.ts';
import type { Delivering } from './delivering.ts';
import {
  type Allowance,
  afterEvent,
  allowanceOf,
  type DestinationState,
  destination,
  destinationId,
  type Event,
} from './destination.ts';
import { divert, fallbackOf, giveUp } from './give-up.ts';
import { newId } from './identity.ts';
import { isLate, markedLate } from './late.ts';
import { isPriority, type Waiting } from './outbox.ts';
import { inParallel } from './parallel.ts';
import { alertOf, claim, keeping, noteAttempt, type Parcel, type Ref, refOf, tidy } from './parcel.ts';
import { quietUntil } from './quiet.ts';
import { giveBack, leaseMs, type TurnItem, type TurnMessage, take } from './turn.ts';
import type { Verdict } from './verdict.ts';

/** No attempt begins later than this after the lane was taken: it ends, and the state is written, before the lease does. */
const workMs = 12_000;
/** Alerts looked at in one go, and alerts that a message may hold at the very most. */
const pageEntries = 1000;
const alertsAMessage = 100;
/** Requests under way at a time, where no rate is known. */
const width = 8;
const maxAttempts = 30;
const maxAgeMs = 24 * 3_600_000;
const baseMs = 2_000;
const capMs = 600_000;
/** Pictures and pages that fail so often are left out. */
const maxExtraAttempts = 3;
/** A receiver that is shut for longer is not waited for where there is a fallback. */
const patienceMs = 10_000;
/** What an item of the table can hold beside its references. */
const notificationBytes = 150_000;

/** Works off what waits for one receiver, worst first, as fast as its destination allows. */
export const drain = async (message: TurnMessage, delivering: Delivering): Promise<void> => {
  const { id: receiver } = message;
  const turn = { kind: 'drain', id: receiver } as const;
  const held = await take(turn, message, delivering);
  if (held === undefined) return;
  const { due: next, fields } = await work(receiver, held, delivering);
  await giveBack(turn, held, next, delivering, fields);
};

/** When to go on; no `due`: nothing is left. The fields tell those who bring more how soon it can be sent. */
interface Next {
  readonly due?: number;
  readonly fields: { readonly priorityFrom: number; readonly otherFrom: number };
}

const nothingLeft: Next = { fields: { priorityFrom: 0, otherFrom: 0 } };

const work = async (receiver: string, held: TurnItem, delivering: Delivering): Promise<Next> => {
  const { config, table, clock } = delivering;
  const pk = `lane#${receiver}`;
  const [parcels, waiting] = (await Promise.all([
    table.query(pk, { skPrefix: 'chunk#' }),
    table.query(pk, { skPrefix: 'out#', limit: pageEntries }),
  ])) as [readonly Parcel[], readonly Waiting[]];
  if (parcels.length + waiting.length === 0) return nothingLeft;
  const configured = config.receivers[receiver];
  const channel = configured && (channels[configured.channel] as Channel | undefined);
  if (configured === undefined || channel === undefined) {
    const reason =
      configured === undefined
        ? `no receiver is named ${receiver}`
        : `this function was built without the channel '${configured.channel}' of ${receiver}`;
    await abandon(receiver, parcels, waiting, reason, delivering);
    return waiting.length === pageEntries ? { ...nothingLeft, due: clock() } : nothingLeft;
  }
  const shared = destination(destinationId(configured), channel.rate, delivering);
  const state = await shared.read();
  const until = clock() + workMs;
  const lane: Lane = {
    receiver,
    configured,
    channel,
    held,
    delivering,
    shared,
    state,
    until,
    sent: [],
    events: [],
    stopped: false,
    holding: false,
  };
  for (const parcel of parcels.filter(({ state: at }) => at === 'sent')) await tidy(receiver, parcel, delivering);
  return workOff(
    lane,
    parcels.filter(({ state: at }) => at !== 'sent'),
    waiting,
  );
};

interface Lane {
  readonly receiver: string;
  readonly configured: ReceiverConfig;
  readonly channel: Channel;
  readonly held: TurnItem;
  readonly delivering: Delivering;
  readonly shared: ReturnType<typeof destination>;
  /** As far as this process knows. */
  state: DestinationState;
  readonly until: number;
  sent: number[];
  events: Event[];
  /** The destination has asked for a rest. */
  stopped: boolean;
  /** Places of the rate are held. */
  holding: boolean;
}

/** One request to make: a parcel that is on its way already, or a chunk that becomes one. */
interface Job {
  readonly isPriority: boolean;
  readonly parcel?: Parcel;
  readonly chunk?: Chunk;
  readonly refs?: readonly Ref[];
  /** Why it cannot be written: it is given up at once. */
  readonly broken?: string;
}

const workOff = async (lane: Lane, found: readonly Parcel[], all: readonly Waiting[]): Promise<Next> => {
  const { receiver, delivering, channel, shared, state } = lane;
  const now = delivering.clock();
  const { shutUntil } = allowanceOf(state, channel.rate, now);
  if (shutUntil !== undefined && shutUntil > now + patienceMs && hasFallback(lane, found, all)) {
    const left = await divert(
      receiver,
      found,
      all,
      `${receiver} takes nothing before ${new Date(shutUntil).toISOString()}`,
      delivering,
    );
    if (all.length === pageEntries && left.waiting.length < all.length) return { ...nothingLeft, due: now };
    return left.parcels.length + left.waiting.length === 0 ? nothingLeft : { ...nothingLeft, due: shutUntil };
  }
  const parcels = await withoutSuperseded(lane, found, all);
  const carried = new Set(parcels.flatMap(({ refs }) => refs.map(keyOf)));
  const free = all.filter((entry) => !carried.has(keyOfWaiting(entry)));
  const ready = parcels.filter(({ notBefore }) => notBefore <= now);
  const quiet = quietUntil(channel.name, now, delivering.random);
  const jobs = [
    ...ready.map((parcel): Job => ({ parcel, isPriority: parcel.chunk.notification.alerts.some(isPriority) })),
    ...(shutUntil === undefined ? newJobs(lane, free, allowanceOf(state, channel.rate, now), now) : []),
  ].sort((a, b) => Number(b.isPriority) - Number(a.isPriority));
  const holdId = `${receiver}-${lane.held.epoch}`;
  const open = quiet === undefined ? jobs : jobs.filter((job) => job.isPriority);
  const allowance = open.length === 0 ? undefined : await shared.reserve(holdId, open.length, now + leaseMs);
  lane.holding = allowance !== undefined && channel.rate !== undefined;
  const chosen = chooseJobs(open, allowance);
  const untouched = new Set<Job>(jobs);
  try {
    await inParallel(chosen, channel.rate === undefined ? width : 1, async (job) => {
      if (lane.stopped || delivering.clock() >= lane.until) return;
      // Another receiver may lead to the same robot and have been told to wait.
      if (channel.rate !== undefined && (await shared.read()).pausedUntil > delivering.clock()) return;
      untouched.delete(job);
      await run(lane, job, holdId);
    });
  } finally {
    await settle(lane, holdId);
  }
  const inJobs = new Set(jobs.flatMap(({ refs = [] }) => refs.map(keyOf)));
  // What was not even planned: it lies beyond what can be sent now, or behind a parcel that carries an older state.
  const rest = all.filter((entry) => !inJobs.has(keyOfWaiting(entry)));
  return nextTurn(lane, untouched, rest, all.length === pageEntries, quiet);
};

const keyOfWaiting = ({ group, alert }: Waiting): string => `${group}#${alert.fingerprint}`;

const keyOf = ({ group, fingerprint }: Pick<Ref, 'group' | 'fingerprint'>): string => `${group}#${fingerprint}`;

const hasFallback = (
  { receiver, delivering }: Lane,
  parcels: readonly Parcel[],
  waiting: readonly Waiting[],
  jobs: Iterable<Job> = [],
): boolean =>
  [...parcels.flatMap(({ refs }) => refs), ...waiting, ...[...jobs].flatMap(({ refs = [] }) => refs)].some(
    ({ tried }) => fallbackOf(receiver, tried, delivering) !== undefined,
  );

/**
 * A destination that cannot tell repeated messages apart is not told what is no longer so: where every attempt at a parcel was
 * refused for certain and a later state of an alert waits, the later state alone is told. A parcel that may have arrived stays as it is.
 */
const withoutSuperseded = async (
  lane: Lane,
  parcels: readonly Parcel[],
  waiting: readonly Waiting[],
): Promise<Parcel[]> => {
  const { channel, delivering } = lane;
  if (channel.idempotent) return [...parcels];
  const later = new Map(waiting.map((entry) => [keyOfWaiting(entry), entry.rank]));
  const kept: Parcel[] = [];
  for (const parcel of parcels) {
    if (parcel.isUnknown === true || parcel.state !== 'ready' || parcel.attempts === 0) {
      kept.push(parcel);
      continue;
    }
    const refs = parcel.refs.filter((ref) => (later.get(keyOf(ref)) ?? ref.rank) <= ref.rank);
    if (refs.length === parcel.refs.length) kept.push(parcel);
    else if (refs.length === 0) await delivering.table.delete(parcel.pk, parcel.sk);
    else {
      const less = keeping(parcel, refs);
      await delivering.table.put(less);
      kept.push(less);
    }
  }
  return kept;
};

/** What waits as chunks: critical first, then what has ended, then the rest. When places are short, groups share messages. */
const newJobs = (lane: Lane, waiting: readonly Waiting[], allowance: Allowance, now: number): Job[] => {
  const { receiver, channel } = lane;
  const places = Math.max(1, Math.min(allowance.priority, 1000));
  const some = waiting.slice(0, places * alertsAMessage);
  const groups = new Set(some.map(({ groupKey }) => groupKey)).size;
  const isShort = channel.rate !== undefined && !channel.idempotent && groups > Math.max(1, places / 2);
  const jobs: Job[] = [];
  for (const entries of bundles(some, isShort, now)) {
    const notification = notificationOf(receiver, entries, now);
    const refs = new Map<string, Ref[]>();
    for (const entry of entries)
      refs.set(entry.alert.fingerprint, [...(refs.get(entry.alert.fingerprint) ?? []), refOf(entry)]);
    const { chunks, broken } = planned(lane, notification);
    for (const chunk of chunks) {
      if (chunk.kind === 'picture' && isShort) continue;
      const { alerts } = chunk.notification;
      jobs.push({
        chunk,
        isPriority: alerts.some(isPriority),
        refs: chunk.kind === 'message' ? alerts.flatMap(({ fingerprint }) => refs.get(fingerprint) ?? []) : [],
        ...given({ broken }),
      });
    }
  }
  return jobs;
};

/** The chunks of a notification. When it cannot be written, as with a template that throws, one chunk that is to be given up. */
const planned = (
  { channel, configured, delivering }: Lane,
  notification: Notification,
): { readonly chunks: readonly Chunk[]; readonly broken?: string } => {
  try {
    return { chunks: channel.plan(notification, configured, sayingOf(delivering)) };
  } catch (thrown) {
    const broken = `cannot be written: ${Failure.from(thrown).message}`;
    return { chunks: [{ kind: 'message', notification, part: 1, parts: 1 }], broken };
  }
};

const sayingOf = ({ config: { traceUrl, reportUrl } }: Delivering): Saying => ({
  ...given({ traceUrl, reportUrl }),
});

/** Waiting alerts that share a notification: those of one group and kind, or of one kind alone. */
const bundles = (waiting: readonly Waiting[], isMerged: boolean, now: number): Waiting[][] => {
  const found = new Map<string, Waiting[][]>();
  const bytes = new Map<Waiting[], number>();
  const sorted = waiting
    .map((entry) => ({ entry, kind: kindOf(entry, now) }))
    .sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0));
  for (const { entry, kind } of sorted) {
    const name = isMerged ? kind : `${kind}#${entry.group}`;
    const list = found.get(name) ?? [];
    found.set(name, list);
    const size = Buffer.byteLength(JSON.stringify(entry.alert));
    const last = list.at(-1);
    // Of one alert in two groups that are told together, its state is told once: the same, since it is one alert.
    if (last === undefined || (bytes.get(last) ?? 0) + size > notificationBytes || isOtherState(last, entry)) {
      const fresh = [entry];
      list.push(fresh);
      bytes.set(fresh, size);
    } else {
      last.push(entry);
      bytes.set(last, (bytes.get(last) ?? 0) + size);
    }
  }
  return [...found.values()].flat();
};

const isOtherState = (entries: readonly Waiting[], { alert, rank }: Waiting): boolean =>
  entries.some((other) => other.alert.fingerprint === alert.fingerprint && other.rank !== rank);

const kindOf = ({ alert, since }: Waiting, now: number): string => {
  const class_ = alert.labels['severity'] === 'critical' ? 0 : alert.status === 'resolved' ? 1 : 2;
  return `${class_}${isLate(since, now) ? 'late' : ''}`;
};

const notificationOf = (receiver: string, entries: readonly Waiting[], now: number): Notification => {
  const [first] = entries as [Waiting];
  const isOneGroup = entries.every(({ group }) => group === first.group);
  const alerts = new Map(entries.map(({ alert }) => [alert.fingerprint, alert]));
  const notification: Notification = {
    receiver,
    groupKey: isOneGroup ? first.groupKey : `{}:{receiver=${JSON.stringify(receiver)}}`,
    groupLabels: isOneGroup
      ? first.groupLabels
      : Object.fromEntries(
          Object.entries(first.groupLabels).filter(([name, value]) =>
            entries.every(({ groupLabels }) => groupLabels[name] === value),
          ),
        ),
    alerts: [...alerts.values()],
  };
  return markedLate(notification, entries.map(refOf), now);
};

const chooseJobs = (jobs: readonly Job[], allowance: Allowance | undefined): Job[] => {
  if (allowance === undefined) return [];
  let used = 0;
  return jobs.filter((job) => {
    const most = job.isPriority ? allowance.priority : allowance.other;
    if (used >= most) return false;
    used += 1;
    return true;
  });
};

const run = async (lane: Lane, job: Job, holdId: string): Promise<void> => {
  const { receiver, configured, delivering } = lane;
  const { table, clock, random } = delivering;
  const parcel = await claim(receiver, job.parcel ?? (await formed(lane, job)), delivering);
  if (parcel === undefined) return;
  // It was stored and claimed while another request was told that there shall be none: it goes with the next turn.
  if (lane.stopped) return;
  if (job.broken !== undefined) return giveUp(receiver, parcel, job.broken, delivering);
  const startedAt = clock();
  const verdict = await delivering.send(chunkNow(parcel, startedAt), configured, {
    ...sayingOf(delivering),
    deliveryId: parcel.id,
  });
  const at = clock();
  if (!('ours' in verdict && verdict.ours === true)) lane.sent.push(at);
  learn(lane, verdict, startedAt, at);
  // What the destination has said about itself is kept before anything else, so that nobody asks it too early.
  if (lane.stopped) await settle(lane, holdId);
  if (verdict.kind === 'ok') {
    if (parcel.chunk.kind !== 'message') return void (await table.delete(parcel.pk, parcel.sk));
    const sent: Parcel = { ...parcel, state: 'sent' };
    await table.put(sent);
    sayDelivered(lane, sent, at);
    return tidy(receiver, sent, delivering);
  }
  delivering.log('warn', 'alerts not delivered', {
    receiver,
    deliveryId: parcel.id,
    alerts: parcel.refs.length,
    attempt: parcel.attempts + 1,
    verdict: verdict.kind,
    reason: verdict.reason,
  });
  await noteAttempt(receiver, parcel, { verdict: verdict.kind, reason: verdict.reason }, delivering);
  if (parcel.chunk.kind !== 'message' && (verdict.kind !== 'retry' || parcel.attempts + 1 >= maxExtraAttempts))
    return void (await table.delete(parcel.pk, parcel.sk));
  if (verdict.kind === 'permanent') return giveUp(receiver, parcel, verdict.reason, delivering);
  if (verdict.kind === 'split') return split(lane, parcel, verdict.reason);
  const attempts = parcel.attempts + (verdict.throttled === true ? 0 : 1);
  if (attempts >= maxAttempts || at - parcel.firstAt > maxAgeMs)
    return giveUp(receiver, parcel, `${verdict.reason}, after ${attempts} attempts`, delivering);
  const delayMs = Math.max((verdict.minDelaySeconds ?? 0) * 1000, random() * Math.min(capMs, baseMs * 2 ** attempts));
  const waiting: Parcel = {
    ...parcel,
    attempts,
    notBefore: at + delayMs,
    ...(verdict.unknown === true ? { isUnknown: true } : {}),
  };
  await table.put(waiting);
};

/** A page or a picture carries no alerts of its own, and is marked as it was planned. */
const chunkNow = ({ chunk, refs }: Parcel, now: number): Chunk =>
  chunk.kind === 'message' ? { ...chunk, notification: markedLate(chunk.notification, refs, now) } : chunk;

const formed = async (lane: Lane, { chunk, refs = [] }: Job): Promise<Parcel> => {
  const { receiver, delivering } = lane;
  const id = newId(delivering.random);
  const parcel: Parcel = {
    pk: `lane#${receiver}`,
    sk: `chunk#${id}`,
    id,
    chunk: chunk as Chunk,
    refs,
    state: 'forming',
    attempts: 0,
    firstAt: delivering.clock(),
    notBefore: 0,
  };
  await delivering.table.put(parcel);
  return parcel;
};

const learn = (lane: Lane, verdict: Verdict, startedAt: number, at: number): void => {
  const event = eventOf(verdict, startedAt, at);
  if (event === undefined) return;
  lane.events.push(event);
  lane.state = afterEvent(lane.state, event, lane.channel.rate);
  if (event.kind !== 'ok' && allowanceOf(lane.state, undefined, at).shutUntil !== undefined) lane.stopped = true;
};

const eventOf = (verdict: Verdict, startedAt: number, at: number): Event | undefined => {
  if (verdict.kind === 'permanent' && verdict.disable === true) return { kind: 'gone', at };
  // It answered, and knows what it does.
  if (verdict.kind !== 'retry') return { kind: 'ok' };
  if (verdict.throttled === true || verdict.minDelaySeconds !== undefined)
    return { kind: 'throttled', minDelaySeconds: verdict.minDelaySeconds ?? 0, at };
  return verdict.ours === true ? undefined : { kind: 'failed', startedAt, at };
};

/** Writes what was sent and learnt, and raises an alert when the breaker has changed. */
const settle = async (lane: Lane, holdId: string): Promise<void> => {
  const { sent, events, shared, holding } = lane;
  if (!holding && sent.length + events.length === 0) return;
  lane.holding = false;
  lane.sent = [];
  lane.events = [];
  const [before, after] = await shared.settle(holdId, sent, events);
  lane.state = after;
  const [was, is] = [before.breaker.openedAt, after.breaker.openedAt];
  if ((was === 0) !== (is === 0)) await raiseBreaker(lane, is === 0 ? 'resolved' : 'firing', is === 0 ? was : is);
};

const raiseBreaker = async (lane: Lane, status: Alert['status'], openedAt: number): Promise<void> => {
  const { receiver, configured, delivering } = lane;
  delivering.log('warn', status === 'firing' ? 'breaker opened' : 'breaker closed', { receiver });
  const raised = anAlert({
    status,
    labels: { alertname: 'DestinationUnavailable', severity: 'warning', receiver, channel: configured.channel },
    annotations: {
      summary: `${receiver} does not take alerts; they ${configured.fallback === undefined ? 'wait' : `go to ${configured.fallback}`}`,
    },
    startsAt: new Date(openedAt).toISOString(),
    ...(status === 'resolved' ? { endsAt: new Date(delivering.clock()).toISOString() } : {}),
  });
  await delivering.again.send([{ body: JSON.stringify(raised) }]);
};

/** Halves a parcel that is too large; the second half gets an id that derives from the first, so that halving again is the same. */
const split = async (lane: Lane, parcel: Parcel, reason: string): Promise<void> => {
  const { receiver, delivering } = lane;
  const { table } = delivering;
  const { chunk, refs } = parcel;
  const { notification } = chunk;
  if (notification.alerts.length === 1) {
    if (chunk.brief === true) return giveUp(receiver, parcel, reason, delivering);
    await table.put({ ...parcel, chunk: { ...chunk, brief: true } });
    return;
  }
  const half = Math.ceil(notification.alerts.length / 2);
  const chunks = [notification.alerts.slice(0, half), notification.alerts.slice(half)].flatMap((alerts) =>
    planned(lane, { ...notification, alerts }).chunks.filter(({ kind }) => kind === 'message'),
  );
  const parts = chunks.map((part, at): Parcel => {
    const id = at === 0 ? parcel.id : `${parcel.id}-${at}`;
    const alerts = new Set(part.notification.alerts.map(({ fingerprint }) => fingerprint));
    return {
      ...parcel,
      id,
      sk: `chunk#${id}`,
      chunk: part,
      refs: refs.filter(({ fingerprint }) => alerts.has(fingerprint)),
    };
  });
  // The first half takes the whole one's place, last: until then the whole is there.
  for (const part of parts.reverse()) await table.put(part);
};

/** Everything that waits for a receiver that is no more. */
const abandon = async (
  receiver: string,
  parcels: readonly Parcel[],
  waiting: readonly Waiting[],
  reason: string,
  delivering: Delivering,
): Promise<void> => {
  for (const parcel of parcels) await giveUp(receiver, parcel, reason, delivering);
  const now = delivering.clock();
  for (const entries of bundles(waiting, true, now)) {
    const notification = notificationOf(receiver, entries, now);
    const id = newId(delivering.random);
    const parcel: Parcel = {
      pk: `lane#${receiver}`,
      sk: `chunk#${id}`,
      id,
      chunk: { kind: 'message', notification, part: 1, parts: 1 },
      refs: entries.map(refOf),
      state: 'forming',
      attempts: 0,
      firstAt: now,
      notBefore: 0,
    };
    await delivering.table.put(parcel);
    await giveUp(receiver, parcel, reason, delivering);
  }
};

const nextTurn = async (
  lane: Lane,
  untouched: ReadonlySet<Job>,
  rest: readonly Waiting[],
  isPageFull: boolean,
  quiet: number | undefined,
): Promise<Next> => {
  const { receiver, channel, delivering, state } = lane;
  const now = delivering.clock();
  const allowance = allowanceOf(state, channel.rate, now);
  const from = (isUrgent: boolean) =>
    isUrgent ? allowance.priorityFrom : Math.max(allowance.otherFrom, quiet ?? Number.NEGATIVE_INFINITY);
  // What failed just now, what was split, and what waited before.
  const parcels = (await delivering.table.query(`lane#${receiver}`, { skPrefix: 'chunk#' })) as readonly Parcel[];
  // Shut just now: what can go elsewhere does not wait for it to open.
  if ((allowance.shutUntil ?? 0) > now + patienceMs && hasFallback(lane, parcels, rest, untouched))
    return { ...nothingLeft, due: now };
  const carried = new Set(parcels.flatMap(({ refs }) => refs.map(keyOf)));
  const times = [
    ...[...untouched].filter(({ parcel }) => parcel === undefined).map((job) => from(job.isPriority)),
    ...parcels.map(({ notBefore, chunk }) => Math.max(notBefore, from(chunk.notification.alerts.some(isPriority)))),
    ...rest.filter((entry) => !carried.has(keyOfWaiting(entry))).map(({ alert }) => from(isPriority(alert))),
    ...(isPageFull ? [from(false)] : []),
  ];
  return {
    ...(times.length === 0 ? {} : { due: Math.min(...times) }),
    fields: { priorityFrom: from(true), otherFrom: from(false) },
  };
};

/** One line a message; and for each firing in it that was not told before, how long it took to be seen. */
const sayDelivered = (lane: Lane, parcel: Parcel, at: number): void => {
  const { receiver, configured, delivering } = lane;
  const { channel } = configured;
  const seconds = parcel.refs.flatMap((ref) => {
    const { status, startsAt, trace } = alertOf(parcel, ref);
    if (ref.repeatOf !== undefined || status !== 'firing') return [];
    const each = (at - Date.parse(startsAt)) / 1000;
    delivering.onVisible?.(each, { receiver, channel }, trace);
    return [each];
  });
  delivering.log('info', 'alerts delivered', {
    receiver,
    channel,
    deliveryId: parcel.id,
    alerts: parcel.refs.length,
    attempt: parcel.attempts + 1,
    ...(seconds.length === 0 ? {} : { secondsToVisible: Math.max(...seconds) }),
  });
};
