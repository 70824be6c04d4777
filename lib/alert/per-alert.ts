import type { Chunk, Notification } from './channel.ts';
import { worstFirst } from './say.ts';

/** The plan of a tool that knows alerts one by one. */
export const onePerAlert = (notification: Notification): Chunk[] =>
  worstFirst(notification.alerts).map((alert, at, { length }) => ({
    kind: 'message',
    notification: { ...notification, alerts: [alert] },
    part: at + 1,
    parts: length,
  }));
