import type { Alert, Severity } from '../model/alert.ts';
import type { GaugeName, WatermarkRule } from '../model/config/watermarks.ts';
import { breachAlerts, fullAt, severityOf, type TraceRef } from './breach-alert.ts';
import { effectiveRule, ruleOfSeries } from './effective-rule.ts';
import { evaluate, inactive, type Rule, type SeriesState } from './evaluate.ts';
import type { Gauge, MeasuredSeries } from './gauge.ts';
import { isPredicted } from './looks-ahead.ts';
import type { Recall } from './recall.ts';
import { resume } from './resume.ts';
import { type Stored, seriesKey } from './series-store.ts';

/** One series that has moved on: what is to be told and stored of it. */
export interface Step {
  readonly rule: string;
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly former: Stored | undefined;
  readonly state: SeriesState;
  readonly severity: Severity | undefined;
  readonly ruleLabels: Readonly<Record<string, string>> | undefined;
  readonly moved: boolean;
  /** A queue gauge that begins to fire: a message of the queue may tell a better trace than the evaluation's own. */
  readonly peek: GaugeName | undefined;
  readonly alerts: (trace: TraceRef | undefined) => readonly Alert[];
}

/** What all series of one rule have in common in one evaluation. */
export interface Stepping {
  readonly name: string;
  readonly rule: WatermarkRule;
  readonly gauge: Gauge;
  readonly now: number;
  /** Nothing was evaluated from then to now. */
  readonly outage?: number | undefined;
  readonly recall: Recall;
}

/** Evaluates one series; undefined when there is nothing to store. */
export const stepSeries = (
  { name, rule: config, gauge, now, outage, recall }: Stepping,
  {
    identity,
    former,
    series,
  }: { readonly identity: string; readonly former: Stored | undefined; readonly series: MeasuredSeries },
): Step | undefined => {
  const rule: Rule = ruleOfSeries(effectiveRuleOf(config, gauge), series.override);
  const stored = former?.state ?? inactive;
  const before = outage === undefined ? stored : resume(stored, rule, outage, now);
  const { at, value, gone, excused } = series;
  // Series far below their mark are not remembered: there are thousands, and nobody asks for their trend.
  const isWarm = value !== undefined && Number.isFinite(value) && value >= rule.high * warmShare;
  const recent = isWarm ? recall.note(`${name} ${identity}`, { at, value }) : [];
  const predicted = isPredicted({ ahead: config.forecast, low: rule.low, full: fullAt(gauge, rule), value, recent });
  const sample = gone === undefined ? { at, value, predicted, excused } : { at, value, gone };
  const { state, transition } = evaluate(before, sample, rule, now);
  if (state === stored) return undefined;
  // Fixed when the series begins to fire, until it ends: both are part of the alert's identity, whatever the rule says by then.
  const wasFiring = stored.phase === 'firing' || stored.before === 'firing';
  const severity = (wasFiring ? former?.severity : undefined) ?? severityOf(config, gauge, series);
  const ruleLabels = (wasFiring || stored.phase === 'blind' ? former?.ruleLabels : undefined) ?? config.labels;
  const { labels } = series;
  const breach = {
    ruleName: name,
    config,
    ruleLabels,
    gauge,
    rule,
    labels,
    former: before,
    state,
    measured: series,
    recent,
  };
  return {
    rule: name,
    key: former?.key ?? seriesKey(labels),
    labels,
    former,
    state,
    severity,
    ruleLabels,
    moved: transition !== undefined,
    peek: transition?.to === 'firing' && gauge.source === 'queue' ? gauge.name : undefined,
    alerts: (trace) => (transition === undefined ? [] : breachAlerts({ ...breach, transition, severity, trace })),
  };
};

/** Share of the high mark from which a series is remembered. */
const warmShare = 0.5;

const effectiveRuleOf = (config: WatermarkRule, gauge: Gauge): Rule => {
  const known = effective.get(config);
  if (known !== undefined) return known;
  const rule = effectiveRule(config, gauge);
  effective.set(config, rule);
  return rule;
};

/** Follows from the configuration alone, so it may outlive an invocation. */
const effective = new WeakMap<WatermarkRule, Rule>();
