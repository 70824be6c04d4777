import { matcher } from '#tidemark.route-matcher';
import { absentCollector, type BackEnd, type ExportOutcome } from '../model/back-end.ts';
import type { RouteConfig } from '../model/config/telemetry.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Log } from '../model/ports.ts';
import { type Span, serviceOf } from '../model/span.ts';

export interface BackEndLimits {
  /** Spans that wait at most. @default 2048 */
  readonly maxQueue?: number | undefined;
  /** Spans of one export at most. @default 512 */
  readonly maxBatch?: number | undefined;
  /** Longest wait of one export, in milliseconds. @default 10000 */
  readonly timeoutMs?: number | undefined;
}

/** Takes what must not leave out of a span. */
export type Redact = (span: Span) => Span;

export interface RouterOptions {
  readonly backEnds: readonly BackEnd[];
  /** The first that matches a service decides. */
  readonly routes: readonly RouteConfig[];
  /** For services that no route matches. @default all back ends */
  readonly defaultBackEnds?: readonly string[] | undefined;
  readonly limits?: Readonly<Record<string, BackEndLimits>>;
  /** Redaction of a back end, made when it is first needed, since a key may have to be fetched. Without an entry spans leave as they are. */
  readonly redactors?: Readonly<Record<string, () => Promise<Redact> | Redact>>;
  readonly clock: Clock;
  /** Calls back after so many milliseconds, unless what it answers is called before. */
  readonly later: (ms: number, call: () => void) => () => void;
  readonly log?: Log;
  /** Told of every export and every loss, with one of its spans; of losses without an export `ms` is undefined. */
  readonly onOutcome?: (backEnd: string, outcome: ExportOutcome, ms: number | undefined, example: Span) => void;
  /** Told when a back end is left alone, and when it is used again. */
  readonly onBreaker?: (backEnd: string, open: boolean) => void;
}

export interface SpanRouter {
  /** Takes one finished span. It leaves when a batch is full, or with the next flush. */
  readonly keep: (span: Span) => void;
  /**
   * Takes many spans that are in memory anyway, and flushes: only what is left of them at the deadline has to find room in the queues.
   */
  readonly route: (spans: readonly Span[], deadlineMs: number) => Promise<void>;
  /** Resolves when every back end has what waited for it, or the time is over; what is under way then goes on. Never rejects. */
  readonly flush: (deadlineMs: number) => Promise<void>;
}

/** Exports in a row without one span kept, after which a back end is left alone. */
const maxFailures = 3;
/** How long it is left alone before one batch tries again. */
const openMs = 30_000;
/** Services whose route is remembered: names come from outside, so not all of them. */
const maxServices = 1000;

/**
 * Sends spans to the back ends of their service. Each back end has its own queue, redaction, batches and breaker, and works through them
 * by itself: one that is dead or slow delays no other one and takes nobody's room.
 */
export const routeSpans = (options: RouterOptions): SpanRouter => {
  const { log, onOutcome } = options;
  const lanes = new Map(options.backEnds.map((backEnd) => [backEnd.name, laneOf(backEnd, options)]));
  const lanesOf = (names: readonly string[], where: string): Lane[] =>
    names.map((name) => {
      const lane = lanes.get(name);
      if (lane === undefined) throw new Failure('misconfigured', `there is no back end '${name}'`, { where });
      return lane;
    });
  const routes = options.routes.map((route, at) => ({
    matches: matcher(route, at),
    lanes: lanesOf(route.backEnds, `telemetry.routes[${at}].backEnds`),
  }));
  const others =
    options.defaultBackEnds === undefined
      ? [...lanes.values()]
      : lanesOf(options.defaultBackEnds, 'telemetry.defaultBackEnds');
  const known = new Map<string, readonly Lane[]>();
  const lanesFor = (service: string): readonly Lane[] => {
    let found = known.get(service);
    if (found === undefined) {
      found = routes.find(({ matches }) => matches(service))?.lanes ?? others;
      if (known.size >= maxServices) known.clear();
      known.set(service, found);
    }
    return found;
  };

  const homeless = (span: Span, count: number): void => {
    onOutcome?.('none', { kept: 0, dropped: { 'no-route': count } }, undefined, span);
    log?.('debug', 'no route leads anywhere for some spans', { spans: count, service: serviceOf(span) });
  };
  const flush = async (deadlineMs: number): Promise<void> => {
    await Promise.all([...lanes.values()].map((lane) => lane.flush(deadlineMs)));
  };

  return {
    keep: (span) => {
      const to = lanesFor(serviceOf(span));
      if (to.length === 0) homeless(span, 1);
      for (const lane of to) lane.keep(span);
    },
    route: async (spans, deadlineMs) => {
      let lost: Span | undefined;
      let count = 0;
      for (const span of spans) {
        const to = lanesFor(serviceOf(span));
        for (const lane of to) lane.take(span);
        if (to.length > 0) continue;
        lost ??= span;
        count += 1;
      }
      if (lost !== undefined) homeless(lost, count);
      await flush(deadlineMs);
    },
    flush,
  };
};

/** One back end with all that is its own. Functions in place of a class: names of members stay long when code is minified. */
interface Lane {
  readonly keep: (span: Span) => void;
  readonly take: (span: Span) => void;
  /** Works through the queue, or goes on with what is under way, and waits for it no longer than told. */
  readonly flush: (deadlineMs: number) => Promise<void>;
}

const laneOf = (backEnd: BackEnd, options: RouterOptions): Lane => {
  const { maxQueue = 2048, maxBatch = 512, timeoutMs = 10_000 } = options.limits?.[backEnd.name] ?? {};
  const queue: Span[] = [];
  /** One of those that found no room since the last flush. */
  let overflown: Span | undefined;
  let overflowCount = 0;
  let redacting: Promise<Redact> | undefined;
  let draining: Promise<void> | undefined;
  let failures = 0;
  let openUntil = 0;
  let isOpen = false;

  const keep = (span: Span): void => {
    if (queue.length >= maxQueue) {
      overflown ??= span;
      overflowCount += 1;
      return;
    }
    queue.push(span);
    if (queue.length >= maxBatch && draining === undefined && mayTry()) void start(timeoutMs);
  };

  const take = (span: Span): void => {
    queue.push(span);
  };

  const flush = async (deadlineMs: number): Promise<void> => {
    const until = options.clock() + deadlineMs;
    for (let left = deadlineMs; left > 0; left = until - options.clock()) {
      // What began with another deadline may end before this one.
      if (draining === undefined && (queue.length === 0 || !mayTry())) break;
      await within(draining ?? start(left), left);
    }
    const over = queue.splice(maxQueue);
    overflown ??= over[0];
    overflowCount += over.length;
    if (overflown !== undefined) lost('queue-full', overflowCount, overflown);
    overflown = undefined;
    overflowCount = 0;
  };

  const mayTry = (): boolean => {
    return options.clock() >= openUntil;
  };

  const start = (budgetMs: number): Promise<void> => {
    draining = drain(options.clock() + budgetMs).finally(() => {
      draining = undefined;
    });
    return draining;
  };

  const drain = async (until: number): Promise<void> => {
    const { clock } = options;
    while (queue.length > 0 && clock() < until && mayTry()) {
      const cleaned = await clean(queue.splice(0, maxBatch));
      const [example] = cleaned;
      if (example === undefined) continue;
      const started = clock();
      const budget = Math.max(1, Math.min(timeoutMs, until - started));
      const outcome = await send(cleaned, budget);
      options.onOutcome?.(backEnd.name, outcome, clock() - started, example);
      judge(outcome, cleaned.length);
    }
  };

  /** Fails closed: what could not be looked through is dropped. */
  const clean = async (batch: readonly Span[]): Promise<readonly Span[]> => {
    const make = options.redactors?.[backEnd.name];
    if (make === undefined) return batch;
    redacting ??= Promise.resolve().then(make);
    try {
      const redact = await redacting;
      return batch.map(redact);
    } catch (thrown) {
      redacting = undefined;
      lost('redaction-failed', batch.length, batch[0] as Span, thrown);
      return [];
    }
  };

  const send = async (batch: readonly Span[], budget: number): Promise<ExportOutcome> => {
    try {
      const outcome = await within(backEnd.export(batch, budget), budget);
      return outcome ?? { kept: 0, dropped: { timeout: batch.length } };
    } catch (thrown) {
      // It has promised not to.
      return { kept: 0, dropped: { [Failure.from(thrown, 'internal').code]: batch.length } };
    }
  };

  const judge = ({ kept, dropped }: ExportOutcome, sent: number): void => {
    const { clock, log, onBreaker } = options;
    const { name } = backEnd;
    const reasons = Object.keys(dropped);
    // Said once by the back end itself, and no failure of anything.
    if (reasons.length === 1 && reasons[0] === absentCollector) return;
    if (kept < sent && reasons.length > 0) {
      log?.('warn', 'spans were not exported', { backEnd: name, kept, dropped });
    }
    if (kept > 0 || sent === 0) {
      failures = 0;
      if (isOpen) {
        isOpen = false;
        onBreaker?.(name, false);
        log?.('info', 'back end takes spans again', { backEnd: name });
      }
      return;
    }
    failures += 1;
    if (failures < maxFailures) return;
    openUntil = clock() + openMs;
    if (isOpen) return;
    isOpen = true;
    onBreaker?.(name, true);
    log?.('warn', 'back end is left alone for a while', { backEnd: name, failures: failures, openMs });
  };

  const lost = (reason: string, count: number, example: Span, cause?: unknown): void => {
    const { log, onOutcome } = options;
    onOutcome?.(backEnd.name, { kept: 0, dropped: { [reason]: count } }, undefined, example);
    log?.('warn', 'spans were dropped', {
      backEnd: backEnd.name,
      reason,
      spans: count,
      ...(cause === undefined ? {} : { error: Failure.from(cause).message }),
    });
  };

  /** Undefined when the time is over first. */
  const within = <T>(work: Promise<T>, ms: number): Promise<T | undefined> => {
    return new Promise((resolve, reject) => {
      const cancel = options.later(ms, () => resolve(undefined));
      work.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (thrown: unknown) => {
          cancel();
          reject(thrown as Error);
        },
      );
    });
  };

  return { keep, take, flush };
};
