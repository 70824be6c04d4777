import { serviceOf, spanKinds, statusCodes } from '../model/span.ts';
import type { Node, Trace } from './assemble.ts';

/** The calls of one trace. Positions stand for spans; `parents` holds -1 for roots; times in seconds from any origin. */
export interface CallTree {
  readonly services: readonly string[];
  readonly operations: readonly string[];
  readonly parents: ArrayLike<number>;
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  /** Of a span that failed though nothing below it did: the service that failed. Absent where it is not known what failed. */
  readonly failures?: readonly (string | undefined)[];
}

/**
 * What is usual in a set of traces: sums only, so that profiles of windows merge by adding, in any order.
 * A unit of time is the own time of an operation (what its children do not cover), or, where a span does nothing but call one other
 * service, the time that its call spends outside of that service: network, queues and both ends' overhead.
 */
export interface Profile {
  readonly units: Map<string, Moments>;
  /** By operation: how often each call was the last one that its spans made; a fault cuts spans short after the call that met it. */
  readonly endings: Map<string, Map<string, number>>;
  /** By operation: how often which service was the one to fail there, and, under no name, how often none was. */
  readonly failures: Map<string, Map<string, number>>;
  /** By operation: the operations that call it. */
  readonly callers: Map<string, Set<string>>;
  /** Traces by service: in how many of them another service called it. */
  readonly visits: Map<string, number>;
  /** The services that each service calls. */
  readonly callees: Map<string, Set<string>>;
  traces: number;
}

interface Moments {
  readonly from: string;
  /** The called service; empty for own time. */
  readonly to: string;
  count: number;
  sum: number;
  squares: number;
}

export interface Cause {
  readonly service: string;
  readonly score: number;
}

/** Chosen by cross-validation between faults; docs/guides/traces.md says how. */
export interface RankOptions {
  /** Milliseconds below which times count as equal: they are compared as log(1 + t / this). */
  readonly floorMs: number;
  /** Standard errors that a shift must exceed to be evidence. */
  readonly confidence: number;
  /** Spans that an operation must have on either side: of fewer, not even the spread is known. */
  readonly minSpans: number;
  /** Variance, in squared log units, that every operation is taken to have at least: no two windows are alike. */
  readonly noise: number;
  /** Units that every service is given for free, so that one shifted unit of one does not outweigh many of another. */
  readonly prior: number;
  /** Weights of a service's own time, of calls to it and of calls by it. */
  readonly own: number;
  readonly called: number;
  readonly calling: number;
  /** Weight of spans that ended after an unusual call. */
  readonly ending: number;
  /** Weight of errors that began in a service. */
  readonly failing: number;
  /**
   * Weight of a service's usual place in the calls: the share of traces that call it times the services that it calls itself (and
   * one), as a share of the highest. It decides where there is hardly any evidence: what is called often and does much fails most.
   */
  readonly place: number;
  /** Weight of what the service's pods show, where their metrics are given. */
  readonly pods: number;
}

export const rankDefaults: RankOptions = {
  floorMs: 1,
  confidence: 3,
  minSpans: 3,
  noise: 0.1,
  prior: 1.5,
  own: 1.5,
  called: 1,
  calling: 0.8,
  ending: 6,
  failing: 6,
  place: 0.15,
  pods: 1,
};

/** Services by how much of what shifted against a healthy baseline they explain, likeliest first. */
export const rankCauses = (
  traces: readonly Trace[],
  baseline: readonly Trace[],
  pods: ReadonlyMap<string, number> = new Map(),
  options: RankOptions = rankDefaults,
): Cause[] => rankProfiles(profileOf(traces.map(callTree)), profileOf(baseline.map(callTree)), options, pods);

export const callTree = ({ nodes }: Trace): CallTree => {
  const origin = nodes[0]?.span.startNanos ?? 0n;
  return {
    services: nodes.map(({ span }) => serviceOf(span)),
    operations: nodes.map(({ span }) => span.name),
    parents: nodes.map(({ parent }) => parent),
    starts: nodes.map(({ span }) => Number(span.startNanos - origin) / 1e9),
    ends: nodes.map(({ span }) => Number(span.endNanos - origin) / 1e9),
    failures: nodes.map((node) => failedAt(node, nodes)),
  };
};

/**
 * Whose failure began at a span: nobody's if something below it failed too. A call without its other side failed at the one that was
 * called, where it names that; of one that was answered well, as after a time-out, it is not known whose failure it is.
 */
const failedAt = ({ span, children }: Node, nodes: readonly Node[]): string | undefined => {
  if (span.status !== statusCodes.error) return undefined;
  const below = children.flatMap((at) => nodes[at]?.span ?? []);
  if (below.some(({ status }) => status === statusCodes.error)) return undefined;
  const own = serviceOf(span);
  if (span.kind !== spanKinds.client) return own;
  if (below.some((each) => serviceOf(each) !== own)) return undefined;
  const peer = span.attributes['peer.service'];
  return typeof peer === 'string' ? peer : own;
};

export const profileOf = (trees: Iterable<CallTree>, floorMs = rankDefaults.floorMs): Profile => {
  const profile: Profile = {
    units: new Map(),
    endings: new Map(),
    failures: new Map(),
    callers: new Map(),
    visits: new Map(),
    callees: new Map(),
    traces: 0,
  };
  addProfile(profile, trees, floorMs);
  return profile;
};

/** Adds traces to a profile, which is changed. */
export const addProfile = (profile: Profile, trees: Iterable<CallTree>, floorMs = rankDefaults.floorMs): void => {
  for (const tree of trees) addTree(profile, tree, floorMs);
};

const addTree = (profile: Profile, tree: CallTree, floorMs: number): void => {
  const { services, operations, parents, starts, ends } = tree;
  const children: number[][] = services.map(() => []);
  for (let at = 0; at < services.length; at += 1) {
    const parent = parents[at] as number;
    if (parent >= 0) children[parent]?.push(at);
  }
  const called = new Set<string>();
  services.forEach((service, at) => {
    const caller = services[parents[at] as number];
    if (!profile.callees.has(service)) profile.callees.set(service, new Set());
    if (caller !== undefined && caller !== service) {
      called.add(service);
      setOf(profile.callees, caller).add(service);
    }
    const own = (children[at] as number[]).sort((a, b) => (starts[a] as number) - (starts[b] as number));
    const [only] = own;
    const to = only !== undefined && own.length === 1 && services[only] !== service ? (services[only] as string) : '';
    const operation = `${service}|${operations[at]}`;
    const above = parents[at] as number;
    if (above >= 0) setOf(profile.callers, operation).add(`${services[above]}|${operations[above]}`);
    const milliseconds = 1000 * uncovered(starts[at] as number, ends[at] as number, own, starts, ends);
    addTime(profile, `${operation}|${to}`, service, to, Math.log1p(Math.max(0, milliseconds) / floorMs));
    const last = own.at(-1);
    const callee = last === undefined ? service : calleeOf(last, children, services);
    if (tree.failures !== undefined) addCount(profile.failures, operation, tree.failures[at] ?? '');
    addCount(profile.endings, operation, `${callee}|${last === undefined ? '' : operations[last]}`);
  });
  for (const service of called) profile.visits.set(service, (profile.visits.get(service) ?? 0) + 1);
  profile.traces += 1;
};

const setOf = (sets: Map<string, Set<string>>, key: string): Set<string> => {
  let own = sets.get(key);
  if (own === undefined) {
    own = new Set();
    sets.set(key, own);
  }
  return own;
};

/** Who answered a call: the service behind a span that only calls, else the span's own. */
const calleeOf = (at: number, children: readonly (readonly number[])[], services: readonly string[]): string => {
  const [only] = children[at] ?? [];
  return (children[at]?.length === 1 && only !== undefined ? services[only] : services[at]) as string;
};

const uncovered = (
  start: number,
  end: number,
  children: readonly number[],
  starts: ArrayLike<number>,
  ends: ArrayLike<number>,
): number => {
  let reached = start;
  let free = 0;
  for (const child of children) {
    const from = Math.min(starts[child] as number, end);
    if (from > reached) free += from - reached;
    reached = Math.max(reached, Math.min(ends[child] as number, end));
  }
  return free + Math.max(0, end - reached);
};

const addTime = ({ units }: Profile, key: string, from: string, to: string, value: number): void => {
  let unit = units.get(key);
  if (unit === undefined) {
    unit = { from, to, count: 0, sum: 0, squares: 0 };
    units.set(key, unit);
  }
  unit.count += 1;
  unit.sum += value;
  unit.squares += value * value;
};

const addCount = (counts: Map<string, Map<string, number>>, key: string, inner: string): void => {
  let own = counts.get(key);
  if (own === undefined) {
    own = new Map();
    counts.set(key, own);
  }
  own.set(inner, (own.get(inner) ?? 0) + 1);
};

/** The same for profiles. `pods`: how far the pods of services are from their usual, 0 to 1 (`podShifts`). */
export const rankProfiles = (
  now: Profile,
  usual: Profile,
  options: RankOptions = rankDefaults,
  pods: ReadonlyMap<string, number> = new Map(),
): Cause[] => {
  const services = [...new Set([...now.callees.keys(), ...usual.callees.keys()])].sort();
  const evidence = new Map(
    services.map((service) => [service, { own: 0, ending: 0, failing: 0, edges: new Map<string, number>() }]),
  );
  for (const [key, unit] of now.units) {
    const before = usual.units.get(key);
    if (before === undefined || Math.min(unit.count, before.count) < options.minSpans) continue;
    const shift = shiftOf(unit, before, options);
    const from = evidence.get(unit.from);
    if (unit.to === '') {
      if (from !== undefined) from.own = Math.max(from.own, shift);
      continue;
    }
    for (const edges of [from?.edges, evidence.get(unit.to)?.edges]) {
      const edge = `${unit.from}→${unit.to}`;
      edges?.set(edge, Math.max(edges.get(edge) ?? 0, shift));
    }
  }
  for (const [ending, excess] of unusualEndings(now, usual, options)) {
    const blamed = evidence.get(ending.slice(0, ending.indexOf('|')));
    if (blamed !== undefined) blamed.ending = Math.max(blamed.ending, excess);
  }
  for (const [service, excess] of unusualFailures(now, usual, options)) {
    const blamed = evidence.get(service);
    if (blamed !== undefined) blamed.failing = Math.max(blamed.failing, excess);
  }
  // A fault changes who is called; the baseline says what is usual, if there is one.
  const { visits, callees, traces } = usual.traces > 0 ? usual : now;
  const placeOf = (service: string) =>
    ((visits.get(service) ?? 0) / Math.max(1, traces)) * (1 + (callees.get(service)?.size ?? 0));
  const highest = Math.max(...services.map(placeOf), Number.MIN_VALUE);
  return services
    .map((service) => {
      const { own, ending, failing, edges } = evidence.get(service) ?? nothing;
      let explained = options.own * own + options.ending * ending + options.failing * failing;
      for (const [edge, shift] of edges) {
        explained += shift * (edge.startsWith(`${service}→`) ? options.calling : options.called);
      }
      const place = placeOf(service) / highest;
      const shown = options.pods * (pods.get(service) ?? 0);
      return { service, score: explained / (1 + edges.size + options.prior) + options.place * place + shown };
    })
    .sort((a, b) => b.score - a.score || (a.service < b.service ? -1 : 1));
};

const nothing = { own: 0, ending: 0, failing: 0, edges: new Map<string, number>() };

/** Where errors began more often than usual, and by how much of an operation's spans. */
const unusualFailures = (now: Profile, usual: Profile, { confidence, minSpans }: RankOptions): [string, number][] =>
  [...now.failures].flatMap(([operation, failures]) => {
    const before = usual.failures.get(operation);
    if (before === undefined) return [];
    const [total, totalBefore] = [sum(failures), sum(before)];
    if (Math.min(total, totalBefore) < minSpans) return [];
    return [...failures].flatMap(([service, count]): [string, number][] => {
      if (service === '') return [];
      // A peer that emits no spans is no service here: then it is the one that calls it.
      const blamed =
        now.callees.has(service) || usual.callees.has(service) ? service : operation.slice(0, operation.indexOf('|'));
      return [[blamed, excessOf(count, total, before.get(service) ?? 0, totalBefore, confidence)]];
    });
  });

/**
 * After which calls spans end more often than usual, by how much. What an operation does differently may be due to its callers: asked for
 * less, it does less. So the largest excess of any operation above it is taken off.
 */
const unusualEndings = (now: Profile, usual: Profile, { confidence, minSpans }: RankOptions): [string, number][] => {
  const excesses = new Map<string, [string, number][]>();
  const largest = new Map<string, number>();
  for (const [operation, endings] of now.endings) {
    const before = usual.endings.get(operation);
    const [total, totalBefore] = [sum(endings), before === undefined ? 0 : sum(before)];
    if (before === undefined || Math.min(total, totalBefore) < minSpans) continue;
    const own = [...endings].map(([ending, count]): [string, number] => [
      ending,
      excessOf(count, total, before.get(ending) ?? 0, totalBefore, confidence),
    ]);
    excesses.set(operation, own);
    largest.set(
      operation,
      own.reduce((most, [, excess]) => Math.max(most, excess), 0),
    );
  }
  return [...excesses].flatMap(([operation, own]) => {
    const shifted = own.filter(([, excess]) => excess > 0);
    if (shifted.length === 0) return [];
    const above = [...ancestors(now.callers, operation)].reduce(
      (most, each) => Math.max(most, largest.get(each) ?? 0),
      0,
    );
    return shifted.map(([ending, excess]): [string, number] => [ending, Math.max(0, excess - above)]);
  });
};

const ancestors = (callers: Profile['callers'], operation: string): Set<string> => {
  const seen = new Set<string>();
  const stack = [operation];
  for (let each = stack.pop(); each !== undefined; each = stack.pop()) {
    for (const caller of callers.get(each) ?? []) {
      if (caller === operation || seen.has(caller)) continue;
      seen.add(caller);
      stack.push(caller);
    }
  }
  return seen;
};

/** Lower confidence bound of the shift of a mean, in log units; 0 when it may be chance. */
const shiftOf = (now: Moments, before: Moments, { confidence, noise }: RankOptions): number => {
  const varianceOf = ({ count, sum: total, squares }: Moments) => Math.max(0, squares / count - (total / count) ** 2);
  // Few spans know little of their own spread, so both sides share one.
  const pooled = (now.count * varianceOf(now) + before.count * varianceOf(before)) / (now.count + before.count) + noise;
  const error = Math.sqrt(pooled * (1 / now.count + 1 / before.count));
  return Math.max(0, now.sum / now.count - before.sum / before.count - confidence * error);
};

/** Lower confidence bound of how much a share grew; 0 when it may be chance. */
const excessOf = (count: number, total: number, before: number, totalBefore: number, confidence: number): number => {
  const pooled = (count + before + 1) / (total + totalBefore + 2);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / total + 1 / totalBefore));
  return Math.max(0, count / total - before / totalBefore - confidence * error);
};

const sum = (counts: ReadonlyMap<string, number>): number => {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
};
