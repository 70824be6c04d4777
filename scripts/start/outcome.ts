import type { Alert } from '../../lib/model/alert.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { serviceOf } from '../../lib/model/span.ts';
import type { Trace } from '../../lib/trace/assemble.ts';

/** What became of one order, by the shop's own table. */
export interface OrderState {
  readonly id: string;
  /** The trace that the customer was told. */
  readonly traceId: string;
  readonly state: string;
  /** Announced without context by the old publisher. */
  readonly oldWay: boolean;
}

/** The form of `out/run.json`; acceptance reads it. */
export interface Run {
  readonly traces: { readonly expected: number; readonly whole: number; readonly broken: readonly string[] };
  readonly alerts: {
    readonly raised: number;
    readonly delivered: number;
    readonly lost: number;
    readonly duplicates: number;
  };
  readonly findings: readonly Finding[];
  readonly watermarks: { readonly readings: number; readonly breaches: number };
  readonly seconds: number;
}

/** The services that the trace of an order must show, by how far it came. */
const hopsOf = (state: string): readonly string[] =>
  state === 'declined' ? ['users', 'orders', 'payments'] : ['users', 'orders', 'payments', 'inventory'];

/** A trace is whole when everything it passed is in it, under one root, with no parent missing. */
export const isWhole = (trace: Trace | undefined, state: string): boolean => {
  if (trace === undefined || trace.roots.length !== 1 || trace.orphans.length > 0) return false;
  const services = new Set(trace.nodes.map(({ span }) => serviceOf(span)));
  return hopsOf(state).every((service) => services.has(service));
};

export const judgeTraces = (orders: readonly OrderState[], traces: ReadonlyMap<string, Trace>): Run['traces'] => {
  const expected = orders.filter(({ oldWay }) => !oldWay);
  const broken = expected
    .filter(({ traceId, state }) => !isWhole(traces.get(traceId), state))
    .map(({ traceId }) => traceId);
  return { expected: expected.length, whole: expected.length - broken.length, broken };
};

/** One state of one episode of an alert. Times are compared as times: their spelling may differ along the way. */
export const identityOf = ({
  fingerprint,
  status,
  startsAt,
}: Pick<Alert, 'fingerprint' | 'status' | 'startsAt'>): string => `${fingerprint} ${status} ${Date.parse(startsAt)}`;

/**
 * Alerts put on the bus against alerts seen at each destination, each counted at its own end: raised ones by listening on the
 * bus, delivered ones by what the robots were sent. An alert is delivered when every destination saw it, or, where it was over or
 * had begun anew before a busy destination could be told, saw what came after it: what is told is what is so.
 */
export const judgeAlerts = (
  raised: readonly Alert[],
  seen: Readonly<Record<string, readonly string[]>>,
): Run['alerts'] => {
  const wanted = new Set(raised.map(identityOf));
  const arrived = [...wanted].filter((identity) => Object.values(seen).every((list) => isTold(identity, list)));
  const duplicates = Object.values(seen).reduce((sum, list) => sum + list.length - new Set(list).size, 0);
  return { raised: wanted.size, delivered: arrived.length, lost: wanted.size - arrived.length, duplicates };
};

const isTold = (identity: string, list: readonly string[]): boolean => {
  const [fingerprint, rank] = placeOf(identity);
  return list.some((other) => {
    const [otherFingerprint, otherRank] = placeOf(other);
    return otherFingerprint === fingerprint && otherRank >= rank;
  });
};

/** An alert and the place of one state among all of its states. */
const placeOf = (identity: string): readonly [string, number] => {
  const [fingerprint = '', status, startsAt] = identity.split(' ');
  return [fingerprint, Number(startsAt) * 2 + (status === 'resolved' ? 1 : 0)];
};
