import type { Alert } from '../model/alert.ts';
import type { AlertsConfig, ReceiverConfig } from '../model/config/alerts.ts';
import type { Clock, Crypto, Http, Item, Log, Queue, Random, Secrets, Table } from '../model/ports.ts';
import { channels } from './channels/index.ts';
import { ledger } from './ledger.ts';
import { sendChunk } from './send.ts';
import type { Verdict } from './verdict.ts';

export interface Delivering {
  readonly config: AlertsConfig;
  readonly table: Table;
  /** The alerts queue itself: what must wait goes back there with a delay. */
  readonly again: Queue;
  readonly deadLetters: Queue;
  readonly http: Http;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly crypto: Crypto;
}

/** An alert on its way to one receiver; what is re-enqueued. */
export interface Delivery {
  readonly receiver: string;
  readonly alert: Alert;
  /** Attempts made so far. Counted here and not by the queue: waiting for a robot's rate must not look like failing. */
  readonly attempt: number;
  /** Sent again by a person after it had ended in the dead letters. */
  readonly replayed?: true;
}

const maxAttempts = 30;
const capSeconds = 600;
const baseSeconds = 2;
/** An attempt that has not been heard of for so long is given up: its function was killed. */
const leaseMs = 30_000;
const stateSeconds = 7 * 86_400;

/** Receivers of an alert: the first route whose labels all match, else the default ones. */
export const receiversOf = ({ labels }: Alert, { routes = [], default: fallback }: AlertsConfig): readonly string[] =>
  routes.find(({ match }) => Object.entries(match).every(([name, value]) => labels[name] === value))?.receivers ??
  fallback;

/** Delivers one alert to all its receivers. Rejects only when the state table or the queue cannot be reached: then it comes again. */
export const deliver = async (alert: Alert, delivering: Delivering): Promise<void> => {
  await ledger(delivering).note(alert, 'received', {});
  for (const receiver of receiversOf(alert, delivering.config))
    await attempt({ receiver, alert, attempt: 0 }, delivering);
};

/** One attempt, or the reason why it is not made now. */
export const attempt = async (delivery: Delivery, delivering: Delivering): Promise<void> => {
  const { config, table, clock, log } = delivering;
  const { receiver, alert } = delivery;
  const configured = config.receivers[receiver];
  if (configured === undefined) return giveUp(delivery, `no receiver is named ${receiver}`, delivering);
  const id = deliveryId(delivery);
  const key = { pk: `delivery#${id}`, sk: 'state' };
  const claimed = await claim(key, delivery.replayed === true, delivering);
  if (claimed !== 'claimed') {
    // Sent: a redelivered message; nothing more is to be done. Leased: another process is at it, or died at it; look again later.
    if (claimed === 'leased') await later(delivery, leaseMs / 1000, delivering);
    return;
  }
  if (await isOvertaken(delivery, delivering)) {
    await ledger(delivering).note(alert, 'overtaken', { receiver });
    await table.put({ ...key, status: 'sent', ttl: expiry(clock) });
    return;
  }
  const waitSeconds = await takeToken(receiver, configured, delivering);
  if (waitSeconds > 0) {
    await later(delivery, waitSeconds, delivering);
    await table.delete(key.pk, key.sk);
    return;
  }
  const verdict = await send(configured, delivery, id, delivering);
  await ledger(delivering).note(alert, 'attempt', {
    receiver,
    attempt: delivery.attempt + 1,
    verdict: verdict.kind,
    deliveryId: id,
    ...('reason' in verdict ? { reason: verdict.reason } : {}),
  });
  if (verdict.kind === 'ok') {
    await table.put({ ...key, status: 'sent', ttl: expiry(clock) });
    await markSent(delivery, delivering);
    log('info', 'alert delivered', {
      receiver,
      alertname: alert.labels['alertname'],
      fingerprint: alert.fingerprint,
      status: alert.status,
      attempt: delivery.attempt + 1,
    });
    return;
  }
  const tried = { ...delivery, attempt: delivery.attempt + 1 };
  const isOver = verdict.kind !== 'retry' || tried.attempt >= maxAttempts;
  log('warn', 'alert not delivered', {
    receiver,
    fingerprint: alert.fingerprint,
    attempt: tried.attempt,
    reason: verdict.reason,
    giveUp: isOver,
  });
  // The way on is secured before the claim is released: a crash in between tries again and never forgets.
  if (isOver) await giveUp(tried, verdict.reason, delivering);
  else await later(tried, backoffSeconds(delivery.attempt, verdict, delivering.random), delivering);
  await (isOver ? table.put({ ...key, status: 'dead', ttl: expiry(clock) }) : table.delete(key.pk, key.sk));
};

/** Full jitter, never below what the destination asked for. */
export const backoffSeconds = (attempts: number, verdict: Verdict & { kind: 'retry' }, random: Random): number =>
  Math.max(verdict.minDelaySeconds ?? 0, random() * Math.min(capSeconds, baseSeconds * 2 ** attempts));

/** The same for every attempt and every redelivery of one state of one alert at one receiver. */
export const deliveryId = ({ receiver, alert }: Delivery): string => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(`${receiver}|${alert.fingerprint}|${alert.startsAt}|${alert.status}`)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, '0');
};

const claim = async (
  key: { pk: string; sk: string },
  replayed: boolean,
  { table, clock }: Delivering,
): Promise<'claimed' | 'leased' | 'sent'> => {
  const item: Item = { ...key, status: 'inflight', leaseUntil: clock() + leaseMs, ttl: expiry(clock) };
  if (await table.put(item, { absent: true })) return 'claimed';
  const former = await table.get(key.pk, key.sk);
  if (former?.['status'] === 'dead' && replayed && (await table.put(item, { equals: { status: 'dead' } })))
    return 'claimed';
  if (former?.['status'] === 'sent' || former?.['status'] === 'dead') return 'sent';
  const taken = await table.put(item, { equals: { status: 'inflight' }, below: { leaseUntil: clock() } });
  return taken ? 'claimed' : 'leased';
};

/** A firing is not shown any more once a later state of the same alert was. */
const isOvertaken = async ({ receiver, alert }: Delivery, { table }: Delivering): Promise<boolean> => {
  const last = await table.get(`sent#${receiver}#${alert.fingerprint}`, 'last');
  if (last === undefined) return false;
  return rank(alert) < Number(last['rank']);
};

const markSent = async ({ receiver, alert }: Delivery, { table, clock }: Delivering): Promise<void> => {
  await table.put(
    { pk: `sent#${receiver}#${alert.fingerprint}`, sk: 'last', rank: rank(alert), ttl: expiry(clock) },
    { below: { rank: rank(alert) } },
  );
};

/** Later episodes rank above earlier ones, and of one episode resolved above firing. */
const rank = ({ startsAt, status }: Alert): number => Date.parse(startsAt) * 2 + (status === 'resolved' ? 1 : 0);

/** Takes one message of a receiver's rate, or answers how many seconds to wait. The bucket is one item, written on condition. */
const takeToken = async (
  receiver: string,
  { channel }: ReceiverConfig,
  { table, clock }: Delivering,
): Promise<number> => {
  const rate = channels[channel].rate;
  if (rate === undefined) return 0;
  const pk = `rate#${receiver}`;
  for (let tries = 0; tries < 5; tries += 1) {
    const now = clock();
    const item = await table.get(pk, 'sent');
    // The times of the messages of the last minute: a rolling window, as robots count.
    const times = ((item?.['times'] ?? []) as number[]).filter((at) => at > now - rate.seconds * 1000);
    const oldest = times[0];
    if (times.length >= rate.messages && oldest !== undefined) return (oldest + rate.seconds * 1000 - now) / 1000 + 0.1;
    const version = Number(item?.['version'] ?? 0);
    const next: Item = {
      pk,
      sk: 'sent',
      version: version + 1,
      times: [...times, now],
      ttl: Math.floor(now / 1000) + 3600,
    };
    if (await table.put(next, item === undefined ? { absent: true } : { equals: { version } })) return 0;
  }
  return 1;
};

/** One alert as a notification of its own; the first chunk that does not succeed decides. */
const send = async (
  configured: ReceiverConfig,
  { receiver, alert }: Delivery,
  id: string,
  delivering: Delivering,
): Promise<Verdict> => {
  const { traceUrl } = delivering.config;
  const saying = traceUrl === undefined ? {} : { traceUrl };
  const notification = { receiver, groupKey: alert.fingerprint, groupLabels: {}, alerts: [alert] };
  let verdict: Verdict = { kind: 'permanent', reason: 'there was nothing to send' };
  for (const chunk of channels[configured.channel].plan(notification, configured, saying)) {
    verdict = await sendChunk(chunk, configured, { ...saying, deliveryId: id }, delivering);
    if (verdict.kind !== 'ok') break;
  }
  return verdict;
};

/** Longer waits than a queue can delay go round again. */
const later = async (delivery: Delivery, seconds: number, { again }: Delivering): Promise<void> => {
  await again.send([
    { body: JSON.stringify({ delivery }), delaySeconds: Math.min(900, Math.max(0, Math.ceil(seconds))) },
  ]);
};

/** The fallback receiver, else the dead letters, with the reason. */
const giveUp = async (delivery: Delivery, reason: string, delivering: Delivering): Promise<void> => {
  const { config, deadLetters, again } = delivering;
  const fallback = config.receivers[delivery.receiver]?.fallback;
  if (fallback !== undefined) {
    await again.send([{ body: JSON.stringify({ delivery: { ...delivery, receiver: fallback, attempt: 0 } }) }]);
    await ledger(delivering).note(delivery.alert, 'fallback', { receiver: fallback, reason });
    return;
  }
  await deadLetters.send([
    {
      body: JSON.stringify({ delivery, reason }),
      attributes: { reason: reason.slice(0, 200) || 'unknown', receiver: delivery.receiver || 'unknown' },
    },
  ]);
  await ledger(delivering).note(delivery.alert, 'dead-letter', { receiver: delivery.receiver, reason });
};

const expiry = (clock: Clock): number => Math.floor(clock() / 1000) + stateSeconds;

/** A re-enqueued delivery in a body; undefined when the body is something else. */
export const readDelivery = (body: string): Delivery | undefined => {
  try {
    const { delivery } = JSON.parse(body) as { delivery?: Partial<Delivery> };
    if (
      typeof delivery?.receiver !== 'string' ||
      typeof delivery.attempt !== 'number' ||
      typeof delivery.alert?.fingerprint !== 'string'
    )
      return undefined;
    const { receiver, attempt, alert, replayed } = delivery as Delivery;
    return { receiver, attempt, alert, ...(replayed === true ? { replayed } : {}) };
  } catch {
    return undefined;
  }
};
