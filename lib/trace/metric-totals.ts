import type { Clock, Item, Table } from '../model/ports.ts';
import type { ExponentialPoint } from './heat-map.ts';
import { overflow } from './metrics.ts';
import type { Score } from './score.ts';
import { edgeScale } from './service-graph.ts';
import type { WindowClosed } from './window.ts';

/** Durations of spans. */
export interface DurationCounts {
  /** Of all together: told by the middles of buckets, so of services to about a percent, of calls to a tenth. */
  seconds: number;
  /** Spans of no duration at all. */
  zero: number;
  /** Spans by exponential bucket: of a service of scale `totalsScale`, of a call of scale `edgeScale`. */
  readonly buckets: Map<number, number>;
}

/** Counts of one service: since the totals began, or of one window. */
export interface ServiceCounts extends DurationCounts {
  spans: number;
  errors: number;
}

/** Calls from one service to another. */
export interface CallCounts {
  calls: number;
  /** Of calls that expected one: without their other side. */
  missing: number;
  /** Of any kind, as the service graph draws them. */
  requests: number;
  /** Requests of which either side failed. */
  failed: number;
  isMessage: boolean;
  /** How long requests took on the called and on the calling side. */
  readonly server: DurationCounts;
  readonly client: DurationCounts;
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
    addPoint(service, score.durations[name], totalsScale);
  }
  for (const { from, to, calls, missing } of score.hops) {
    const call = callIn(counts, keyOf(from, to));
    call.calls += calls;
    call.missing += missing;
  }
  for (const { from, to, calls, failed, isMessage, serverSeconds, clientSeconds } of score.edges) {
    const call = callIn(counts, keyOf(from, to));
    call.requests += calls;
    call.failed += failed;
    call.isMessage ||= isMessage;
    addPoint(call.server, serverSeconds, edgeScale);
    addPoint(call.client, clientSeconds, edgeScale);
  }
  return counts;
};

const addPoint = (target: DurationCounts, point: ExponentialPoint | undefined, scale: number): void => {
  if (point === undefined) return;
  target.zero += point.zeroCount;
  point.positive.bucketCounts.forEach((count, at) => {
    if (count === 0) return;
    const index = point.positive.offset + at;
    const wide = Math.floor(index / 2 ** (point.scale - scale));
    target.buckets.set(wide, (target.buckets.get(wide) ?? 0) + count);
    target.seconds += count * 2 ** ((index + 0.5) / 2 ** point.scale);
  });
};

const addDurations = (target: DurationCounts, added: DurationCounts): void => {
  target.seconds += added.seconds;
  target.zero += added.zero;
  for (const [index, count] of added.buckets) target.buckets.set(index, (target.buckets.get(index) ?? 0) + count);
};

const durations = (): DurationCounts => ({ seconds: 0, zero: 0, buckets: new Map() });

const keyOf = (from: string, to: string): string => `${from}\n${to}`;
export const sidesOf = (key: string): readonly [from: string, to: string] => {
  const at = key.indexOf('\n');
  return [key.slice(0, at), key.slice(at + 1)];
};

const serviceIn = ({ services }: MetricCounts, name: string): ServiceCounts => {
  let service = services.get(name);
  if (service === undefined) {
    service = { spans: 0, errors: 0, ...durations() };
    services.set(name, service);
  }
  return service;
};

const callIn = ({ calls }: MetricCounts, key: string): CallCounts => {
  let call = calls.get(key);
  if (call === undefined) {
    call = { calls: 0, missing: 0, requests: 0, failed: 0, isMessage: false, server: durations(), client: durations() };
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
    addDurations(service, each);
  }
  for (const [key, each] of sorted(added.calls)) {
    const call = callIn(target, named(target.calls, key, keyOf(overflow, overflow)));
    call.calls += each.calls;
    call.missing += each.missing;
    call.requests += each.requests;
    call.failed += each.failed;
    call.isMessage ||= each.isMessage;
    addDurations(call.server, each.server);
    addDurations(call.client, each.client);
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
    services: sorted(services).map(([name, each]) => [name, { ...each, ...writtenDurations(each) }]),
    calls: sorted(calls).map(([key, each]) => [
      key,
      { ...each, server: writtenDurations(each.server), client: writtenDurations(each.client) },
    ]),
  });

interface WrittenDurations extends Omit<DurationCounts, 'buckets'> {
  readonly buckets: readonly (readonly [number, number])[];
}

const writtenDurations = ({ seconds, zero, buckets }: DurationCounts): WrittenDurations => ({
  seconds,
  zero,
  buckets: [...buckets].sort(([a], [b]) => a - b),
});

const storedDurations = (written: WrittenDurations | undefined): DurationCounts =>
  written === undefined ? durations() : { ...written, buckets: new Map(written.buckets) };

const stored = (item: Item | undefined, now: number) => {
  if (item === undefined) {
    const counts: MetricCounts = { services: new Map(), calls: new Map() };
    return { counts, since: now, at: 0, version: 0, windows: {} as Readonly<Record<string, number>> };
  }
  const { services, calls } = JSON.parse(String(item['counts'])) as {
    services: [string, Omit<ServiceCounts, 'buckets'> & WrittenDurations][];
    // Earlier versions knew neither failures nor durations of calls.
    calls: [string, Omit<CallCounts, 'server' | 'client'> & { server?: WrittenDurations; client?: WrittenDurations }][];
  };
  return {
    counts: {
      services: new Map(services.map(([name, each]) => [name, { ...each, ...storedDurations(each) }])),
      calls: new Map(
        calls.map(([key, each]) => [
          key,
          {
            ...each,
            failed: each.failed ?? 0,
            server: storedDurations(each.server),
            client: storedDurations(each.client),
          },
        ]),
      ),
    },
    since: Number(item['since']),
    at: Number(item['at']),
    version: Number(item['version']),
    windows: item['windows'] as Readonly<Record<string, number>>,
  };
};
