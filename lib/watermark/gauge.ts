import type { GaugeName, WatermarkRule } from '../model/config/watermarks.ts';
import type { ClusterSnapshot } from '../model/kubernetes-objects.ts';
import type { QueueSnapshot } from '../model/queue-snapshot.ts';
import type { Reading } from '../model/reading.ts';
import type { Rule } from './evaluate.ts';
import type { Point } from './forecast.ts';

/** One labelled value of a metrics server; `at` in milliseconds since the epoch. */
export interface MetricValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly at: number;
}

/** What each kind of source hands to its gauges. */
export interface SourceInputs {
  readonly kubernetes: ClusterSnapshot;
  readonly queue: QueueSnapshot;
  readonly cloudwatch: readonly MetricValue[];
  readonly prometheus: readonly MetricValue[];
  readonly pushed: Reading;
}
export type SourceKind = keyof SourceInputs;

/** How full something is: turns what a source answered into series with values. Pure and total. */
export interface Gauge<Kind extends SourceKind = SourceKind> {
  readonly name: GaugeName;
  readonly source: Kind;
  /** How to read its value. `ratio`: a fraction of capacity. */
  readonly unit: 'ratio' | 'seconds' | 'messages' | 'value';
  /** Marks and severity where the rule names none. */
  readonly defaults: { readonly high: number; readonly low: number; readonly severity: 'critical' | 'warning' };
  /** Why a series ends when the source answers without it; undefined where that is merely no data. */
  readonly goneReason: string | undefined;
  readonly measure: (input: SourceInputs[Kind], rule: WatermarkRule) => Measured;
}

export interface Measured {
  readonly series: readonly MeasuredSeries[];
  /** How many things were left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

export interface MeasuredSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** The sample's own time. */
  readonly at: number;
  /** Undefined: the thing is there, its value is not known. Never negative; may be +Infinity. */
  readonly value: number | undefined;
  /** The series has ended, or is not to be watched, for this reason. */
  readonly gone?: string;
  /** Somebody else takes care of it, for this reason: it does not begin to fire, and what fires clears as if it were low. */
  readonly excused?: string;
  /** Own marks and times, from an annotation. */
  readonly override?: Partial<Pick<Rule, 'high' | 'low' | 'forSeconds' | 'keepFiringForSeconds'>>;
  /** Not more severe than this, whatever the rule says. */
  readonly atMost?: 'warning';
  /** What an alert says beyond value and marks, given the samples of late; worked out only when there is an alert. */
  readonly describe?: (recent: readonly Point[]) => Readonly<Record<string, string>>;
}

/** Lets gauges of different sources stand in one registry. */
export const defineGauge = <Kind extends SourceKind>(gauge: Gauge<Kind>): Gauge => gauge as unknown as Gauge;
