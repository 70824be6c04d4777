import type { Clock, Condition, Item, Queue, QueueMessage, Table } from '../../lib/model/ports.ts';

/** The state table in memory, with the same conditions and expiry as on DynamoDB. */
export const memoryTable = (clock: Clock): Table & { readonly items: ReadonlyMap<string, Item> } => {
  const items = new Map<string, Item>();
  const keyOf = (pk: string, sk: string) => `${pk}\u0000${sk}`;
  const alive = (item: Item | undefined): Item | undefined =>
    item === undefined || (item.ttl !== undefined && item.ttl * 1000 <= clock()) ? undefined : item;
  const holds = (stored: Item | undefined, condition: Condition | undefined): boolean => {
    if (condition === undefined) return true;
    const item = alive(stored);
    if (condition.absent === true && item !== undefined) return false;
    if (condition.absent === false && item === undefined) return false;
    // As on DynamoDB, a condition on attributes looks at what is stored, expired or not.
    const equal = Object.entries(condition.equals ?? {}).every(([name, value]) => stored?.[name] === value);
    return (
      equal &&
      Object.entries(condition.below ?? {}).every(
        ([name, bound]) => stored?.[name] === undefined || Number(stored[name]) < bound,
      )
    );
  };
  return {
    items,
    get: async (pk, sk) => structuredClone(alive(items.get(keyOf(pk, sk)))),
    query: async (pk, { skPrefix = '', limit, descending } = {}) => {
      const found = [...items.values()].filter(
        (item) => item.pk === pk && item.sk.startsWith(skPrefix) && alive(item) !== undefined,
      );
      found.sort((a, b) => (a.sk < b.sk ? -1 : 1));
      if (descending === true) found.reverse();
      return structuredClone(found.slice(0, limit));
    },
    put: async (item, condition) => {
      const key = keyOf(item.pk, item.sk);
      if (!holds(items.get(key), condition)) return false;
      items.set(key, structuredClone(item));
      return true;
    },
    delete: async (pk, sk, condition) => {
      const key = keyOf(pk, sk);
      if (!holds(items.get(key), condition)) return false;
      items.delete(key);
      return true;
    },
  };
};

/** A queue that only remembers. */
export const memoryQueue = (): Queue & { readonly sent: QueueMessage[] } => {
  const sent: QueueMessage[] = [];
  return { sent, send: async (messages) => void sent.push(...messages) };
};
