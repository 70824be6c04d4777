import type { WatermarkRule } from '../model/config/watermarks.ts';
import type { Rule } from './evaluate.ts';
import type { Gauge, MeasuredSeries } from './gauge.ts';

/** Two clearings within an hour, then half an hour of quiet. */
export const flapDamping: NonNullable<Rule['flap']> = { clears: 2, windowSeconds: 3600, quietSeconds: 1800 };

/** Where nobody says how long to wait: as long as it was high, a quarter of an hour at most. */
const patient: NonNullable<Rule['flap']> = { ...flapDamping, asLongSeconds: 900 };

/** A configured rule with every default filled in. */
export const effectiveRule = (rule: WatermarkRule, gauge: Gauge): Rule => {
  const high = rule.high ?? gauge.defaults.high;
  return {
    high,
    low: rule.low ?? (rule.high === undefined ? gauge.defaults.low : belowMark(high, gauge)),
    forSeconds: rule.forSeconds ?? 60,
    keepFiringForSeconds: rule.keepFiringForSeconds ?? 300,
    noData: rule.noData ?? 'keep',
    noDataForSeconds: rule.noDataForSeconds ?? 0,
    ...(rule.samples === undefined ? {} : { samples: rule.samples }),
    ...(rule.flapDamping === false ? {} : { flap: rule.keepFiringForSeconds === undefined ? patient : flapDamping }),
  };
};

/** The rule of one series, whose annotation may have marks of its own. A low mark above the high one is drawn down to it. */
export const ruleOfSeries = (rule: Rule, override: MeasuredSeries['override']): Rule => {
  if (override === undefined) return rule;
  const merged = { ...rule, ...override };
  return merged.low > merged.high ? { ...merged, low: merged.high } : merged;
};

const belowMark = (high: number, gauge: Gauge): number =>
  gauge.defaults.low === gauge.defaults.high ? high : gauge.unit === 'ratio' ? Math.max(0, round(high - 0.1)) : high;

/** 0.95 - 0.1 is 0.85, not 0.8499999999999999. */
const round = (value: number): number => Math.round(value * 1e9) / 1e9;
