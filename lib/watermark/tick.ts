import { Failure } from '../model/failure.ts';
import type { Reading } from '../model/reading.ts';
import type { Evaluating } from './evaluating.ts';
import { gauges } from './gauges/index.ts';
import { lookAround, rulesOf } from './look-around.ts';
import { writePressures } from './pressure.ts';
import { settleRemovedRules } from './removed-rules.ts';
import { evaluateRule, isSelected } from './rule-evaluation.ts';
import { tellCaps } from './series-cap.ts';
import { type Step, stepSeries } from './series-step.ts';
import { identityOf, loadOne, seriesKey } from './series-store.ts';
import { settle } from './settle.ts';
import { type Outcome, watchSources } from './source-watch.ts';

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

/** Longer than SQS keeps a tick (its queue's retention), so that no redelivery finds the claim gone. */
const rememberTickSeconds = 2 * 3600;

const evaluateAll = async (given: Evaluating, outage: number | undefined): Promise<TickResult> => {
  const { config, clock, recall, table } = given;
  await settleRemovedRules(given, clock());
  const looks = await lookAround(given);
  const now = clock();
  const cap = config.maxSeries ?? 20_000;
  const outcomes: Outcome[] = [...looks];
  const steps: Step[] = [];
  const counts = new Map<string, number | undefined>();
  let count = 0;
  for (const [name, rule] of rulesOf(config)) {
    const gauge = gauges[rule.gauge];
    if (gauge.source === 'pushed') continue;
    const mine = looks.filter(({ uses }) => uses.includes(name));
    const stepping = { name, rule, gauge, now, outage, recall };
    const { series, uncapped, error, steps: moved } = await evaluateRule(stepping, mine, cap, given);
    outcomes.push({ name: `rules/${name}`, kind: 'rule', uses: [name], ...(error === undefined ? {} : { error }) });
    if (error === undefined && mine.every((look) => look.error === undefined)) counts.set(name, uncapped);
    count += series;
    steps.push(...moved);
  }
  await watchSources(given, outcomes, now);
  await writePressures(
    table,
    looks.flatMap(({ backlog }) => (backlog === undefined ? [] : [backlog])),
  );
  const caps = await tellCaps(given, counts, cap, now);
  const { alerts } = await settle(given, steps);
  return resultOf(count, steps, alerts + caps);
};

/** One pushed reading through every rule that wants it. A reading that no rule wants is no fault. */
export const runReading = async (reading: Reading, given: Evaluating): Promise<TickResult> => {
  const { config, clock, table, recall } = given;
  const now = clock();
  if (reading.at > now + aheadMs) {
    throw new Failure('bad-input', `lies ${Math.round((reading.at - now) / 1000)} s in the future`, { where: 'at' });
  }
  const gauge = gauges.pushed;
  const steps: Step[] = [];
  for (const [name, rule] of rulesOf(config, ['pushed'])) {
    for (const series of gauge.measure(reading, rule).series) {
      if (!isSelected(series, rule)) continue;
      const former = await loadOne(table, name, seriesKey(series.labels));
      const identity = identityOf(series.labels);
      const step = stepSeries({ name, rule, gauge, now, recall }, { identity, former, series });
      if (step !== undefined) steps.push(step);
    }
  }
  const { alerts } = await settle(given, steps);
  return resultOf(1, steps, alerts);
};

const aheadMs = 5 * 60 * 1000;

const resultOf = (series: number, steps: readonly Step[], alerts: number): TickResult => ({
  evaluated: true,
  series,
  transitions: steps.filter(({ moved }) => moved).length,
  alerts,
});
