/** Does something for each item, so many at a time; rejects with the first rejection once the others have come to rest. */
export const inParallel = async <Item>(
  items: readonly Item[],
  most: number,
  run: (item: Item) => Promise<unknown>,
): Promise<void> => {
  const waiting = items.values();
  const failures: unknown[] = [];
  const work = async () => {
    for (const item of waiting) {
      if (failures.length > 0) return;
      await run(item).catch((thrown) => void failures.push(thrown));
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  if (failures.length > 0) throw failures[0];
};
