import type { Table } from '../model/ports.ts';
import { type BacklogPoint, pressureLevel, type QueueSnapshot } from '../model/queue-snapshot.ts';
import { inParallel, writesAtOnce } from './in-parallel.ts';

/** What a tick remembers of a queue until the next: its history, and when it was written. */
export interface Remembered {
  readonly history: readonly BacklogPoint[];
  /** Undefined where nothing was written yet. */
  readonly at: number | undefined;
}

/** Ten minutes of ticks. */
const historyPoints = 20;

/** Samplers read `pressure`; a queue whose capacity nobody knows has none, and only its history is kept. */
const partitionOf = (capacity: number | undefined): string => (capacity === undefined ? 'backlog' : 'pressure');

/** Points of the future, left behind by a clock that was set back, are no history. */
export const rememberedOf = async (
  table: Table,
  queue: string,
  capacity: number | undefined,
  now: number,
): Promise<Remembered> => {
  const item = await table.get(partitionOf(capacity), queue);
  const history = (item?.['history'] ?? []) as readonly BacklogPoint[];
  const at = item?.['at'];
  return { history: history.filter((point) => point.at < now), at: typeof at === 'number' ? at : undefined };
};

/** One write a queue and tick, by whoever read it last: of two ticks at the same time one writes. */
export const writePressures = (
  table: Table,
  queues: readonly { readonly queue: QueueSnapshot; readonly remembered: Remembered }[],
): Promise<void> =>
  inParallel(queues, writesAtOnce, async ({ queue, remembered }) => {
    const { name, at, visible, capacity } = queue;
    const history = [...queue.history, { at, backlog: visible }].slice(-historyPoints);
    const fill = capacity === undefined ? undefined : visible / capacity;
    const pressure = fill === undefined ? {} : { level: pressureLevel(fill), fill, capacity };
    await table.put(
      { pk: partitionOf(capacity), sk: name, ...pressure, backlog: visible, at, history },
      remembered.at === undefined ? { absent: true } : { equals: { at: remembered.at } },
    );
  });
