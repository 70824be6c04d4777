import { context } from '@opentelemetry/api';
import type { ReceivedMessage } from './received.ts';
import { type Batch, begin, call, finish, isThenable, type Opened, Own } from './record.ts';
import type { Lane } from './tracing.ts';

/**
 * Handles the records of a batch one after the other. Written out as two callbacks that take turns, since an asynchronous function
 * that awaits costs every record twice what its promise does. In a lane the records share an asynchronous context too (adr 0018).
 */
export class InOrder {
  readonly #batch: Batch;
  readonly #lane: Lane | undefined;
  readonly #settled: () => void;
  readonly #rejected: (thrown: unknown) => void;
  #at = 0;
  #opened: Opened | undefined = undefined;
  #leads: boolean | undefined = undefined;

  /** `settled` when all are done; `rejected` when that could not be told. */
  constructor(batch: Batch, lane: Lane | undefined, settled: () => void, rejected: (thrown: unknown) => void) {
    this.#batch = batch;
    this.#lane = lane;
    this.#settled = settled;
    this.#rejected = rejected;
  }

  /** Goes on until a handler has to be waited for, or to the end. */
  go(): void {
    try {
      this.#run(false);
    } catch (thrown) {
      this.#rejected(thrown);
    }
  }

  #run(follows: boolean): void {
    const { messages } = this.#batch;
    for (let next = follows; this.#at < messages.length; this.#at++) {
      const message = messages[this.#at] as ReceivedMessage;
      const opened = begin(this.#batch, message, next);
      if (opened === undefined) continue;
      this.#opened = opened;
      try {
        const pending = this.#call(message, opened);
        if (pending instanceof Promise) {
          pending.then(this.#done, this.#failed);
          return;
        }
        if (isThenable(pending)) {
          // What is of somebody else's making may call back twice, or at once.
          Promise.resolve(pending).then(this.#done, this.#failed);
          return;
        }
        next = finish(this.#batch, message, opened);
      } catch (thrown) {
        next = finish(this.#batch, message, opened, thrown, true);
      }
    }
    if (this.#lane !== undefined) this.#lane.current = this.#batch.ambient;
    this.#settled();
  }

  readonly #done = (): void => {
    const { messages } = this.#batch;
    const message = messages[this.#at] as ReceivedMessage;
    const opened = this.#opened as Opened;
    try {
      let next: boolean;
      try {
        next = finish(this.#batch, message, opened);
      } catch (thrown) {
        next = finish(this.#batch, message, opened, thrown, true);
      }
      this.#at++;
      this.#run(next);
    } catch (thrown) {
      this.#rejected(thrown);
    }
  };

  readonly #failed = (thrown: unknown): void => {
    try {
      const message = this.#batch.messages[this.#at] as ReceivedMessage;
      const next = finish(this.#batch, message, this.#opened as Opened, thrown, true);
      this.#at++;
      this.#run(next);
    } catch (error) {
      this.#rejected(error);
    }
  };

  /** In a lane the record's context is made the active one by a word; elsewhere, or where that is not all it takes, by a context of its own. */
  #call(message: ReceivedMessage, opened: Opened): unknown {
    const lane = this.#lane;
    if (lane !== undefined && !(opened instanceof Own)) {
      lane.current = opened;
      // Whether the lane is what is asked for the active context does not change while it is run.
      this.#leads ??= context.active() === opened;
      if (this.#leads) return this.#batch.handle(message, opened);
    }
    return call(this.#batch, message, opened);
  }
}
