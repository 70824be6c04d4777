import type { WatermarkRule } from '../model/config/watermarks.ts';
import type { Log, Table } from '../model/ports.ts';
import { effectiveRule } from './effective-rule.ts';
import type { MeasuredSeries } from './gauge.ts';
import type { Look } from './look-around.ts';
import { type Step, type Stepping, stepSeries } from './series-step.ts';
import { identityOf, loadSeries, type Stored } from './series-store.ts';

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
      const identity = identityOf(each.labels);
      const twin = measured.get(identity);
      // Prometheus sees only what is above the mark, and refuses the evaluation as a whole where that has the same labels twice.
      if (twin !== undefined && isAbove(twin, low)) {
        if (isAbove(each, low)) return { steps: [], series: 0, error: sameLabels(each) };
        continue;
      }
      measured.set(identity, each);
    }
  }
  const chosen = capped(measured, formers, cap);
  const steps: Step[] = [];
  const step = (identity: string, series: MeasuredSeries): void => {
    const moved = stepSeries(stepping, { identity, former: formers.get(identity), series });
    if (moved !== undefined) steps.push(moved);
  };
  for (const identity of chosen) step(identity, measured.get(identity) as MeasuredSeries);
  if (looks.every(({ error }) => error === undefined)) {
    for (const [identity, { labels }] of formers) {
      if (measured.has(identity)) continue;
      const gone = goneReason(labels, stepping, looks);
      step(identity, { labels, at: now, value: undefined, ...(gone === undefined ? {} : { gone }) });
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
  const all = [...measured.keys()];
  if (all.length <= cap) return all;
  return [...all.filter((each) => formers.has(each)), ...all.filter((each) => !formers.has(each))].slice(0, cap);
};

/** Why a series that was not measured has ended; undefined where it may come back. */
const goneReason = (
  labels: Readonly<Record<string, string>>,
  { rule, gauge }: Stepping,
  looks: readonly Look[],
): string | undefined => {
  if (!isSelected({ labels }, rule)) return 'the rule no longer selects it';
  const isWatched = looks.some(({ backlog }) => backlog?.queue.name === labels['queue']);
  return gauge.source === 'queue' && !isWatched ? 'the queue is no longer watched' : gauge.goneReason;
};

const isAbove = ({ value }: MeasuredSeries, mark: number): boolean => value !== undefined && value > mark;

const sameLabels = ({ labels }: MeasuredSeries): string =>
  `two series have the same labels ${JSON.stringify(labels).slice(0, 200)}; nobody can tell which is meant`;

export const isSelected = ({ labels }: Pick<MeasuredSeries, 'labels'>, { selector }: WatermarkRule): boolean =>
  selector === undefined || Object.entries(selector).every(([name, value]) => labels[name] === value);
