import type { ReceiverConfig } from '../model/config/alerts.ts';
import type { Clock, Item, Table } from '../model/ports.ts';
import { afterFailure, afterGone, afterSuccess, type Breaker, closedBreaker, mayTry } from './breaker.ts';
import type { Rate } from './channel.ts';
import { hashed } from './identity.ts';
import { emptyWindow, freePlaces, hold, settle, type Window } from './rate.ts';

/** What all receivers that lead to one destination share: its rate, its windows, its breaker. */
export interface DestinationState {
  readonly window: Window;
  readonly breaker: Breaker;
  /** No attempt before, as the destination itself has said. */
  readonly pausedUntil: number;
  /** Throttled answers in a row. */
  readonly throttled: number;
}

/** What an attempt taught about the destination. */
export type Event =
  | { readonly kind: 'ok' }
  | { readonly kind: 'throttled'; readonly minDelaySeconds: number; readonly at: number }
  | { readonly kind: 'failed'; readonly startedAt: number; readonly at: number }
  | { readonly kind: 'gone'; readonly at: number };

export const freshState: DestinationState = {
  window: emptyWindow,
  breaker: closedBreaker,
  pausedUntil: 0,
  throttled: 0,
};

/** Where the state of a receiver's destination is kept: the same robot behind two receivers is one destination. */
export const destinationId = ({ channel, url, secret }: ReceiverConfig): string =>
  hashed(JSON.stringify([channel, url, url === undefined ? secret : undefined]));

export const afterEvent = (state: DestinationState, event: Event, rate: Rate | undefined): DestinationState => {
  switch (event.kind) {
    case 'ok':
      return { ...state, breaker: afterSuccess(state.breaker), throttled: 0 };
    case 'failed':
      return { ...state, breaker: afterFailure(state.breaker, event.startedAt, event.at) };
    case 'gone':
      return { ...state, breaker: afterGone(state.breaker, event.at) };
    case 'throttled': {
      const throttled = state.throttled + 1;
      // Twice in a row, and a platform that bans shuts the robot out for long; asking meanwhile may make it longer.
      const banSeconds = throttled >= 2 ? (rate?.banSeconds ?? 0) : 0;
      const seconds = Math.max(event.minDelaySeconds, banSeconds, Math.min(60, 2 ** throttled));
      return { ...state, throttled, pausedUntil: Math.max(state.pausedUntil, event.at + seconds * 1000) };
    }
  }
};

/** What may be sent now, and when again. `shutUntil`: the destination takes nothing before, whoever asks. */
export interface Allowance {
  readonly priority: number;
  readonly other: number;
  readonly priorityFrom: number;
  readonly otherFrom: number;
  readonly shutUntil?: number;
  readonly isProbe: boolean;
}

export const allowanceOf = (state: DestinationState, rate: Rate | undefined, now: number): Allowance => {
  const { from, isProbe } = mayTry(state.breaker, now);
  const shutUntil = Math.max(from, state.pausedUntil);
  if (shutUntil > now)
    return { priority: 0, other: 0, priorityFrom: shutUntil, otherFrom: shutUntil, shutUntil, isProbe };
  const places =
    rate === undefined
      ? { priority: Number.POSITIVE_INFINITY, other: Number.POSITIVE_INFINITY, priorityFrom: now, otherFrom: now }
      : freePlaces(state.window, rate, now);
  return isProbe
    ? { ...places, priority: Math.min(1, places.priority), other: Math.min(1, places.other), isProbe }
    : { ...places, isProbe };
};

const stateSeconds = 7 * 86_400;

/** Reads and writes a destination's state, for one turn; every write names the one before it. */
export const destination = (
  id: string,
  rate: Rate | undefined,
  { table, clock }: { readonly table: Table; readonly clock: Clock },
) => {
  const key = { pk: `destination#${id}`, sk: 'state' };
  let item: Item | undefined;
  const stateIn = (): DestinationState => ({
    ...freshState,
    ...((item?.['state'] ?? {}) as Partial<DestinationState>),
  });
  const read = async (): Promise<DestinationState> => {
    item = await table.get(key.pk, key.sk);
    return stateIn();
  };
  /** Starts from what was read last: most often nobody else has written, and what was learnt is kept one step sooner. */
  const change = async (
    make: (state: DestinationState) => DestinationState,
  ): Promise<[DestinationState, DestinationState]> => {
    for (;;) {
      const state = stateIn();
      const next = make(state);
      if (next === state) return [state, state];
      const version = Number(item?.['version'] ?? 0);
      const written: Item = {
        ...key,
        state: next,
        version: version + 1,
        ttl: Math.floor(clock() / 1000) + stateSeconds,
      };
      if (await table.put(written, item === undefined ? { absent: true } : { equals: { version } })) {
        item = written;
        return [state, next];
      }
      await read();
    }
  };
  return {
    read,
    /** Holds places for messages that are about to be sent, until `until` if nobody settles; answers what may be sent. */
    reserve: async (holdId: string, wanted: number, until: number): Promise<Allowance> => {
      let allowance: Allowance | undefined;
      await change((state) => {
        const now = clock();
        allowance = allowanceOf(state, rate, now);
        const count = Math.min(wanted, allowance.priority);
        if (count === 0) return state;
        const breaker = allowance.isProbe ? { ...state.breaker, probedAt: now } : state.breaker;
        const window = rate === undefined ? state.window : hold(state.window, holdId, count, until);
        return breaker === state.breaker && window === state.window ? state : { ...state, breaker, window };
      });
      return allowance as Allowance;
    },
    /** Ends a hold with the times of what was sent, and takes in what was learnt. Answers the state before and after. */
    settle: (holdId: string, sent: readonly number[], events: readonly Event[]) =>
      change((state) => {
        const learnt = events.reduce((each, event) => afterEvent(each, event, rate), state);
        const isPlain = learnt.breaker === state.breaker && learnt.pausedUntil === state.pausedUntil;
        if (rate === undefined) return isPlain && learnt.throttled === state.throttled ? state : learnt;
        return { ...learnt, window: settle(learnt.window, holdId, sent, rate, clock()) };
      }),
  };
};
