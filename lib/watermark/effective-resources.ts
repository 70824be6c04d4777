import type { Container, ContainerStatus, Pod, ResourceList } from '../model/kubernetes-objects.ts';
import { readQuantity } from './quantity.ts';

/** In nano-units; a resource that nobody names is absent. */
export type Amounts = Readonly<Record<string, bigint>>;

export interface EffectiveResources {
  readonly requests: Amounts;
  readonly limits: Amounts;
  /** Quantities that could not be read, with their place; they count as absent. */
  readonly refused: readonly string[];
}

/**
 * What a pod as a whole requests and may use: `PodRequests` and `PodLimits` of k8s.io/component-helpers v0.37 `resource`.
 * Init containers run before the others and one after another (so their maximum counts); sidecars (init containers with
 * restartPolicy Always) run from their start to the end (so they add up, also under later init containers); pod-level
 * resources replace the sums of cpu, memory and hugepages; overhead is added, to limits only where there is one.
 */
export const effectiveResources = (
  pod: Pod,
  /**
   * `useStatus`: while an in-place resize is under way, the most of what is wanted, allocated and in force; what is wanted does not
   * count once the node has called it infeasible.
   */
  options: { readonly useStatus?: boolean } = {},
): EffectiveResources => {
  const refused: string[] = [];
  const total = (kind: 'requests' | 'limits'): Amounts => {
    const amounts = options.useStatus === true ? resized(pod, kind, refused) : aggregate(pod, wanted(kind, refused));
    const podLevel = read(pod.spec?.resources?.[kind], `spec.resources.${kind}`, refused);
    for (const [name, amount] of Object.entries(podLevel)) if (isPodLevel(name)) amounts[name] = amount;
    const overhead = read(pod.spec?.overhead, 'spec.overhead', refused);
    for (const [name, amount] of Object.entries(overhead)) {
      const has = amounts[name];
      if (kind === 'requests' || (has !== undefined && has !== 0n)) amounts[name] = (has ?? 0n) + amount;
    }
    return amounts;
  };
  return { requests: total('requests'), limits: total('limits'), refused };
};

type Mutable = Record<string, bigint>;
type ResourcesOf = (container: Container) => Amounts;

const wanted =
  (kind: 'requests' | 'limits', refused: string[]): ResourcesOf =>
  ({ name, resources }) =>
    read(resources?.[kind], `${name}.resources.${kind}`, refused);

/** The most of the pod's sums by spec, by allocation and by what is in force; each falls back to the one before it. */
const resized = (pod: Pod, kind: 'requests' | 'limits', refused: string[]): Mutable => {
  const infeasible = pod.status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
  const statuses = statusesOf(pod);
  const spec = wanted(kind, refused);
  const fallback: ResourcesOf = infeasible ? () => ({}) : spec;
  const allocated: ResourcesOf = (container) => {
    const list = statuses.get(container.name)?.allocatedResources;
    return list == null ? fallback(container) : read(list, `${container.name} allocatedResources`, refused);
  };
  const inForce: ResourcesOf = (container) => {
    const list = statuses.get(container.name)?.resources?.[kind];
    if (list != null) return read(list, `${container.name} status.resources.${kind}`, refused);
    // Limits are never allocated, only requests are.
    return kind === 'requests' ? allocated(container) : fallback(container);
  };
  const most = aggregate(pod, inForce);
  if (kind === 'requests') raise(most, aggregate(pod, allocated));
  if (!infeasible) raise(most, aggregate(pod, spec));
  return most;
};

const aggregate = (pod: Pod, amountsOf: ResourcesOf): Mutable => {
  const total: Mutable = {};
  const sidecars: Mutable = {};
  const needed: Mutable = {};
  for (const container of pod.spec?.containers ?? []) add(total, amountsOf(container));
  for (const container of pod.spec?.initContainers ?? []) {
    const own = amountsOf(container);
    if (container.restartPolicy === 'Always') {
      add(total, own);
      add(sidecars, own);
      raise(needed, sidecars);
    } else {
      const need: Mutable = { ...own };
      add(need, sidecars);
      raise(needed, need);
    }
  }
  raise(total, needed);
  return total;
};

const statusesOf = (pod: Pod): ReadonlyMap<string, ContainerStatus> =>
  new Map(
    [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].map((status) => [
      status.name,
      status,
    ]),
  );

const read = (list: ResourceList | undefined, where: string, refused: string[]): Amounts => {
  const amounts: Mutable = {};
  for (const name in list) {
    const quantity = readQuantity(list[name]);
    if ('nanos' in quantity) amounts[name] = quantity.nanos;
    else refused.push(`${where}.${name} ${quantity.refused}`);
  }
  return amounts;
};

const add = (sum: Mutable, more: Amounts): void => {
  for (const name in more) sum[name] = (sum[name] ?? 0n) + (more[name] ?? 0n);
};

const raise = (most: Mutable, other: Amounts): void => {
  for (const name in other) {
    const amount = other[name] ?? 0n;
    const has = most[name];
    if (has === undefined || amount > has) most[name] = amount;
  }
};

const isPodLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
