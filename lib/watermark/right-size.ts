import type { Pod } from '../model/kubernetes-objects.ts';
import type { Scaling } from './autoscaler.ts';
import type { Point } from './forecast.ts';
import type { Fill } from './pod-usage.ts';

/** What an alert says of a pod's use: amounts, basis, its autoscaler, and a size that would fit, with the reason for it. */
export const describeUsage = (options: {
  readonly fill: Fill;
  readonly resource: 'memory' | 'cpu';
  readonly pod: Pod;
  /** Ratios seen of late, this one included; none where nobody remembers them. */
  readonly recent: readonly Point[];
  readonly scaling: Scaling | undefined;
}): Readonly<Record<string, string>> => {
  const { fill, resource, pod, recent, scaling } = options;
  const status = pod.status?.containerStatuses?.find(({ name }) => name === fill.container);
  const wasKilled = status?.lastState?.terminated?.reason === 'OOMKilled';
  const unit = resource === 'memory' ? bytes : cores;
  const points = recent.length === 0 ? [fill.used] : recent.map(({ value }) => value * fill.of);
  return {
    basis: fill.basis,
    used: unit(fill.used),
    capacity: unit(fill.of),
    ...(fill.container === undefined ? {} : { container: fill.container }),
    ...(wasKilled ? { last_termination: 'OOMKilled' } : {}),
    ...(status?.restartCount === undefined ? {} : { restarts: String(status.restartCount) }),
    ...(scaling === undefined ? {} : { autoscaler: scaling.words }),
    right_size: suggestionOf(points, resource, { wasKilled, scaling, basis: fill.basis }),
  };
};

/** In words. A size of its own would only shift what an autoscaler compares with, so there is none for what one scales (krr's rule). */
const suggestionOf = (
  points: readonly number[],
  resource: 'memory' | 'cpu',
  about: { readonly wasKilled: boolean; readonly scaling: Scaling | undefined; readonly basis: Fill['basis'] },
): string => {
  const { wasKilled, scaling, basis } = about;
  if (scaling?.onResource === true) {
    return `none: ${scaling.name} scales this workload on ${resource}; its maxReplicas, target or the request it compares with decide`;
  }
  const { amount, reason } = rightSize(points, resource, wasKilled);
  if (resource === 'cpu') return `request of at least ${cores(amount)}: ${reason}`;
  return `${basis === 'limit' ? 'limit' : 'request and limit'} of at least ${bytes(amount)}: ${reason}`;
};

/** Points that a suggestion should rest on (krr's rule); with fewer it says so. */
const enough = 100;

/**
 * krr's rule: memory is the largest use and 15 % (25 % after an OOM kill, since what killed it was never seen), cpu the 95th
 * percentile. Amounts in bytes or cores.
 */
export const rightSize = (
  points: readonly number[],
  resource: 'memory' | 'cpu',
  wasKilled: boolean,
): { readonly amount: number; readonly reason: string } => {
  const rests =
    points.length < enough
      ? `from ${points.length} of the ${enough} points that a good estimate needs`
      : `from ${points.length} points`;
  if (resource === 'cpu') {
    const sorted = [...points].sort((a, b) => a - b);
    const amount = sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)] ?? 0;
    return { amount, reason: `95th percentile of use, ${rests}` };
  }
  const most = points.reduce((a, b) => Math.max(a, b), 0);
  return wasKilled
    ? { amount: most * 1.25, reason: `largest use and 25 %, since it was OOM-killed, ${rests}` }
    : { amount: most * 1.15, reason: `largest use and 15 %, ${rests}` };
};

const bytes = (amount: number): string =>
  amount >= 2 ** 30 ? `${(amount / 2 ** 30).toFixed(2)}Gi` : `${Math.ceil(amount / 2 ** 20)}Mi`;

const cores = (amount: number): string => `${Math.ceil(amount * 1000)}m`;
