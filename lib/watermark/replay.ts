import type { WatermarkRule } from '../model/config/watermarks.ts';
import { evaluate, inactive, type Rule, type Sample, type Transition } from './evaluate.ts';
import { isPredicted } from './looks-ahead.ts';
import { recall } from './recall.ts';

/** A recorded reading; `at` in seconds. `null`: answered without this series; `error`: the query failed. */
export interface Recorded {
  readonly at: number;
  readonly value: number | null | 'error';
}

/** How a rule with `forecast` looks ahead. */
export interface Ahead {
  readonly forecast: NonNullable<WatermarkRule['forecast']>;
  /** The value that counts as full. */
  readonly full: number;
}

export interface Replayed {
  readonly transitions: readonly Transition[];
  /** Times of readings that are not later than one already seen. */
  readonly late: readonly number[];
  /** Times at which the clock was set back: what came after went on from there. */
  readonly setBack: readonly number[];
}

/**
 * The transitions of one series over recorded readings, in their order. A single reading from earlier came late and is skipped; when
 * those after it go on from there, the clock itself was set back, and so is the state (see evaluate()).
 */
export const replay = (rule: Rule, readings: readonly Recorded[], ahead?: Ahead): Replayed => {
  const transitions: Transition[] = [];
  const late: number[] = [];
  const setBack: number[] = [];
  const seen = recall(1);
  let state = inactive;
  let now = Number.NEGATIVE_INFINITY;
  for (const [index, reading] of readings.entries()) {
    const at = millis(reading.at);
    if (at <= now) {
      if (at === now || !goesOn(readings, index, now)) {
        late.push(reading.at);
        continue;
      }
      setBack.push(reading.at);
    }
    now = at;
    const step = evaluate(state, sampleOf(reading, at, rule, ahead, seen), rule, now);
    state = step.state;
    if (step.transition !== undefined) transitions.push({ ...step.transition, at: reading.at });
  }
  return { transitions, late, setBack };
};

/** Prometheus keeps time in whole milliseconds. */
const millis = (seconds: number): number => Math.round(seconds * 1000);

/** Whether the next reading too lies before `now`, after this one. */
const goesOn = (readings: readonly Recorded[], index: number, now: number): boolean => {
  const [here, next] = [readings[index], readings[index + 1]];
  return here !== undefined && next !== undefined && next.at > here.at && millis(next.at) <= now;
};

const sampleOf = (
  { value }: Recorded,
  at: number,
  { low }: Rule,
  ahead: Ahead | undefined,
  seen: ReturnType<typeof recall>,
): Sample => {
  if (value === 'error') return { at, error: 'recorded' };
  if (ahead === undefined || value === null) return { at, value: value ?? undefined };
  const recent = Number.isFinite(value) ? seen.note('', { at, value }) : [];
  return { at, value, predicted: isPredicted({ ahead: ahead.forecast, low, full: ahead.full, value, recent }) };
};
