/** Virtual time: what is to happen later waits in a heap, and the clock jumps from one event to the next. */
export interface Time {
  readonly now: () => number;
  /** Resolves when so many milliseconds have passed. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly at: (when: number, run: () => void) => void;
  /** Runs until nothing is left to happen, or `until`. */
  readonly run: (until?: number) => Promise<void>;
}

export const virtualTime = (start: number): Time => {
  let now = start;
  let count = 0;
  const heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  const isBefore = (a: number, b: number): boolean => {
    const [x, y] = [heap[a] as (typeof heap)[number], heap[b] as (typeof heap)[number]];
    return x.at < y.at || (x.at === y.at && x.order < y.order);
  };
  const swap = (a: number, b: number): void => {
    const kept = heap[a] as (typeof heap)[number];
    heap[a] = heap[b] as (typeof heap)[number];
    heap[b] = kept;
  };
  const push = (at: number, run: () => void): void => {
    heap.push({ at: Math.max(at, now), order: count++, run });
    for (let index = heap.length - 1; index > 0; ) {
      const above = (index - 1) >> 1;
      if (!isBefore(index, above)) break;
      swap(index, above);
      index = above;
    }
  };
  const pop = () => {
    const top = heap[0] as (typeof heap)[number];
    const last = heap.pop() as (typeof heap)[number];
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let index = 0; ; ) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      let least = index;
      if (left < heap.length && isBefore(left, least)) least = left;
      if (right < heap.length && isBefore(right, least)) least = right;
      if (least === index) return top;
      swap(index, least);
      index = least;
    }
  };
  return {
    now: () => now,
    sleep: (ms) => new Promise((resume) => push(now + Math.max(0, Math.round(ms)), resume)),
    at: push,
    run: async (until = Number.POSITIVE_INFINITY) => {
      while (heap.length > 0 && (heap[0]?.at ?? 0) <= until) {
        now = heap[0]?.at ?? now;
        // Everything of one moment, then all that follows from it, before the clock moves on.
        while (heap.length > 0 && heap[0]?.at === now) pop().run();
        await new Promise(setImmediate);
      }
      if (Number.isFinite(until)) now = Math.max(now, until);
    },
  };
};

/** A generator of numbers in [0, 1) that a seed determines (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};
