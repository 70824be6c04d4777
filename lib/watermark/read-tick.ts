import { readTime } from '../model/reading.ts';
import type { Tick } from './tick.ts';

/** The tick that a message body holds, undefined when it is something else, or why it is no good one. Never throws. */
export const readTick = (body: string): Tick | { readonly refused: string } | undefined => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, 'tick')) return undefined;
  const { tick, offsetSeconds = 0 } = parsed as { tick: unknown; offsetSeconds?: unknown };
  if (typeof tick !== 'string' || readTime(tick) === undefined) {
    return { refused: 'tick is not an RFC 3339 time such as 2026-11-23T18:00:00Z' };
  }
  if (typeof offsetSeconds !== 'number' || !Number.isFinite(offsetSeconds) || offsetSeconds < 0) {
    return { refused: 'offsetSeconds is not a number from 0' };
  }
  return { tick, offsetSeconds };
};
