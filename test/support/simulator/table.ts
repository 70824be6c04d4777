import type { Condition, Item, Table } from '../../../lib/model/ports.ts';

/** DynamoDB's limit of an item; names and values in UTF-8. JSON is a little longer than what it counts. */
const maxItemBytes = 400 * 1024;

export interface SimulatedTable extends Table {
  readonly size: () => number;
  /** Every item, expired ones included. */
  readonly items: () => readonly Item[];
}

/**
 * The state table with DynamoDB's semantics: conditions and expiry as lib/adapters/dynamodb.ts writes them, items of a partition in
 * the order of their sort keys, 400 KB an item. `strict` copies every item as JSON, so that nothing is shared by accident.
 */
export const simulatedTable = (clock: () => number, { strict = false } = {}): SimulatedTable => {
  const partitions = new Map<string, { readonly items: Map<string, Item>; readonly keys: string[] }>();
  let size = 0;
  const copy = <T>(value: T): T => (strict && value !== undefined ? (JSON.parse(JSON.stringify(value)) as T) : value);
  const isAlive = (item: Item | undefined): item is Item =>
    item !== undefined && (item.ttl === undefined || item.ttl * 1000 > clock());
  const holds = (stored: Item | undefined, { absent, equals = {}, below = {} }: Condition): boolean =>
    (absent !== true || !isAlive(stored)) &&
    (absent !== false || isAlive(stored)) &&
    Object.entries(equals).every(([name, value]) => stored?.[name] === value) &&
    Object.entries(below).every(([name, bound]) => stored?.[name] === undefined || Number(stored[name]) < bound);
  const find = (keys: readonly string[], sk: string): number => {
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((keys[middle] as string) < sk) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    size: () => size,
    items: () => [...partitions.values()].flatMap(({ items }) => [...items.values()]),
    get: async (pk, sk) => {
      const item = partitions.get(pk)?.items.get(sk);
      return isAlive(item) ? copy(item) : undefined;
    },
    query: async (pk, { skPrefix = '', limit = Number.POSITIVE_INFINITY, descending = false } = {}) => {
      const partition = partitions.get(pk);
      if (partition === undefined) return [];
      const { items, keys } = partition;
      const found: Item[] = [];
      for (let at = find(keys, skPrefix); at < keys.length; at += 1) {
        const sk = keys[at] as string;
        if (!sk.startsWith(skPrefix)) break;
        const item = items.get(sk);
        if (isAlive(item)) found.push(item);
        if (!descending && found.length >= limit) break;
      }
      if (descending) found.reverse();
      return copy(found.slice(0, limit));
    },
    put: async (item, condition) => {
      const partition = partitions.get(item.pk) ?? { items: new Map<string, Item>(), keys: [] };
      partitions.set(item.pk, partition);
      const stored = partition.items.get(item.sk);
      if (condition !== undefined && !holds(stored, condition)) return false;
      if (strict) {
        const bytes = Buffer.byteLength(JSON.stringify(item));
        if (bytes > maxItemBytes)
          throw new Error(`ValidationException: Item size has exceeded 400 KB: ${item.pk} ${bytes}`);
      }
      if (stored === undefined) {
        partition.keys.splice(find(partition.keys, item.sk), 0, item.sk);
        size += 1;
      }
      partition.items.set(item.sk, copy(item));
      return true;
    },
    delete: async (pk, sk, condition) => {
      const partition = partitions.get(pk);
      const stored = partition?.items.get(sk);
      if (condition !== undefined && !holds(stored, condition)) return false;
      if (partition !== undefined && stored !== undefined) {
        partition.items.delete(sk);
        partition.keys.splice(find(partition.keys, sk), 1);
        size -= 1;
      }
      return true;
    },
  };
};
