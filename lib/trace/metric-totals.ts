import type { Clock, Item, Table } from '../model/ports.ts';
import { overflow } from './metrics.ts';
import type { Score } from './score.ts';
import type { WindowClosed } from './window.ts';

/** Counts of one service: since the totals began, or of one window. */
export interface ServiceCounts {
  spans: number;
  errors: number;
  /** Seconds of all spans together, to about a percent: told by the middles of buckets. */
  seconds: number;
  /** Spans of no duration at all. */
  zero: number;
  /** Spans by exponential bucket of scale `totalsScale`. */
  readonly buckets: Map<number, number>;
}

/** Calls from one service to another. */
export interface CallCounts {
  calls: number;
  /** Of calls that expected one: without their other side. */
  missing: number;
  /** Of any kind, as the service graph draws them. */
  requests: number;
  isMessage: boolean;
}

/** Keyed by service, and by `from` and `to` with a line feed between them. */
export interface MetricCounts {
  readonly services: Map<string, ServiceCounts>;
  readonly calls: Map<string, CallCounts>;
}

/** Eight buckets an octave: wide enough that totals of a hundred services fit an item, and powers of two stay edges. */
export const totalsScale = 3;

/** What a scored window adds. */
export const countsOf = (score: Score): MetricCounts => {
  const counts: MetricCounts = { services: new Map(), calls: new Map() };
  for (const [name, { spans, errors }] of Object.entries(score.services)) {
    const service = serviceIn(counts, name);
    service.spans += spans;
    service.errors += errors;
    const point = score.durations[name];
    if (point === undefined) continue;
    service.zero += point.zeroCount;
    point.positive.bucketCounts.forEach((count, at) => {
      if (count === 0) return;
      const index = point.positive.offset + at;
      const wide = Math.floor(index / 2 ** (point.scale - totalsScale));
      service.buckets.set(wide, (service.buckets.get(wide) ?? 0) + count);
      service.seconds += count * 2 ** ((index + 0.5) / 2 ** point.scale);
    });
  }
  for (const { from, to, calls, missing } of score.hops) {
    const call = callIn(counts, keyOf(from, to));
    call.calls += calls;
    call.missing += missing;
  }
  for (const { from, to, calls, isMessage } of score.edges) {
    const call = callIn(counts, keyOf(from, to));
    call.requests += calls;
    call.isMessage ||= isMessage;
  }
  return counts;
};

const keyOf = (from: string, to: string): string => `${from}\n${to}`;
export const sidesOf = (key: string): readonly [from: string, to: string] => {
  const at = key.indexOf('\n');
  return [key.slice(0, at), key.slice(at + 1)];
};

const serviceIn = ({ services }: MetricCounts, name: string): ServiceCounts => {
  let service = services.get(name);
  if (service === undefined) {
    service = { spans: 0, errors: 0, seconds: 0, zero: 0, buckets: new Map() };
    services.set(name, service);
  }
  return service;
};

const callIn = ({ calls }: MetricCounts, key: string): CallCounts => {
  let call = calls.get(key);
  if (call === undefined) {
    call = { calls: 0, missing: 0, requests: 0, isMessage: false };
    calls.set(key, call);
  }
  return call;
};

/** Adds counts to others. What is new beyond `maxSeries` is added to one series of the name `overflow`, so that nothing is lost. */
export const addCounts = (target: MetricCounts, added: MetricCounts, maxSeries: number): void => {
  const named = (known: ReadonlyMap<string, unknown>, key: string, rest: string): string =>
    known.has(key) || known.size - (known.has(rest) ? 1 : 0) < maxSeries ? key : rest;
  // In order of names, so that the same windows lead to the same series whatever the order within them.
  for (const [name, each] of sorted(added.services)) {
    const service = serviceIn(target, named(target.services, name, overflow));
    service.spans += each.spans;
    service.errors += each.errors;
    service.seconds += each.seconds;
    service.zero += each.zero;
    for (const [index, count] of each.buckets) service.buckets.set(index, (service.buckets.get(index) ?? 0) + count);
  }
  for (const [key, each] of sorted(added.calls)) {
    const call = callIn(target, named(target.calls, key, keyOf(overflow, overflow)));
    call.calls += each.calls;
    call.missing += each.missing;
    call.requests += each.requests;
    call.isMessage ||= each.isMessage;
  }
};

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

export interface Totals {
  readonly counts: MetricCounts;
  /** Milliseconds: when the totals began, and when the last window was added; later for each window, so it serves as a sample's time. */
  readonly since: number;
  readonly at: number;
  /** False for a window that had been added before: a message came twice. */
  readonly isNew: boolean;
}

export interface TotalsOptions {
  readonly table: Table;
  readonly clock: Clock;
  readonly maxSeries: number;
}

/** A window that is told twice is told within its queue's retries; this is longer by far. */
const rememberedMs = 6 * 3_600_000;
/** Totals of a partition that nothing comes to any more start again at zero, as those of a restarted process do. */
const idleSeconds = 30 * 86_400;
/** As many parts of a window as are scored at a time may be told at once, and one of them always wins. */
const attempts = 16;

/**
 * Adds a window to the totals of its partition, exactly once: totals and the windows that are in them are one item, written on condition
 * that nobody wrote it in between.
 */
export const addWindow = async (
  window: WindowClosed,
  added: MetricCounts,
  { table, clock, maxSeries }: TotalsOptions,
): Promise<Totals | undefined> => {
  const pk = 'trace-metrics';
  const sk = String(window.partition);
  const { windowStart, part } = window;
  const name = part === undefined ? windowStart : `${windowStart} ${part.index + 1}/${part.of}`;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const item = await table.get(pk, sk);
    const { counts, since, at, version, windows } = stored(item, clock());
    if (windows[name] !== undefined) return { counts, since, at, isNew: false };
    addCounts(counts, added, maxSeries);
    const now = Math.max(clock(), at + 1);
    const next = {
      pk,
      sk,
      ttl: Math.floor(now / 1000) + idleSeconds,
      version: version + 1,
      since,
      at: now,
      windows: { ...recent(windows, now), [name]: now },
      counts: written(counts),
    };
    const isWritten = await table.put(next, item === undefined ? { absent: true } : { equals: { version } });
    if (isWritten) return { counts, since, at: now, isNew: true };
  }
  return undefined;
};

const recent = (windows: Readonly<Record<string, number>>, now: number): Record<string, number> =>
  Object.fromEntries(Object.entries(windows).filter(([, at]) => now - at < rememberedMs));

/** Names of services come from outside: as text of their own they can be no member of an object's prototype. */
const written = ({ services, calls }: MetricCounts): string =>
  JSON.stringify({
    services: sorted(services).map(([name, each]) => [
      name,
      { ...each, buckets: [...each.buckets].sort(([a], [b]) => a - b) },
    ]),
    calls: sorted(calls),
  });

const stored = (item: Item | undefined, now: number) => {
  if (item === undefined) {
    const counts: MetricCounts = { services: new Map(), calls: new Map() };
    return { counts, since: now, at: 0, version: 0, windows: {} as Readonly<Record<string, number>> };
  }
  const { services, calls } = JSON.parse(String(item['counts'])) as {
    services: [string, Omit<ServiceCounts, 'buckets'> & { buckets: [number, number][] }][];
    calls: [string, CallCounts][];
  };
  return {
    counts: {
      services: new Map(services.map(([name, each]) => [name, { ...each, buckets: new Map(each.buckets) }])),
      calls: new Map(calls),
    },
    since: Number(item['since']),
    at: Number(item['at']),
    version: Number(item['version']),
    windows: item['windows'] as Readonly<Record<string, number>>,
  };
};
