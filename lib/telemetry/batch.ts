import { absentCollector, type BackEnd, type ExportOutcome } from '../model/back-end.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Log } from '../model/ports.ts';
import type { Span } from '../model/span.ts';

export interface BatchOptions {
  readonly backEnd: BackEnd;
  /** Spans that wait at most; more are dropped and counted. */
  readonly maxQueue: number;
  /** Spans of one export at most; so many start one by themselves. */
  readonly maxBatch: number;
  /** Longest wait of one export, in milliseconds. */
  readonly timeoutMs: number;
  /** Longest wait before spans leave although nobody flushes. Absent: they wait for the flush, as a function's must. */
  readonly delayMs?: number | undefined;
  readonly clock: Clock;
  /** Calls back after so many milliseconds, unless what it answers is called before; it keeps no process alive. */
  readonly later: (ms: number, call: () => void) => () => void;
  readonly log?: Log | undefined;
}

export interface SpanBatches {
  readonly keep: (span: Span) => void;
  /** Sends what has finished, within so many milliseconds. Never rejects: telemetry must not fail the work. */
  readonly flush: (timeoutMs: number) => Promise<void>;
}

/** Collects finished spans and hands them to a back end in batches, one after the other. */
export const spanBatches = (options: BatchOptions): SpanBatches => {
  const { backEnd, maxQueue, maxBatch, timeoutMs, delayMs, clock, later, log } = options;
  let queue: Span[] = [];
  let overflown = 0;
  let sending: Promise<void> | undefined;
  let waiting: (() => void) | undefined;

  const tell = ({ kept, dropped }: ExportOutcome): void => {
    if (Object.keys(dropped).some((reason) => reason !== absentCollector)) {
      log?.('warn', 'spans were not exported', { backEnd: backEnd.name, kept, dropped });
    }
  };
  const taken = (): readonly Span[] => {
    if (queue.length > maxBatch) return queue.splice(0, maxBatch);
    const all = queue;
    queue = [];
    return all;
  };
  const tellOverflow = (): void => {
    if (overflown === 0) return;
    log?.('warn', 'spans were dropped: the queue was full', { dropped: overflown, maxQueue });
    overflown = 0;
  };
  // Callbacks that are there once, and what they go on with: an asynchronous function would cost every flush four times its promise.
  let count = 0;
  let until = 0;
  const next = (): Promise<void> => {
    const batch = taken();
    count = batch.length;
    // At least one attempt, however little time is left: it fails by its own deadline.
    const budget = Math.max(1, Math.min(timeoutMs, until - clock()));
    return exported(batch, budget).then(went, broke);
  };
  const exported = (batch: readonly Span[], budget: number): Promise<ExportOutcome> => {
    try {
      return backEnd.export(batch, budget);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  };
  const went = (outcome: ExportOutcome): Promise<void> | undefined => {
    if (outcome.kept < count) tell(outcome);
    if (queue.length > 0 && clock() < until) return next();
    sending = undefined;
    tellOverflow();
    return undefined;
  };
  /** It has promised not to. */
  const broke = (thrown: unknown): Promise<void> | undefined =>
    went({ kept: 0, dropped: { [Failure.from(thrown, 'unavailable').message]: count } });
  const start = (budget: number): Promise<void> => {
    waiting?.();
    waiting = undefined;
    until = clock() + budget;
    sending = next();
    return sending;
  };
  /** What is under way took its batch before this flush; what came since follows it. */
  const flushAfter = async (earlier: Promise<void>, until: number): Promise<void> => {
    await earlier;
    // Of several that waited for it, the first may have begun another.
    while (sending !== undefined) await sending;
    if (queue.length > 0) await start(Math.max(1, until - clock()));
  };

  return {
    keep(span) {
      if (queue.length >= maxQueue) {
        overflown += 1;
        return;
      }
      queue.push(span);
      if (queue.length >= maxBatch && sending === undefined) void start(timeoutMs);
      else if (delayMs !== undefined && waiting === undefined) {
        waiting = later(delayMs, () => {
          waiting = undefined;
          if (queue.length > 0 && sending === undefined) void start(timeoutMs);
        });
      }
    },
    flush(budget) {
      if (sending !== undefined) return flushAfter(sending, clock() + budget);
      return queue.length > 0 ? start(budget) : Promise.resolve(tellOverflow());
    },
  };
};
