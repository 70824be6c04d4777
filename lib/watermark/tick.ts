import type { Alert, Severity } from '../model/alert.ts';
import type { GaugeName, WatchedQueue, WatermarkRule, WatermarksConfig } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import type { ClusterSnapshot } from '../model/kubernetes-objects.ts';
import type { Bus, Clock, Log, Table } from '../model/ports.ts';
import type { QueueSnapshot } from '../model/queue-snapshot.ts';
import { pressureLevel } from '../model/queue-snapshot.ts';
import type { Reading } from '../model/reading.ts';
import { blindAlert, breachAlerts, capAlert, fullAt, severityOf, type TraceRef } from './breach-alert.ts';
import { effectiveRule, ruleOfSeries } from './effective-rule.ts';
import { evaluate, inactive, type Rule, type SeriesState } from './evaluate.ts';
import { forecast, type Point } from './forecast.ts';
import type { Gauge, Measured, MeasuredSeries, MetricValue } from './gauge.ts';
import { gauges } from './gauges/index.ts';
import type { Recall } from './recall.ts';
import { resume } from './resume.ts';
import { loadOne, loadSeries, type Stored, saveSeries, seriesKey } from './series-store.ts';
import { type Health, watchSource } from './source-health.ts';

/** Where gauges get what they measure. Every member rejects with a Failure when its source does not answer. */
export interface Sources {
  readonly cluster: (name: string, needs: ClusterNeeds) => Promise<ClusterSnapshot>;
  readonly queue: (queue: WatchedQueue, needs: { readonly age: boolean }) => Promise<Omit<QueueSnapshot, 'history'>>;
  readonly cloudwatch: (rule: WatermarkRule) => Promise<readonly MetricValue[]>;
  readonly prometheus: (server: string, query: string) => Promise<readonly MetricValue[]>;
  /** The trace that a message of a queue carries: of a dead-letter queue, one that failed. Undefined where none is known. */
  readonly traceInQueue: (queue: WatchedQueue) => Promise<TraceRef | undefined>;
}

/** Which lists of a cluster some rule reads; the others are not asked for. */
export interface ClusterNeeds {
  readonly pods: boolean;
  readonly nodes: boolean;
}

/** What evaluation is given. */
export interface Evaluating {
  readonly config: WatermarksConfig;
  readonly sources: Sources;
  readonly table: Table;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  /** What this process has seen lately. */
  readonly recall: Recall;
  /** The span of this evaluation; alerts name it, so that one can see how they came about. */
  readonly trace: TraceRef | undefined;
}

export interface TickResult {
  readonly evaluated: boolean;
  readonly series: number;
  readonly transitions: number;
  readonly alerts: number;
}

/** A tick as the schedule sends it. */
export interface Tick {
  /** RFC 3339 time of the schedule. */
  readonly tick: string;
  readonly offsetSeconds: number;
}

/**
 * One tick: asks every source that some rule needs, once each, evaluates every rule over what came, tells what changed and
 * stores it. The claim of the tick's own time makes a second delivery do nothing; a tick that fails gives its claim back.
 */
export const runTick = async (tick: Tick, given: Evaluating): Promise<TickResult> => {
  const { table, clock, config, log } = given;
  const claim = { pk: 'tick', sk: `${tick.tick}+${String(tick.offsetSeconds).padStart(2, '0')}` };
  const now = clock();
  const [last] = await table.query('tick', { limit: 1, descending: true });
  const claimed = await table.put(
    { ...claim, at: now, ttl: Math.floor(now / 1000) + rememberTickSeconds },
    { absent: true },
  );
  if (!claimed) {
    log('info', 'tick was evaluated before', { tick: claim.sk });
    return { evaluated: false, series: 0, transitions: 0, alerts: 0 };
  }
  try {
    const lastAt = typeof last?.['at'] === 'number' ? last['at'] : undefined;
    const outage = lastAt !== undefined && now - lastAt > (config.outageSeconds ?? 300) * 1000 ? lastAt : undefined;
    if (outage !== undefined) log('warn', 'no tick was evaluated for a while', { seconds: (now - outage) / 1000 });
    return await evaluateAll(given, outage);
  } catch (thrown) {
    await table.delete(claim.pk, claim.sk);
    throw thrown;
  }
};

/** One pushed reading through every rule that wants it. A reading that no rule wants is no fault. */
export const runReading = async (reading: Reading, given: Evaluating): Promise<TickResult> => {
  const { config, clock, table } = given;
  const now = clock();
  if (reading.at > now + aheadMs) {
    throw new Failure('bad-input', `lies ${Math.round((reading.at - now) / 1000)} s in the future`, { where: 'at' });
  }
  const steps: Step[] = [];
  for (const [name, rule] of rulesOf(config, ['pushed'])) {
    const measured = gauges.pushed.measure(reading, rule);
    for (const series of measured.series) {
      if (!selected(series, rule)) continue;
      const key = seriesKey(series.labels);
      const former = await loadOne(table, name, key);
      steps.push(...step({ name, rule, gauge: gauges.pushed, key, former, series, now, recall: given.recall }));
    }
  }
  return settle(given, steps, [], 1);
};

const aheadMs = 5 * 60 * 1000;
/** Longer than SQS keeps a tick (its queue's retention), so that no redelivery finds the claim gone. */
const rememberTickSeconds = 2 * 3600;

interface Step {
  readonly rule: string;
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly former: Stored | undefined;
  readonly state: SeriesState;
  readonly severity: Severity | undefined;
  readonly moved: boolean;
  /** A queue gauge that begins to fire: a message of the queue may tell a better trace than the evaluation's own. */
  readonly peek: GaugeName | undefined;
  readonly alerts: (trace: TraceRef | undefined) => readonly Alert[];
}

const evaluateAll = async (given: Evaluating, outage: number | undefined): Promise<TickResult> => {
  const { config, table, clock, log, trace } = given;
  const looks = await lookAround(given);
  const now = clock();
  await watchSources(given, looks, now);
  const alerts: Alert[] = [];
  const steps: Step[] = [];
  let count = 0;
  for (const [name, rule] of rulesOf(config)) {
    const gauge = gauges[rule.gauge];
    if (gauge.source === 'pushed') continue;
    const mine = looks.filter(({ uses }) => uses.includes(name));
    const formers = await loadSeries(table, name);
    const seen = new Set<string>();
    const failed = mine.filter(({ error }) => error !== undefined);
    for (const look of mine) {
      if (look.error !== undefined) continue;
      const measured = look.measure(gauge, rule, name);
      const series = measured.series.filter((each) => selected(each, rule));
      const cap = config.maxSeries ?? 20_000;
      const keys = series.map(({ labels }) => seriesKey(labels));
      if (new Set(keys).size !== keys.length) {
        // Prometheus refuses such an evaluation as a whole, since it cannot tell which value is meant.
        log('error', 'two series have the same labels; the rule is not evaluated', { rule: name, source: look.name });
        for (const key of formers.keys()) seen.add(key);
        continue;
      }
      if (series.length > cap) alerts.push(...(await tellCap(given, name, series.length, cap, now)));
      count += Math.min(series.length, cap);
      for (const [index, each] of series.slice(0, cap).entries()) {
        const key = keys[index] ?? '';
        seen.add(key);
        steps.push(
          ...step({
            name,
            rule,
            gauge,
            key,
            former: formers.get(key),
            series: each,
            now,
            outage,
            recall: given.recall,
          }),
        );
      }
      if (Object.keys(measured.skipped).length > 0) log('debug', 'left out', { rule: name, ...measured.skipped });
    }
    // A series of a source that did not answer keeps its state; nobody knows whether it is still there.
    if (failed.length > 0) continue;
    for (const [key, former] of formers) {
      if (seen.has(key)) continue;
      const { goneReason } = gauge;
      const series: MeasuredSeries = {
        labels: former.labels,
        at: now,
        value: undefined,
        ...(goneReason === undefined ? {} : { gone: goneReason }),
      };
      steps.push(...step({ name, rule, gauge, key, former, series, now, outage, recall: given.recall }));
    }
  }
  await writePressure(given, looks);
  return settle(given, steps, alerts, count, trace);
};

/** Evaluates one series; answers nothing when there is nothing to store. */
const step = (options: {
  readonly name: string;
  readonly rule: WatermarkRule;
  readonly gauge: Gauge;
  readonly key: string;
  readonly former: Stored | undefined;
  readonly series: MeasuredSeries;
  readonly now: number;
  readonly outage?: number | undefined;
  readonly recall: Recall;
}): readonly Step[] => {
  const { name, rule: config, gauge, key, former, series, now, outage, recall } = options;
  const rule: Rule = ruleOfSeries(effectiveRuleOf(config, gauge), series.override);
  const stored = former?.state ?? inactive;
  const before = outage === undefined ? stored : resume(stored, rule, outage, now);
  const { at, value, gone, excused } = series;
  // Series far below their mark are not remembered: there are thousands, and nobody asks for their trend.
  const isWarm = value !== undefined && Number.isFinite(value) && value >= rule.high * warmShare;
  const recent = isWarm ? recall.note(`${name} ${key}`, { at, value }) : [];
  const predicted = isPredicted(config, gauge, rule, value, recent);
  const sample = gone === undefined ? { at, value, predicted, excused } : { at, value, gone };
  const { state, transition } = evaluate(before, sample, rule, now);
  if (state === stored) return [];
  // Fixed when the series begins to fire, until it ends: it is part of the alert's identity.
  const wasFiring = stored.phase === 'firing' || stored.before === 'firing';
  const severity = (wasFiring ? former?.severity : undefined) ?? severityOf(config, gauge, series);
  return [
    {
      rule: name,
      key,
      labels: series.labels,
      former,
      state,
      severity,
      moved: transition !== undefined,
      peek: transition?.to === 'firing' && gauge.source === 'queue' ? gauge.name : undefined,
      alerts: (trace) =>
        transition === undefined
          ? []
          : breachAlerts({
              ruleName: name,
              config,
              gauge,
              rule,
              labels: series.labels,
              former: before,
              state,
              transition,
              measured: series,
              recent,
              severity,
              trace,
            }),
    },
  ];
};

/** Tells first and stores second: a crash between repeats an alert (same identity and start), it never loses one. */
const settle = async (
  given: Evaluating,
  steps: readonly Step[],
  more: readonly Alert[],
  series: number,
  trace: TraceRef | undefined = given.trace,
): Promise<TickResult> => {
  const { bus, table, log } = given;
  const told = await Promise.all(steps.map(async (each) => each.alerts((await traceInQueue(given, each)) ?? trace)));
  const alerts = [...more, ...told.flat()];
  await bus.put(alerts.map(eventOf));
  for (const { status, labels, annotations, fingerprint } of alerts) {
    log('info', `alert ${status}`, { fingerprint, labels, reason: annotations['reason'] });
  }
  await inParallel(steps, writesAtOnce, async ({ rule, key, labels, state, severity, former }) => {
    const saved = await saveSeries(table, rule, key, { labels, state, severity }, former);
    if (!saved) log('warn', 'another evaluation has moved this series on', { rule, labels });
  });
  return { evaluated: true, series, transitions: steps.filter(({ moved }) => moved).length, alerts: alerts.length };
};

/** Share of the high mark from which a series is remembered. */
const warmShare = 0.5;

/** Whether the cautious end of a forecast says that the series will be full within the time that the rule looks ahead. */
const isPredicted = (
  { forecast: ahead }: WatermarkRule,
  gauge: Gauge,
  rule: Rule,
  value: number | undefined,
  recent: readonly Point[],
): boolean => {
  if (ahead === undefined || value === undefined || value <= (ahead.from ?? rule.low)) return false;
  const latest = forecast(recent, fullAt(gauge, rule))?.latest;
  return latest !== undefined && latest <= ahead.withinSeconds;
};

/** Of a dead-letter queue always, of another one only where the configuration allows to look into it. */
const traceInQueue = async (
  { config, sources, log }: Evaluating,
  { peek, labels }: Step,
): Promise<TraceRef | undefined> => {
  const queue = config.queues?.find((each) => nameOfQueue(each) === labels['queue']);
  if (peek === undefined || queue === undefined || !(queue.peek ?? peek === 'queue-dead-letters')) return undefined;
  try {
    return await sources.traceInQueue(queue);
  } catch (thrown) {
    // The alert is worth more than its trace.
    log('warn', 'the queue could not be looked into for a trace', {
      queue: labels['queue'],
      reason: Failure.from(thrown).message,
    });
    return undefined;
  }
};

const writesAtOnce = 25;

/** One source asked, with its answer or why there is none. */
interface Look {
  readonly name: string;
  readonly uses: readonly string[];
  readonly error?: string;
  readonly measure: (gauge: Gauge, rule: WatermarkRule, ruleName: string) => Measured;
  readonly queue?: QueueSnapshot;
}

const nothing: Measured = { series: [], skipped: {} };

/** Asks all sources at once; what one of them answers does not depend on another. */
const lookAround = async (given: Evaluating): Promise<readonly Look[]> => {
  const { config, sources, table, log } = given;
  const kubernetes = rulesOf(config, ['pod-memory', 'pod-cpu', 'node-memory', 'node-cpu']);
  const needs = {
    pods: kubernetes.some(([, { gauge }]) => gauge === 'pod-memory' || gauge === 'pod-cpu'),
    nodes: kubernetes.some(([, { gauge }]) => gauge === 'node-memory' || gauge === 'node-cpu'),
  };
  const queueRules = rulesOf(config, [
    'queue-backlog',
    'queue-in-flight',
    'queue-age',
    'queue-dead-letters',
    'queue-drain',
    'queue-breach',
  ]);
  const wantsAge = queueRules.some(([, { gauge }]) => gauge === 'queue-age');
  const looks: Promise<Look>[] = [];
  if (kubernetes.length > 0) {
    for (const cluster of Object.keys(config.clusters ?? {})) {
      const uses = kubernetes.filter(([, { selector }]) => matches(selector, 'cluster', cluster)).map(([name]) => name);
      if (uses.length === 0) continue;
      looks.push(
        looking(`kubernetes/${cluster}`, uses, async () => {
          const snapshot = await sources.cluster(cluster, needs);
          for (const reason of snapshot.unread ?? []) log('warn', 'a list could not be read', { reason });
          return { measure: (gauge, rule) => gauge.measure(snapshot, rule) };
        }),
      );
    }
  }
  for (const queue of config.queues ?? []) {
    const name = nameOfQueue(queue);
    const uses = queueRules.filter(([, { selector }]) => matches(selector, 'queue', name)).map(([rule]) => rule);
    looks.push(
      looking(`sqs/${name}`, uses, async () => {
        const [seen, pressure] = await Promise.all([
          sources.queue(queue, { age: wantsAge && queue.age !== false }),
          table.get('pressure', name),
        ]);
        const history = (pressure?.['history'] ?? []) as QueueSnapshot['history'];
        const snapshot = { ...seen, history };
        return { queue: snapshot, measure: (gauge, rule) => gauge.measure(snapshot, rule) };
      }),
    );
  }
  for (const [name, rule] of rulesOf(config, ['cloudwatch'])) {
    looks.push(
      looking(`cloudwatch/${name}`, [name], async () => {
        const values = await sources.cloudwatch(rule);
        return { measure: (gauge) => gauge.measure(values, rule) };
      }),
    );
  }
  const servers = Object.keys(config.prometheus ?? {});
  for (const [name, rule] of rulesOf(config, ['prometheus'])) {
    const server = rule.server ?? servers[0] ?? '';
    looks.push(
      looking(`prometheus/${server}/${name}`, [name], async () => {
        const values = await sources.prometheus(server, rule.query ?? '');
        return { measure: (gauge) => gauge.measure(values, rule) };
      }),
    );
  }
  return Promise.all(looks);
};

const looking = async (
  name: string,
  uses: readonly string[],
  look: () => Promise<Pick<Look, 'measure' | 'queue'>>,
): Promise<Look> => {
  try {
    return { name, uses, ...(await look()) };
  } catch (thrown) {
    return { name, uses, error: Failure.from(thrown).message, measure: () => nothing };
  }
};

/** Keeps account of who answers, and tells when a source goes blind or sees again. Told before it is stored: see settle(). */
const watchSources = async (given: Evaluating, looks: readonly Look[], at: number): Promise<void> => {
  const { table, bus, config, log, trace } = given;
  const stored = new Map((await table.query('watermark-source')).map((item) => [item.sk, item['health'] as Health]));
  for (const { name, error, uses } of looks) {
    const former = stored.get(name);
    const outcome = error === undefined ? { at } : { at, error };
    const { health, transition } = watchSource(former, outcome, config.blindAfterSeconds ?? 60);
    if (error !== undefined) log('error', 'source does not answer', { source: name, reason: error });
    if (transition !== undefined) {
      const since = (transition === 'blind' ? health?.failingSince : former?.failingSince) ?? at;
      const status = transition === 'blind' ? ('firing' as const) : ('resolved' as const);
      const reason = transition === 'blind' ? (error ?? '') : 'it answers again';
      await bus.put([eventOf(blindAlert({ source: name, status, since, at, reason, rules: uses, trace }))]);
      log('info', `alert ${status}`, { labels: { alertname: 'WatermarkBlind', source: name }, reason });
    }
    if (health === former) continue;
    if (health === undefined) await table.delete('watermark-source', name);
    else await table.put({ pk: 'watermark-source', sk: name, health });
  }
};

const eventOf = (detail: Alert) => ({ source: 'tidemark.evaluate-watermarks', detailType: 'Alert', detail });

/** Said once a day per rule. */
const tellCap = async (
  given: Evaluating,
  rule: string,
  count: number,
  cap: number,
  at: number,
): Promise<readonly Alert[]> => {
  const first = await given.table.put(
    { pk: 'watermark-cap', sk: rule, ttl: Math.floor(at / 1000) + 86_400 },
    { absent: true },
  );
  return first ? [capAlert(rule, count, cap, at, given.trace)] : [];
};

/** What samplers read. The history is what trends are worked out from. */
const writePressure = async ({ table }: Evaluating, looks: readonly Look[]): Promise<void> => {
  await inParallel(looks, writesAtOnce, async ({ queue }) => {
    if (queue === undefined || queue.capacity === undefined) return;
    const { name, at, visible, capacity } = queue;
    const fill = visible / capacity;
    const history = [...queue.history, { at, backlog: visible }].slice(-historyPoints);
    const level = pressureLevel(fill);
    await table.put(
      { pk: 'pressure', sk: name, level, fill, backlog: visible, capacity, at, history },
      { below: { at } },
    );
  });
};

/** Ten minutes of ticks. */
const historyPoints = 20;

const rulesOf = (config: WatermarksConfig, of?: readonly GaugeName[]): readonly (readonly [string, WatermarkRule])[] =>
  Object.entries(config.rules ?? {}).filter(([, { gauge }]) => of === undefined || of.includes(gauge));

const selected = ({ labels }: MeasuredSeries, { selector }: WatermarkRule): boolean =>
  selector === undefined || Object.entries(selector).every(([name, value]) => labels[name] === value);

const matches = (selector: WatermarkRule['selector'], label: string, value: string): boolean =>
  selector?.[label] === undefined || selector[label] === value;

export const nameOfQueue = ({ arn }: { readonly arn: string }): string => arn.slice(arn.lastIndexOf(':') + 1);

const effectiveRuleOf = (config: WatermarkRule, gauge: Gauge): Rule => {
  const known = effective.get(config);
  if (known !== undefined) return known;
  const rule = effectiveRule(config, gauge);
  effective.set(config, rule);
  return rule;
};

/** Follows from the configuration alone, so it may outlive an invocation. */
const effective = new WeakMap<WatermarkRule, Rule>();

const inParallel = async <T>(items: readonly T[], width: number, each: (item: T) => Promise<void>): Promise<void> => {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next] as T;
      next += 1;
      await each(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
};
