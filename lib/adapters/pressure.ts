import { Failure } from '../model/failure.ts';
import type { Clock, Log, Table } from '../model/ports.ts';

export interface PressureOptions {
  readonly table: Pick<Table, 'get'>;
  /** Name of the watched queue. */
  readonly queue: string;
  readonly clock: Clock;
  readonly log?: Log;
}

/** Backlog over capacity of one queue, as the ticks of the watermarks leave it in the state table. */
export interface PressureReader {
  /** As last known; undefined where nobody knows (any more). Answers from memory at once: a sampler asks it for each new trace. */
  readonly fill: () => number | undefined;
  /** Reads the table when what is known is older than half a tick. Never rejects; undefined when there is nothing to wait for. */
  readonly refresh: () => Promise<void> | undefined;
}

/** Ticks come every 30 s; reading more often than twice a tick shows nothing new. */
const freshMs = 15_000;
/** A fill is believed for as long as three ticks may be late or lost, … */
const holdMs = 2 * 60_000;
/** … then it fades to nothing: neither a reader that fails nor an evaluator that stands still may keep traces thin for ever. */
const fadeMs = 5 * 60_000;

/**
 * Reads the pressure of a queue in the background: `refresh` belongs where the function waits for the outside anyway, as at the flush
 * before it answers, since a sandbox is frozen between invocations. A failed read keeps the last value.
 */
export const pressureReader = ({ table, queue, clock, log }: PressureOptions): PressureReader => {
  let known: { readonly fill: number; readonly at: number } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  let failed = false;

  const read = async (): Promise<void> => {
    try {
      const item = await table.get('pressure', queue);
      const fill = item?.['fill'];
      const at = item?.['at'];
      if (typeof fill === 'number' && fill >= 0 && typeof at === 'number') known = { fill, at };
      else if (item === undefined) known = undefined;
      failed = false;
    } catch (thrown) {
      // Once, not at every invocation of an outage.
      if (!failed)
        log?.('warn', 'the pressure of a queue cannot be read; the last one fades', {
          queue,
          error: Failure.from(thrown).message,
        });
      failed = true;
    }
  };

  return {
    fill: () => {
      if (known === undefined) return undefined;
      const over = clock() - known.at - holdMs;
      if (over <= 0) return known.fill;
      return over >= fadeMs ? undefined : known.fill * (1 - over / fadeMs);
    },
    refresh: () => {
      if (asking !== undefined) return asking;
      if (clock() - askedAt < freshMs) return undefined;
      askedAt = clock();
      asking = read().finally(() => {
        asking = undefined;
      });
      return asking;
    },
  };
};
