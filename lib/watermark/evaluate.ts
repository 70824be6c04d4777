/** What a series is doing. `blind`: there is no data to judge by, which is neither ok nor firing. */
export type Phase = 'inactive' | 'pending' | 'firing' | 'blind';

/** When a series fires and when it stops. Times in seconds. */
export interface Rule {
  /** Enter above this. */
  readonly high: number;
  /** Stay above this; at most `high`. */
  readonly low: number;
  /** How long the enter condition must hold. */
  readonly forSeconds: number;
  /** How long the value must stay at or below `low` before a firing series clears. */
  readonly keepFiringForSeconds: number;
  /** Enter only if `atLeast` of the last `of` distinct samples were above `high`. */
  readonly samples?: { readonly atLeast: number; readonly of: number };
  /** A series without data: `ok` counts as below, `keep` changes nothing, `alert` makes it blind. */
  readonly noData: 'keep' | 'ok' | 'alert';
  /** `alert` only after this long without data. */
  readonly noDataForSeconds?: number;
  /**
   * A series that cleared `clears` times within the window is flapping: it clears again only after `quietSeconds` at or
   * below `low`, so that a wave ends in one long alert instead of many. Before that, where `asLongSeconds` is given, it must be low
   * for as long as it was high, so many seconds at most: a square wave does not clear in its low half.
   */
  readonly flap?: {
    readonly clears: number;
    readonly windowSeconds: number;
    readonly quietSeconds: number;
    readonly asLongSeconds?: number;
  };
}

/** Times in milliseconds since the epoch. What is undefined has not begun. */
export interface SeriesState {
  readonly phase: Phase;
  /** Time of the sample that this state was made by; what is older comes too late. */
  readonly at: number;
  /** The enter condition holds since then. */
  readonly activeAt?: number | undefined;
  readonly firedAt?: number | undefined;
  /** Firing, but at or below `low` since then. */
  readonly clearSince?: number | undefined;
  readonly missingSince?: number | undefined;
  /** What it was before it went blind. */
  readonly before?: 'inactive' | 'pending' | 'firing' | undefined;
  /** The last distinct samples, newest last: `1` above `high`, `0` not. Kept for M-of-N only. */
  readonly evidence?: string | undefined;
  /** When it last cleared, oldest first. Kept for flap damping only. */
  readonly clears?: readonly number[] | undefined;
}

/**
 * What a gauge saw of one series. `value` undefined: the source answered, without this series. `gone`: the series ended for
 * good, for the reason given. `error`: the source did not answer. A value that is not a number is above nothing.
 */
export type Sample =
  | {
      readonly at: number;
      readonly value: number | undefined;
      readonly gone?: string;
      /** A forecast says that the series will be full soon: above `low` is then enough to enter. */
      readonly predicted?: boolean;
      /** Somebody else takes care of it, for this reason: whatever the value, it counts as low. */
      readonly excused?: string | undefined;
    }
  | { readonly at: number; readonly error: string };

export interface Transition {
  /** The reading's own time. */
  readonly at: number;
  readonly from: Phase;
  readonly to: Phase;
  readonly reason: string;
}

export interface Evaluation {
  readonly state: SeriesState;
  readonly transition?: Transition;
  /** Why the sample was not used. */
  readonly ignored?: 'late' | 'repeated' | 'error';
}

/** Where every series starts. */
export const inactive: SeriesState = { phase: 'inactive', at: Number.NEGATIVE_INFINITY };

/**
 * One step of one series: the alert state machine of Prometheus (rules/alerting.go) with hysteresis, M-of-N, no-data
 * policies and flap damping added. With `high == low` and none of these, its transitions are those of the Prometheus rule
 * `value > high`: `>=` for `for`, `<` for keep_firing_for, a failed query changes nothing, pending ends unsaid.
 *
 * The state that comes back is the very one handed in unless something changed that must be stored: a transition, a
 * beginning or ending hold, or evidence of M-of-N. `now` tells a late sample from a clock that was set back.
 */
export const evaluate = (state: SeriesState, sample: Sample, rule: Rule, now: number): Evaluation => {
  if ('error' in sample) return { state, ignored: 'error' };
  const { at, value } = sample;
  if (at <= state.at) {
    if (now >= state.at) return { state, ignored: at === state.at ? 'repeated' : 'late' };
    // The clock itself went back: times of the future would freeze the series until they are reached again.
    const { transition, ...step } = advance(rebased(state, at), sample, value, rule);
    const reason = `${transition?.reason}, after the clock was set back`;
    return transition === undefined ? step : { ...step, transition: { ...transition, reason } };
  }
  return advance(state, sample, value, rule);
};

type Answered = Exclude<Sample, { readonly error: string }>;

const advance = (state: SeriesState, sample: Answered, value: number | undefined, rule: Rule): Evaluation => {
  const { at } = sample;
  if (sample.gone !== undefined) return ended(state, at, sample.gone);
  if (value === undefined && rule.noData !== 'ok') {
    return rule.noData === 'keep' ? { state } : missing(state, at, rule);
  }
  const seen = state.missingSince === undefined ? state : found(state, at);
  const step = judge(seen, value ?? Number.NaN, sample, rule);
  if (state.phase !== 'blind') return step;
  // The data is back: one transition, from blind to wherever that leads.
  return {
    state: step.state === seen ? { ...seen, at } : step.state,
    transition: { at, from: 'blind', to: step.state.phase, reason: 'data is back' },
  };
};

const judge = (state: SeriesState, value: number, sample: Answered, rule: Rule): Evaluation => {
  const { at, predicted, excused } = sample;
  const why = excused ?? (sample.value === undefined ? 'has no data' : undefined);
  if (state.phase === 'firing') {
    return value > rule.low && excused === undefined
      ? stay(state, at)
      : clear(state, at, rule, why ?? 'is not above low');
  }
  const above = excused === undefined && (value > rule.high || (predicted === true && value > rule.low));
  const what = value > rule.high ? 'is above high' : 'is above low and will be full soon';
  const evidence = rule.samples === undefined ? undefined : evidenceOf(state, above, rule.samples.of);
  if (!above) {
    if (state.phase === 'inactive') {
      return evidence === state.evidence ? { state } : { state: { ...state, at, evidence } };
    }
    return move({ phase: 'inactive', at, evidence, clears: state.clears }, 'pending', why ?? 'is no longer above high');
  }
  const activeAt = state.activeAt ?? at;
  const enough = rule.samples === undefined || count(evidence ?? '') >= rule.samples.atLeast;
  if (enough && at - activeAt >= millis(rule.forSeconds)) {
    const firing: SeriesState = { phase: 'firing', at, activeAt, firedAt: at, clears: state.clears };
    return move(firing, state.phase, rule.forSeconds === 0 ? what : `${what} for ${rule.forSeconds} s`);
  }
  if (state.phase === 'pending') {
    return evidence === state.evidence ? { state } : { state: { ...state, at, evidence } };
  }
  return move({ phase: 'pending', at, activeAt, evidence, clears: state.clears }, 'inactive', what);
};

/** Above low while firing: a hold before clearing starts again from nothing. */
const stay = (state: SeriesState, at: number): Evaluation =>
  state.clearSince === undefined ? { state } : { state: { ...state, at, clearSince: undefined } };

/** At or below low while firing, or excused. */
const clear = (state: SeriesState, at: number, rule: Rule, why: string): Evaluation => {
  const since = state.clearSince ?? at;
  const hold = holdOf(state, since, at, rule);
  if (at - since < millis(hold)) {
    return state.clearSince === undefined ? { state: { ...state, at, clearSince: since } } : { state };
  }
  const clears = rule.flap === undefined ? undefined : [...recent(state, at, rule), at];
  return move({ phase: 'inactive', at, clears }, 'firing', hold === 0 ? why : `${why} for ${hold} s`);
};

/** Seconds that it must stay low. */
const holdOf = (state: SeriesState, since: number, at: number, { flap, ...rule }: Rule): number => {
  if (flap === undefined) return rule.keepFiringForSeconds;
  if (isFlapping(state, at, { flap, ...rule })) return Math.max(flap.quietSeconds, rule.keepFiringForSeconds);
  const wasHigh = (since - (state.activeAt ?? since)) / 1000;
  return Math.max(rule.keepFiringForSeconds, Math.min(wasHigh, flap.asLongSeconds ?? 0));
};

/** Whether a series has cleared so often lately that its next clearing has to be earned. */
export const isFlapping = (state: SeriesState, at: number, rule: Rule): boolean =>
  rule.flap !== undefined && recent(state, at, rule).length >= rule.flap.clears;

const recent = (state: SeriesState, at: number, rule: Rule): readonly number[] =>
  (state.clears ?? []).filter((time) => at - time < millis(rule.flap?.windowSeconds ?? 0));

const missing = (state: SeriesState, at: number, rule: Rule): Evaluation => {
  if (state.phase === 'blind') return { state };
  const missingSince = state.missingSince ?? at;
  const after = rule.noDataForSeconds ?? 0;
  if (at - missingSince < millis(after)) {
    return state.missingSince === undefined ? { state: { ...state, at, missingSince } } : { state };
  }
  return move(
    { ...state, phase: 'blind', at, missingSince, before: state.phase },
    state.phase,
    after === 0 ? 'has no data' : `has no data for ${after} s`,
  );
};

/** Undoes the absence. The time without data does not count towards `for`, as an outage of Prometheus does not. */
const found = (state: SeriesState, at: number): SeriesState => {
  const { missingSince = at, before, activeAt } = state;
  return {
    ...state,
    phase: state.phase === 'blind' ? (before ?? 'inactive') : state.phase,
    at,
    before: undefined,
    missingSince: undefined,
    activeAt: activeAt === undefined ? undefined : activeAt + (at - missingSince),
  };
};

const ended = (state: SeriesState, at: number, reason: string): Evaluation =>
  state.phase === 'inactive'
    ? { state }
    : {
        state: { phase: 'inactive', at, clears: state.clears },
        transition: { at, from: state.phase, to: 'inactive', reason },
      };

/** The state as it would be had the clock always been right: nothing lies in the future, nothing held yet. */
const rebased = (state: SeriesState, at: number): SeriesState => ({
  ...state,
  at,
  activeAt: earlier(state.activeAt, at),
  firedAt: earlier(state.firedAt, at),
  clearSince: earlier(state.clearSince, at),
  missingSince: earlier(state.missingSince, at),
  clears: state.clears?.filter((time) => time <= at),
});

/** Whole milliseconds, as Prometheus keeps time: 16.1 × 1000 alone is a little more than 16100. */
const millis = (seconds: number): number => Math.round(seconds * 1000);

const earlier = (time: number | undefined, at: number): number | undefined =>
  time === undefined ? undefined : Math.min(time, at);

const move = (state: SeriesState, from: Phase, reason: string): Evaluation => ({
  state,
  transition: { at: state.at, from, to: state.phase, reason },
});

/** Undefined once nothing in it speaks for an alert: then there is nothing to store. */
const evidenceOf = (state: SeriesState, above: boolean, of: number): string | undefined => {
  const text = `${state.evidence ?? ''}${above ? '1' : '0'}`.slice(-of);
  return text.includes('1') ? text : undefined;
};

const count = (evidence: string): number => evidence.split('1').length - 1;
