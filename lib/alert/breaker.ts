/**
 * Whether a destination is worth trying. Closed: yes. Open: not before `until`. Half-open, once that has passed: one probe, and no
 * other within a minute; its outcome closes or opens again. Platform windows (`pausedUntil`) shut it in the same way.
 */
export interface Breaker {
  /** Failures in a row. */
  readonly failures: number;
  /** When the first of them began. */
  readonly failingSince: number;
  /** 0 while closed. */
  readonly openedAt: number;
  readonly until: number;
  /** Times that it has opened since it was closed. */
  readonly opens: number;
  readonly probedAt: number;
}

export const closedBreaker: Breaker = { failures: 0, failingSince: 0, openedAt: 0, until: 0, opens: 0, probedAt: 0 };

const tripFailures = 5;
/** Two failures that span so long trip it as well: a destination that lets every request time out is found out in half a minute. */
const tripMs = 15_000;
const firstOpenMs = 30_000;
const longestOpenMs = 60_000;
/** A destination that says that it is gone is asked again once an hour: somebody may have brought it back. */
const goneMs = 3_600_000;
export const probeMs = 60_000;

/** Answers from when on an attempt may be made; `isProbe`: a single one. */
export const mayTry = (breaker: Breaker, now: number): { readonly from: number; readonly isProbe: boolean } => {
  if (breaker.openedAt === 0) return { from: now, isProbe: false };
  return { from: Math.max(now, breaker.until, breaker.probedAt + probeMs), isProbe: true };
};

export const afterSuccess = (breaker: Breaker): Breaker =>
  breaker.failures === 0 && breaker.openedAt === 0 ? breaker : closedBreaker;

export const afterFailure = (breaker: Breaker, startedAt: number, now: number): Breaker => {
  const failures = breaker.failures + 1;
  const failingSince = breaker.failures === 0 ? startedAt : breaker.failingSince;
  if (breaker.openedAt !== 0) {
    const opens = breaker.opens + 1;
    return {
      ...breaker,
      failures,
      failingSince,
      opens,
      until: now + Math.min(longestOpenMs, firstOpenMs * 2 ** (opens - 1)),
    };
  }
  const isTripped = failures >= tripFailures || (failures >= 2 && now - failingSince >= tripMs);
  return isTripped
    ? { ...breaker, failures, failingSince, openedAt: now, opens: 1, until: now + firstOpenMs }
    : { ...breaker, failures, failingSince };
};

export const afterGone = (breaker: Breaker, now: number): Breaker => ({
  ...breaker,
  failures: breaker.failures + 1,
  openedAt: breaker.openedAt === 0 ? now : breaker.openedAt,
  opens: breaker.opens + 1,
  until: now + goneMs,
});
