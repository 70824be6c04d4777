import type { WatermarkRule } from '../model/config/watermarks.ts';
import type { Log, Table } from '../model/ports.ts';
import { effectiveRule } from './effective-rule.ts';
import type { MeasuredSeries } from './gauge.ts';
import type { Look } from './look-around.ts';
import { type Step, type Stepping, stepSeries } from './series-step.ts';
import { loadSeries, type Stored, seriesKey } from './series-store.ts';

/** One rule over everything that was seen. */
export interface RuleEvaluation {
  readonly steps: readonly Step[];
  /** Series that were evaluated. */
  readonly series: number;
  /** Series that there are, where those are more than the cap. */
  readonly uncapped?: number;
  /** Why the rule as a whole could not be evaluated. */
  readonly error?: string;
}

/**
 * Evaluates a rule. Series of a source that did not answer keep their state, since nobody knows whether they are still there; series
 * that were there and are not any more are gone or without data, as their gauge has it.
 */
export const evaluateRule = async (
  stepping: Stepping,
  looks: readonly Look[],
  cap: number,
  { table, log }: { readonly table: Table; readonly log: Log },
): Promise<RuleEvaluation> => {
  const { name, rule, gauge, now } = stepping;
  const formers = await loadSeries(table, name);
  const measured = new Map<string, MeasuredSeries>();
  const { low } = effectiveRule(rule, gauge);
  for (const look of looks) {
    if (look.error !== undefined) continue;
    const { series, skipped } = look.measure(gauge, rule);
    if (Object.keys(skipped).length > 0) log('debug', 'left out', { rule: name, source: look.name, ...skipped });
    for (const each of series) {
      if (!isSelected(each, rule)) continue;
      const key = seriesKey(each.labels);
      const twin = measured.get(key);
      // Prometheus sees only what is above the mark, and refuses the evaluation as a whole where that has the same labels twice.
      if (twin !== undefined && isAbove(twin, low)) {
        if (isAbove(each, low)) return { steps: [], series: 0, error: sameLabels(each) };
        continue;
      }
      measured.set(key, each);
    }
  }
  const chosen = capped(measured, formers, cap);
  const steps: Step[] = [];
  const step = (key: string, series: MeasuredSeries): void => {
    const moved = stepSeries(stepping, { key, former: formers.get(key), series });
    if (moved !== undefined) steps.push(moved);
  };
  for (const key of chosen) step(key, measured.get(key) as MeasuredSeries);
  if (looks.every(({ error }) => error === undefined)) {
    for (const [key, { labels }] of formers) {
      if (measured.has(key)) continue;
      const gone = gauge.goneReason === undefined ? {} : { gone: gauge.goneReason };
      step(key, { labels, at: now, value: undefined, ...gone });
    }
  }
  const evaluation = { steps, series: chosen.length };
  return measured.size > cap ? { ...evaluation, uncapped: measured.size } : evaluation;
};

/** What has a state comes first: a series that fires is not dropped for one that has nothing to say. */
const capped = (
  measured: ReadonlyMap<string, MeasuredSeries>,
  formers: ReadonlyMap<string, Stored>,
  cap: number,
): readonly string[] => {
  const keys = [...measured.keys()];
  if (keys.length <= cap) return keys;
  return [...keys.filter((key) => formers.has(key)), ...keys.filter((key) => !formers.has(key))].slice(0, cap);
};

const isAbove = ({ value }: MeasuredSeries, mark: number): boolean => value !== undefined && value > mark;

const sameLabels = ({ labels }: MeasuredSeries): string =>
  `two series have the same labels ${JSON.stringify(labels).slice(0, 200)}; nobody can tell which is meant`;

export const isSelected = ({ labels }: MeasuredSeries, { selector }: WatermarkRule): boolean =>
  selector === undefined || Object.entries(selector).every(([name, value]) => labels[name] === value);
