import type { TimeIntervalConfig } from '../model/config/routing.ts';
import { contains } from '../model/time-interval.ts';

type Times = Readonly<Record<string, readonly TimeIntervalConfig[]>>;

/** Whether a route rests now: inside one of its mute times, or outside of all its active ones. Answers the name of the reason. */
export const restsBy = (
  { muteTimes, activeTimes }: { readonly muteTimes: readonly string[]; readonly activeTimes: readonly string[] },
  times: Times,
  now: number,
): string | undefined => {
  const isIn = (name: string) => (times[name] ?? []).some((interval) => contains(interval, now));
  const muted = muteTimes.find(isIn);
  if (muted !== undefined) return `mute time ${muted}`;
  return activeTimes.length > 0 && !activeTimes.some(isIn) ? `outside of ${activeTimes.join(', ')}` : undefined;
};
