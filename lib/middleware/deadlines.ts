/**
 * Calls back when the time of an invocation is nearly up. All of them share one timer, which is set anew only when it has gone off: to set
 * one for every invocation and call it off again costs more than a record. It keeps the process alive only while something is watched.
 */
export interface Watch {
  readonly at: number;
  readonly near: () => void;
  next: Watch | undefined;
}

/** Those that are under way, as a list: in a process of its own there is one at most. Each is taken out again when its invocation ends. */
let watched: Watch | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let goesOffAt = Number.POSITIVE_INFINITY;

/** Calls `near` after so many milliseconds, unless `unwatch` comes first. */
export const watch = (ms: number, near: () => void): Watch => {
  const added: Watch = { at: performance.now() + ms, near, next: watched };
  watched = added;
  if (timer === undefined || added.at < goesOffAt) set(added.at, ms);
  else if (added.next === undefined) timer.ref();
  return added;
};

export const unwatch = (ended: Watch): void => {
  if (watched === ended) watched = ended.next;
  for (let each = watched; each !== undefined; each = each.next) if (each.next === ended) each.next = ended.next;
  if (watched === undefined) timer?.unref();
};

const set = (at: number, ms: number): void => {
  clearTimeout(timer);
  goesOffAt = at;
  timer = setTimeout(goOff, ms);
};

const goOff = (): void => {
  timer = undefined;
  goesOffAt = Number.POSITIVE_INFINITY;
  // A timer may go off a millisecond early.
  const now = performance.now() + 1;
  const due: Watch[] = [];
  let next = Number.POSITIVE_INFINITY;
  for (let each = watched; each !== undefined; each = each.next) {
    if (each.at <= now) due.push(each);
    else next = Math.min(next, each.at);
  }
  for (const each of due) unwatch(each);
  if (watched !== undefined) set(next, next - now + 1);
  for (const { near } of due) near();
};
