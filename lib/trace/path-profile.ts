import type { Trace } from './assemble.ts';
import type { CriticalPath } from './critical-path.ts';
import { endToEndPath } from './end-to-end.ts';
import { bucketOf, columnOf } from './heat-map.ts';
import type { PathMode } from './walk-path.ts';

/** What one service, or one operation of it, adds to the critical paths of a set of traces. */
export interface PathShare {
  readonly service: string;
  /** Name of the operation; absent for a whole service. */
  readonly name?: string;
  readonly seconds: number;
  /** Of all work on critical paths. Over all services, and over all operations, shares add up to 1. */
  readonly share: number;
  /** Traces on whose path it is. */
  readonly traces: number;
  /** The traces, at most three, in which it took longest. */
  readonly exemplars: readonly string[];
}

/** Where the time of many traces went. */
export interface PathProfile {
  readonly traces: number;
  /** Work on all critical paths, and time that messages waited between two of its sections. */
  readonly workSeconds: number;
  readonly queueSeconds: number;
  /** Largest share first. */
  readonly services: readonly PathShare[];
  readonly operations: readonly PathShare[];
  /** Destinations that messages waited in, as shares of the whole waiting time. */
  readonly queues: readonly PathShare[];
  /** Share of all work by service and column of the heat map, which the duration of the span on the path decides. */
  readonly columns: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

interface Sum {
  readonly service: string;
  readonly name?: string;
  nanos: number;
  traces: number;
  readonly longest: { readonly traceId: string; readonly nanos: number }[];
}

const maxExemplars = 3;

/** Adds up the critical paths of traces, from the root's start to the end of the last consumer. */
export const pathProfile = (traces: readonly Trace[], mode: PathMode = 'robust'): PathProfile =>
  profileOfPaths(traces.map((trace) => ({ trace, path: endToEndPath(trace, mode) })));

/** The same for paths that are known. */
export const profileOfPaths = (
  paths: readonly { readonly trace: Trace; readonly path: CriticalPath }[],
): PathProfile => {
  const services = new Map<string, Sum>();
  const operations = new Map<string, Sum>();
  const queues = new Map<string, Sum>();
  const columns = new Map<string, Map<number, number>>();
  for (const { trace, path } of paths) {
    const columnsOfSpans = new Map(
      trace.nodes.map(({ span }) => [
        span.spanId,
        columnOf(bucketOf(Math.max(1, Number(span.endNanos - span.startNanos)) / 1e9)),
      ]),
    );
    const own = { services: new Map<string, number>(), operations: new Map<string, number>(), queues: new Map() };
    for (const { service, name, spanId, startNanos, endNanos, kind } of path.sections) {
      const nanos = Number(endNanos - startNanos);
      if (kind === 'queue') {
        add(queues, own.queues, name, { service, name }, nanos);
        continue;
      }
      add(services, own.services, service, { service }, nanos);
      add(operations, own.operations, `${service}\n${name}`, { service, name }, nanos);
      let row = columns.get(service);
      if (row === undefined) {
        row = new Map();
        columns.set(service, row);
      }
      const column = columnsOfSpans.get(spanId) ?? 0;
      row.set(column, (row.get(column) ?? 0) + nanos);
    }
    for (const [sums, parts] of [
      [services, own.services],
      [operations, own.operations],
      [queues, own.queues],
    ] as const) {
      for (const [key, nanos] of parts) noteTrace(sums.get(key), trace.traceId, nanos);
    }
  }
  const work = total(services);
  const waiting = total(queues);
  return {
    traces: paths.length,
    workSeconds: work / 1e9,
    queueSeconds: waiting / 1e9,
    services: shares(services, work),
    operations: shares(operations, work),
    queues: shares(queues, waiting),
    columns: new Map(
      [...columns].map(([service, row]) => [
        service,
        new Map([...row].map(([column, nanos]) => [column, work === 0 ? 0 : nanos / work])),
      ]),
    ),
  };
};

const add = (
  sums: Map<string, Sum>,
  own: Map<string, number>,
  key: string,
  names: { readonly service: string; readonly name?: string },
  nanos: number,
): void => {
  let sum = sums.get(key);
  if (sum === undefined) {
    sum = { ...names, nanos: 0, traces: 0, longest: [] };
    sums.set(key, sum);
  }
  sum.nanos += nanos;
  own.set(key, (own.get(key) ?? 0) + nanos);
};

const noteTrace = (sum: Sum | undefined, traceId: string, nanos: number): void => {
  if (sum === undefined) return;
  sum.traces += 1;
  sum.longest.push({ traceId, nanos });
  sum.longest.sort((a, b) => b.nanos - a.nanos || (a.traceId < b.traceId ? -1 : 1));
  sum.longest.length = Math.min(sum.longest.length, maxExemplars);
};

const total = (sums: ReadonlyMap<string, Sum>): number => [...sums.values()].reduce((sum, { nanos }) => sum + nanos, 0);

const shares = (sums: ReadonlyMap<string, Sum>, whole: number): PathShare[] =>
  [...sums]
    .sort(([a, one], [b, other]) => other.nanos - one.nanos || (a < b ? -1 : 1))
    .map(([, { service, name, nanos, traces, longest }]) => ({
      service,
      ...(name === undefined ? {} : { name }),
      seconds: nanos / 1e9,
      share: whole === 0 ? 0 : nanos / whole,
      traces,
      exemplars: longest.map(({ traceId }) => traceId),
    }));
