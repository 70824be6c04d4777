/** Does something with each item, `width` of them at a time. Rejects with the first failure. */
export const inParallel = async <T>(
  items: readonly T[],
  width: number,
  each: (item: T) => Promise<void>,
): Promise<void> => {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next] as T;
      next += 1;
      await each(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
};

/** Writes to the state table at one time: enough to hide its latency, few enough for one process' connections. */
export const writesAtOnce = 25;
