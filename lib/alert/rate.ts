import type { Rate } from './channel.ts';

/**
 * The messages of one robot's rolling window, as the robot counts them. Whoever is about to send holds places first; a place that is
 * held counts as used until it is settled with the times at which messages were done, and for good when its holder has died.
 */
export interface Window {
  /** When messages were sent, the oldest first; milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly holds: Readonly<Record<string, { readonly count: number; readonly until: number }>>;
}

export const emptyWindow: Window = { times: [], holds: {} };

/** Robots count when a request arrives; ours is the time when it was done. The margin covers what clocks and networks differ by. */
const marginMs = 500;

/** Places kept for critical alerts and resolved ones, of a window of so many. */
export const keptOf = ({ messages }: Rate): number => Math.min(2, Math.floor(messages / 5));

/** Messages that may be sent now, and when the next place is free after that. */
export const freePlaces = (
  window: Window,
  rate: Rate,
  now: number,
): { readonly priority: number; readonly other: number; readonly priorityFrom: number; readonly otherFrom: number } => {
  const { used, ends } = usedOf(window, rate, now);
  const places = (most: number) => Math.max(0, most - used);
  const from = (most: number) => (used < most ? now : (ends[used - most] ?? now));
  const second = perSecond(window, rate, now);
  const [priority, other] = [rate.messages, rate.messages - keptOf(rate)];
  return {
    priority: Math.min(places(priority), second.places),
    other: Math.min(places(other), second.places),
    priorityFrom: Math.max(from(priority), second.from),
    otherFrom: Math.max(from(other), second.from),
  };
};

export const hold = (window: Window, id: string, count: number, until: number): Window => ({
  ...window,
  holds: { ...window.holds, [id]: { count, until } },
});

/** The hold ends; what was sent under it takes its places. */
export const settle = (window: Window, id: string, sent: readonly number[], rate: Rate, now: number): Window => {
  const { [id]: _, ...others } = window.holds;
  const since = now - rate.seconds * 1000 - marginMs;
  const expired = Object.entries(others).filter(([, { until }]) => until <= now);
  const times = [
    ...window.times,
    ...sent,
    ...expired.flatMap(([, { count, until }]) => Array.from({ length: count }, () => until)),
  ];
  return {
    times: times.filter((at) => at > since).sort((a, b) => a - b),
    holds: Object.fromEntries(Object.entries(others).filter(([, { until }]) => until > now)),
  };
};

/** Places in use, and when each becomes free, the soonest first. */
const usedOf = ({ times, holds }: Window, { seconds }: Rate, now: number) => {
  const length = seconds * 1000 + marginMs;
  const ends = [
    ...times.map((at) => at + length),
    ...Object.values(holds).flatMap(({ count, until }) => Array.from({ length: count }, () => until + length)),
  ]
    .filter((end) => end > now)
    .sort((a, b) => a - b);
  return { used: ends.length, ends };
};

const perSecond = ({ times, holds }: Window, rate: Rate, now: number): { places: number; from: number } => {
  if (rate.perSecond === undefined) return { places: Number.POSITIVE_INFINITY, from: now };
  const held = Object.values(holds).reduce((sum, { count, until }) => (until > now ? sum + count : sum), 0);
  const used = times.filter((at) => at > now - 1000).length + held;
  const places = Math.max(0, rate.perSecond - used);
  return { places, from: places > 0 ? now : now + 1000 };
};
