import type { WatermarkRule } from '../model/config/watermarks.ts';
import type { ClusterSnapshot, Container, Pod, PodMetrics } from '../model/kubernetes-objects.ts';
import { scalingBy } from './autoscaler.ts';
import { effectiveResources } from './effective-resources.ts';
import type { Point } from './forecast.ts';
import type { Measured, MeasuredSeries } from './gauge.ts';
import { readQuantity, toNumber } from './quantity.ts';
import { describeUsage } from './right-size.ts';

/**
 * How full each running pod is of one resource, joined by namespace, pod and container.
 * Per container first, since a container is killed for its own limit; the pod as a whole only where a bound for the whole
 * exists. Without any limit the request is the basis (a warning at most), without both the share of the node. Everything
 * left out is counted with its reason.
 */
export const podUsage = (snapshot: ClusterSnapshot, resource: 'memory' | 'cpu', rule: WatermarkRule): Measured => {
  const metrics = new Map(snapshot.podMetrics.map((each) => [keyOf(each.metadata), each]));
  const allocatable = allocatableOf(snapshot, resource);
  const scalingOf = scalingBy(snapshot.autoscalers ?? [], resource);
  const skipped: Record<string, number> = {};
  const skip = (reason: string) => {
    skipped[reason] = (skipped[reason] ?? 0) + 1;
  };
  const series: MeasuredSeries[] = [];
  for (const pod of snapshot.pods) {
    if (pod.status?.phase !== 'Running') {
      skip('not running');
      continue;
    }
    const { namespace = '', name } = pod.metadata;
    if (rule.selector?.['namespace'] !== undefined && rule.selector['namespace'] !== namespace) continue;
    const labels = { cluster: snapshot.cluster, namespace, pod: name };
    const wish = wishOf(pod, rule);
    if (wish === 'off') {
      skip('opted out by annotation');
      series.push({ labels, at: snapshot.at, value: undefined, gone: 'opted out by annotation' });
      continue;
    }
    const sample = metrics.get(keyOf(pod.metadata));
    if (sample === undefined) {
      skip('no metrics yet');
      series.push({ labels, at: snapshot.at, value: undefined });
      continue;
    }
    const at = timeOf(sample, snapshot.at);
    const found = fillsOf(pod, sample, resource, rule.against ?? 'auto', allocatable.get(pod.spec?.nodeName ?? ''));
    if ('reason' in found) {
      skip(found.reason);
      series.push({ labels, at, value: undefined, ...(found.ends ? { gone: found.reason } : {}) });
      continue;
    }
    const { fills, unmeasured } = found;
    const perContainer = rule.per === 'container';
    for (const fill of perContainer ? fills.filter(({ container }) => container !== undefined) : [fullest(fills)]) {
      const scaling = scalingOf(pod, fill.container);
      if (scaling?.acts === true) skip('left to its autoscaler');
      series.push({
        labels: perContainer ? { ...labels, container: fill.container ?? '' } : labels,
        at,
        value: fill.used / fill.of,
        ...(wish === undefined ? {} : { override: wish }),
        ...(fill.basis === 'limit' ? {} : { atMost: 'warning' as const }),
        ...(scaling?.acts === true ? { excused: 'is left to its autoscaler' } : {}),
        describe: (recent: readonly Point[]) => describeUsage({ fill, resource, pod, recent, scaling }),
      });
    }
    if (!perContainer) continue;
    for (const container of unmeasured) series.push({ labels: { ...labels, container }, at, value: undefined });
  }
  return { series, skipped };
};

/** Use and bound of one container, or of the whole pod where `container` is undefined. Bytes or cores. */
export interface Fill {
  readonly container: string | undefined;
  readonly used: number;
  readonly of: number;
  readonly basis: 'limit' | 'request' | 'node allocatable';
}

/** Every bound that there is with its use; or why there is none, and whether that ends the series. */
type Found =
  | { readonly fills: readonly Fill[]; readonly unmeasured: readonly string[] }
  | { readonly reason: string; readonly ends: boolean };

const fillsOf = (
  pod: Pod,
  sample: PodMetrics,
  resource: 'memory' | 'cpu',
  against: 'auto' | 'limit' | 'request',
  allocatable: number | undefined,
): Found => {
  const used = new Map<string, number>();
  let total = 0;
  for (const { name, usage } of sample.containers ?? []) {
    const amount = amountOf(usage?.[resource]);
    if (amount === undefined) return { reason: 'usage could not be read', ends: false };
    used.set(name, amount);
    total += amount;
  }
  const running = runningOf(pod);
  for (const kind of kindsOf[against]) {
    const basis = kind === 'limits' ? 'limit' : 'request';
    const fills: Fill[] = [];
    const unmeasured: string[] = [];
    let bounds = 0;
    for (const container of running) {
      const of = amountOf(inForce(pod, container, kind, resource));
      if (of === undefined || of === 0) continue;
      bounds += 1;
      const amount = used.get(container.name);
      if (amount === undefined) unmeasured.push(container.name);
      else fills.push({ container: container.name, used: amount, of, basis });
    }
    // A sum of limits is never fuller than the fullest container, so it is worked out only where the pod has a limit of its own, or
    // uses memory in containers that have none of their own in the spec (one that debugs it).
    const isSummed = bounds === running.length && bounds > 1 && used.size > bounds;
    const isWhole = pod.spec?.resources?.[kind]?.[resource] !== undefined || isSummed;
    const whole = isWhole
      ? effectiveResources(pod, { useStatus: true, usePodStatus: true })[kind][resource]
      : undefined;
    if (whole !== undefined && whole > 0n && unmeasured.length === 0) {
      fills.push({ container: undefined, used: total, of: toNumber(whole), basis });
    }
    if (fills.length > 0) return { fills, unmeasured };
    if (unmeasured.length > 0) return { reason: 'no metrics yet', ends: false };
  }
  if (against === 'auto' && allocatable !== undefined && allocatable > 0) {
    const fill: Fill = { container: undefined, used: total, of: allocatable, basis: 'node allocatable' };
    return { fills: [fill], unmeasured: [] };
  }
  return { reason: `no ${against === 'auto' ? 'limit or request' : against}`, ends: true };
};

const kindsOf = { auto: ['limits', 'requests'], limit: ['limits'], request: ['requests'] } as const;

/** Containers that run as long as the pod does: its own and its sidecars. */
const runningOf = ({ spec }: Pod): readonly Container[] => {
  const sidecars = spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? [];
  return sidecars.length === 0 ? (spec?.containers ?? []) : [...(spec?.containers ?? []), ...sidecars];
};

/** What is in force: the status says it while an in-place resize is under way, else the spec. */
const inForce = (pod: Pod, container: Container, kind: 'requests' | 'limits', resource: string) => {
  const statuses =
    container.restartPolicy === 'Always' ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
  const status = statuses?.find(({ name }) => name === container.name)?.resources;
  return (status ?? container.resources)?.[kind]?.[resource];
};

const fullest = (fills: readonly Fill[]): Fill =>
  fills.reduce((most, fill) => (fill.used / fill.of > most.used / most.of ? fill : most));

export const amountOf = (quantity: string | number | undefined): number | undefined => {
  if (quantity === undefined) return undefined;
  const read = readQuantity(quantity);
  return 'nanos' in read && read.nanos >= 0n ? toNumber(read.nanos) : undefined;
};

export const timeOf = (sample: { readonly timestamp?: string }, otherwise: number): number => {
  const time = Date.parse(sample.timestamp ?? '');
  return Number.isNaN(time) ? otherwise : time;
};

const keyOf = ({ namespace = '', name }: { readonly namespace?: string; readonly name: string }) =>
  `${namespace}/${name}`;

const allocatableOf = (snapshot: ClusterSnapshot, resource: string): ReadonlyMap<string, number> =>
  new Map(
    (snapshot.nodes ?? []).flatMap(({ metadata, status }) => {
      const amount = amountOf(status?.allocatable?.[resource]);
      return amount === undefined ? [] : [[metadata.name, amount] as const];
    }),
  );

/** `watermark.tidemark.dev/<gauge>`: `off`, or marks and times such as `high=0.97,low=0.95,for=600`. Nonsense is ignored. */
const wishOf = (pod: Pod, rule: WatermarkRule): 'off' | NonNullable<MeasuredSeries['override']> | undefined => {
  const text = pod.metadata.annotations?.[`watermark.tidemark.dev/${rule.gauge}`];
  if (text === undefined) return undefined;
  if (text.trim() === 'off') return 'off';
  const wish: Record<string, number> = {};
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=').map((side) => side.trim());
    const field = Object.hasOwn(wishes, name) ? wishes[name] : undefined;
    const number = value === '' ? Number.NaN : Number(value);
    if (field !== undefined && number >= 0 && Number.isFinite(number)) wish[field] = number;
  }
  return wish;
};

const wishes: Readonly<Record<string, string>> = {
  high: 'high',
  low: 'low',
  for: 'forSeconds',
  keepFiringFor: 'keepFiringForSeconds',
};
