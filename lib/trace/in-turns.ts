/** Objects that are read or written at the same time: enough to hide the way to S3, few enough that their bodies fit in memory. */
const concurrency = 8;

/** Handles all items, some at a time; answers what came of them, in their order. */
export const inTurns = async <Item, Result>(
  items: readonly Item[],
  handle: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await handle(items[index] as Item, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
};
