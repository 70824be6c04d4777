import type { Notification } from './channel.ts';
import type { Ref } from './parcel.ts';

/** What is told so much later than it was to be is marked. */
const lateMs = 300_000;

export const isLate = (since: number, now: number): boolean => now - since >= lateMs;

/** The notification as it is to be marked now: what was formed in time may have waited for its destination since. */
export const markedLate = (notification: Notification, refs: readonly Ref[], now: number): Notification => {
  const { lateMinutes: _, lateOf: __, ...rest } = notification;
  const late = refs.filter(({ since }) => isLate(since, now));
  if (late.length === 0) return rest;
  const lateOf = new Set(late.map(({ fingerprint }) => fingerprint));
  return {
    ...rest,
    lateMinutes: Math.floor((now - Math.min(...late.map(({ since }) => since))) / 60_000),
    ...(lateOf.size < notification.alerts.length ? { lateOf: [...lateOf] } : {}),
  };
};
