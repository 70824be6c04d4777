import type { Chunk } from './channel.ts';

/**
 * What to send instead of a chunk that was found too large: its halves, or, of a single alert, its brief form. Empty when
 * nothing smaller can be said.
 */
export const split = (chunk: Chunk): readonly Chunk[] => {
  const { notification, brief } = chunk;
  const { alerts } = notification;
  if (alerts.length <= 1) return brief === true || chunk.kind !== 'message' ? [] : [{ ...chunk, brief: true }];
  const middle = Math.ceil(alerts.length / 2);
  return [alerts.slice(0, middle), alerts.slice(middle)].map((half) => ({
    ...chunk,
    notification: { ...notification, alerts: half },
  }));
};
