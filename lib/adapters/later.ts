/**
 * Calls back after so many milliseconds, unless what it answers is called before. The timer keeps no process alive, unless it is to
 * `hold` it until then.
 */
export const later = (ms: number, call: () => void, hold?: 'hold'): (() => void) => {
  const timer = setTimeout(call, Math.max(0, ms));
  if (hold === undefined) timer.unref();
  return () => clearTimeout(timer);
};
