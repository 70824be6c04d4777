import type { Rule, SeriesState } from './evaluate.ts';

/** Prometheus' outageTolerance and forGracePeriod. */
const toleranceMs = 3_600_000;
const graceMs = 600_000;

/**
 * A pending series after nothing was evaluated from `downAt` to `now`: what Prometheus does at a restart (rules/group.go,
 * RestoreForState). The time of the outage does not count towards `for`; with little of it left the series waits ten minutes all
 * the same; a rule whose `for` is shorter than that, or an outage of more than an hour, starts from nothing. Firing series stay
 * firing: unlike Prometheus we have lost nothing, and a resolution that nobody saw must not be told.
 */
export const resume = (state: SeriesState, rule: Rule, downAt: number, now: number): SeriesState => {
  if (state.phase !== 'pending' || state.activeAt === undefined) return state;
  const hold = rule.forSeconds * 1000;
  const outage = now - downAt;
  if (outage > toleranceMs) return { ...state, activeAt: now };
  const left = hold - (downAt - state.activeAt);
  if (left <= 0) return state;
  if (hold < graceMs) return { ...state, activeAt: now };
  return { ...state, activeAt: left < graceMs ? now + graceMs - hold : state.activeAt + outage };
};
