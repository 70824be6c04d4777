import { type Alert, alert, type Severity } from '../model/alert.ts';
import type { WatermarkRule } from '../model/config/watermarks.ts';
import type { Rule, SeriesState, Transition } from './evaluate.ts';
import { isFlapping } from './evaluate.ts';
import { forecast, type Point } from './forecast.ts';
import { timeToFull, unknownTrend } from './forecast-words.ts';
import type { Gauge, MeasuredSeries } from './gauge.ts';
import type { Stored } from './series-store.ts';

export type TraceRef = { readonly traceId: string; readonly spanId: string };

/** One transition of one series, with everything that an alert can say about it. */
export interface Breach {
  readonly ruleName: string;
  readonly config: WatermarkRule;
  /** Labels of the rule, as the alert has had them since it began. */
  readonly ruleLabels: Readonly<Record<string, string>> | undefined;
  readonly gauge: Gauge;
  readonly rule: Rule;
  readonly labels: Readonly<Record<string, string>>;
  readonly former: SeriesState;
  readonly state: SeriesState;
  readonly transition: Transition;
  /** Undefined for a series that is not there any more. */
  readonly measured: MeasuredSeries | undefined;
  /** Samples of late, oldest first; the newest is this one. */
  readonly recent: readonly Point[];
  readonly severity: Severity;
  readonly trace: TraceRef | undefined;
}

/** What a transition tells: nothing (pending), a fire or a resolution, and the same for a series that is without data. */
export const breachAlerts = (breach: Breach): readonly Alert[] => {
  const { former, transition } = breach;
  const { from, to } = transition;
  const alerts: Alert[] = [];
  if (to === 'blind') alerts.push(noDataAlert(breach, 'firing'));
  if (from === 'blind') alerts.push(noDataAlert(breach, 'resolved'));
  const wasFiring = from === 'firing' || (from === 'blind' && former.before === 'firing');
  // A series that goes blind while firing is not resolved: nobody knows.
  if (to === 'firing' && !wasFiring) alerts.push(valueAlert(breach, 'firing'));
  if (wasFiring && (to === 'inactive' || to === 'pending')) alerts.push(valueAlert(breach, 'resolved'));
  return alerts;
};

const valueAlert = (breach: Breach, status: 'firing' | 'resolved'): Alert => {
  const { ruleName, config, ruleLabels, gauge, rule, labels, former, state, transition, measured, severity, trace } =
    breach;
  const value = measured?.value;
  const firedAt = status === 'firing' ? transition.at : (former.firedAt ?? transition.at);
  const flapping = status === 'firing' && isFlapping(state, transition.at, rule);
  const threshold = status === 'firing' ? rule.high : rule.low;
  const subject = subjectOf(labels);
  return alert({
    status,
    labels: identity(ruleName, ruleLabels, severity, labels),
    annotations: {
      summary:
        status === 'firing'
          ? `${subject}: ${gauge.name} is ${show(value, gauge)}, above ${show(rule.high, gauge)}`
          : `${subject}: ${gauge.name} ${value === undefined ? transition.reason : `is back at ${show(value, gauge)}`}`,
      description: describe(breach, status),
      ...(value === undefined ? {} : { value: exact(value) }),
      threshold: exact(threshold),
      reason: transition.reason,
      ...(flapping
        ? {
            flapping: `cleared ${rule.flap?.clears} times within ${rule.flap?.windowSeconds} s; it resolves only after ${rule.flap?.quietSeconds} quiet seconds`,
          }
        : {}),
      ...trendOf(breach),
      ...measured?.describe?.(breach.recent),
      ...(config.runbookUrl === undefined ? {} : { runbook_url: config.runbookUrl }),
    },
    startsAt: time(firedAt),
    ...(status === 'resolved' ? { endsAt: time(transition.at) } : {}),
    ...(trace === undefined ? {} : { trace }),
  });
};

const noDataAlert = (breach: Breach, status: 'firing' | 'resolved'): Alert => {
  const { ruleName, ruleLabels, gauge, labels, former, state, transition, trace } = breach;
  const since = (status === 'firing' ? state.missingSince : former.missingSince) ?? transition.at;
  return alert({
    status,
    labels: identity(`${ruleName}NoData`, ruleLabels, 'warning', labels),
    annotations: {
      summary: `${subjectOf(labels)}: ${gauge.name} ${status === 'firing' ? 'has no data: neither ok nor firing' : 'has data again'}`,
      reason: transition.reason,
    },
    startsAt: time(since),
    ...(status === 'resolved' ? { endsAt: time(transition.at) } : {}),
    ...(trace === undefined ? {} : { trace }),
  });
};

/** One alert for a whole source that does not answer. */
export const blindAlert = (options: {
  readonly source: string;
  readonly summary: string;
  readonly status: 'firing' | 'resolved';
  readonly since: number;
  readonly at: number;
  readonly reason: string;
  readonly rules: readonly string[];
  readonly trace: TraceRef | undefined;
}): Alert => {
  const { source, summary, status, since, at, reason, rules, trace } = options;
  return alert({
    status,
    labels: { alertname: 'WatermarkBlind', severity: 'critical', source },
    annotations: {
      summary,
      ...(rules.length === 0
        ? {}
        : {
            description: `Rules that depend on it: ${rules.join(', ')}. Their alerts neither fire nor resolve meanwhile.`,
          }),
      reason,
    },
    startsAt: time(since),
    ...(status === 'resolved' ? { endsAt: time(at) } : {}),
    ...(trace === undefined ? {} : { trace }),
  });
};

/** What ends the alerts of a series whose rule is not configured any more: nothing will ever measure it again. */
export const orphanAlerts = (
  ruleName: string,
  { labels, state, severity = 'critical', ruleLabels }: Stored,
  at: number,
  trace: TraceRef | undefined,
): readonly Alert[] => {
  const { phase, before, firedAt = at, missingSince = at } = state;
  const resolved = (alertname: string, as: Severity, since: number) =>
    alert({
      status: 'resolved',
      labels: identity(alertname, ruleLabels, as, labels),
      annotations: { summary: `${subjectOf(labels)}: ${ruleName} is no longer watched`, reason: 'rule removed' },
      startsAt: time(since),
      endsAt: time(at),
      ...(trace === undefined ? {} : { trace }),
    });
  return [
    ...(phase === 'blind' ? [resolved(`${ruleName}NoData`, 'warning', missingSince)] : []),
    ...(phase === 'firing' || before === 'firing' ? [resolved(ruleName, severity, firedAt)] : []),
  ];
};

/** One alert for a rule with more series than are allowed. */
export const capAlert = (
  ruleName: string,
  count: number,
  cap: number,
  at: number,
  trace: TraceRef | undefined,
): Alert =>
  alert({
    status: 'firing',
    labels: capLabels(ruleName),
    annotations: {
      summary: `${ruleName} has ${count} series; ${count - cap} of them are not watched`,
      description: `watermarks.maxSeries is ${cap}. Narrow the rule's selector or raise the cap.`,
    },
    startsAt: time(at),
    ...(trace === undefined ? {} : { trace }),
  });

/** Its end: every series of the rule is watched again, or nobody asks for them any more. */
export const uncappedAlert = (ruleName: string, since: number, at: number, trace: TraceRef | undefined): Alert =>
  alert({
    status: 'resolved',
    labels: capLabels(ruleName),
    annotations: { summary: `${ruleName} has no more series than are allowed` },
    startsAt: time(since),
    endsAt: time(at),
    ...(trace === undefined ? {} : { trace }),
  });

const capLabels = (rule: string) => ({ alertname: 'WatermarkSeriesCapped', severity: 'warning', rule }) as const;

/** The trend of the samples of late; and for what can be full, when it will be. */
const trendOf = ({ gauge, rule, recent }: Breach): Readonly<Record<string, string>> => {
  const seen = forecast(recent, fullAt(gauge, rule));
  if (seen === undefined) return { trend: unknownTrend(recent.length) };
  const hourly = seen.slope * 3600;
  if (gauge.unit !== 'ratio') return { trend: `${Number(hourly.toPrecision(4))} an hour` };
  return { trend: `${(hourly * 100).toFixed(1)} % an hour`, time_to_full: timeToFull(seen) };
};

/** A ratio is full at 1; anything else has no end but its mark. */
export const fullAt = (gauge: Gauge, { high }: Rule): number => (gauge.unit === 'ratio' ? Math.max(1, high) : high);

/** The series' own labels never replace the name and severity of the alert. */
const identity = (
  alertname: string,
  ruleLabels: Readonly<Record<string, string>> | undefined,
  severity: Severity,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => ({ ...labels, ...ruleLabels, alertname, severity });

/** A series without a limit to be measured by is never critical. */
export const severityOf = (config: WatermarkRule, gauge: Gauge, measured: MeasuredSeries): Severity => {
  const severity = config.severity ?? gauge.defaults.severity;
  return measured.atMost === 'warning' && severity === 'critical' ? 'warning' : severity;
};

const describe = ({ gauge, rule, transition }: Breach, status: 'firing' | 'resolved'): string =>
  status === 'firing'
    ? `${gauge.name} ${transition.reason}. It resolves at or below ${show(rule.low, gauge)}${rule.keepFiringForSeconds > 0 ? ` for ${rule.keepFiringForSeconds} s` : ''}.`
    : `${gauge.name} ${transition.reason}.`;

const subjectOf = (labels: Readonly<Record<string, string>>): string => {
  const { namespace, pod, container, queue, node } = labels;
  if (pod !== undefined) return `${namespace}/${pod}${container === undefined ? '' : ` (${container})`}`;
  return queue ?? node ?? (Object.values(labels).join(' ') || 'the series');
};

const show = (value: number | undefined, gauge: Gauge): string => {
  if (value === undefined) return 'unknown';
  if (!Number.isFinite(value)) return exact(value);
  if (gauge.unit === 'ratio') return `${(value * 100).toFixed(1)} %`;
  if (gauge.unit === 'seconds') return `${Math.round(value)} s`;
  return gauge.unit === 'messages' ? `${value} messages` : String(Number(value.toPrecision(4)));
};

/** JSON has no infinity; Prometheus spells it so. */
const exact = (value: number): string =>
  value === Number.POSITIVE_INFINITY
    ? '+Inf'
    : value === Number.NEGATIVE_INFINITY
      ? '-Inf'
      : String(Number(value.toPrecision(12)));

const time = (at: number): string => new Date(at).toISOString();
