/**
 * Minutes in which everybody's schedules fire at once and a platform is overloaded: Feishu asks bots to keep off the full and the
 * half hour (error 11232). Answers when what can wait is to be sent, spread over the quarter of a minute after; undefined: now.
 */
export const quietUntil = (channel: string, now: number, random: () => number): number | undefined => {
  if (channel !== 'feishu') return undefined;
  const minuteMs = 60_000;
  const minute = Math.floor(now / minuteMs);
  return minute % 30 === 0 ? (minute + 1) * minuteMs + random() * 15_000 : undefined;
};
