import { evaluate, inactive, type Rule, type Sample, type Transition } from './evaluate.ts';

/** A recorded reading; `at` in seconds. `null`: answered without this series; `error`: the query failed. */
export interface Recorded {
  readonly at: number;
  readonly value: number | null | 'error';
}

/** The transitions of one series over recorded readings, in their order. Readings older than one already seen are skipped. */
export const replay = (
  rule: Rule,
  readings: readonly Recorded[],
): { readonly transitions: readonly Transition[]; readonly late: readonly number[] } => {
  const transitions: Transition[] = [];
  const late: number[] = [];
  let state = inactive;
  let now = Number.NEGATIVE_INFINITY;
  for (const reading of readings) {
    // Prometheus keeps time in whole milliseconds.
    const at = Math.round(reading.at * 1000);
    if (at <= now) {
      late.push(reading.at);
      continue;
    }
    now = at;
    const step = evaluate(state, sampleOf(reading, at), rule, now);
    state = step.state;
    if (step.transition !== undefined) transitions.push({ ...step.transition, at: reading.at });
  }
  return { transitions, late };
};

const sampleOf = ({ value }: Recorded, at: number): Sample =>
  value === 'error' ? { at, error: 'recorded' } : { at, value: value ?? undefined };
