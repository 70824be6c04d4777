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
   * count once the node has called it infeasible. `usePodStatus`, with it: so too for the pod's own resources, where its status has
   * them (the feature InPlacePodLevelResourcesVerticalScaling).
   */
  options: { readonly useStatus?: boolean; readonly usePodStatus?: boolean } = {},
): EffectiveResources => {
  const refused: string[] = [];
  const total = (kind: 'requests' | 'limits'): Amounts => {
    const status = options.useStatus === true && options.usePodStatus === true ? pod.status : undefined;
    const amounts =
      options.useStatus === true ? resized(pod, kind, status, refused) : aggregate(pod, wanted(kind, refused));
    const podLevel = podLevelOf(pod, kind, status, refused);
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

/** What replaces the sums; where the pod's status counts, the most of what is wanted, allocated and in force. */
const podLevelOf = (
  pod: Pod,
  kind: 'requests' | 'limits',
  status: Pod['status'] | undefined,
  refused: string[],
): Amounts => {
  const own = pod.spec?.resources;
  const spec = read(own?.[kind], `spec.resources.${kind}`, refused);
  if (status?.resources == null) return spec;
  // A pod asks for limits of its own by naming either; for requests, only by naming requests.
  const named = kind === 'requests' ? [own?.requests] : [own?.requests, own?.limits];
  if (!named.some((list) => Object.keys(list ?? {}).some(isPodLevel))) return spec;
  const most: Mutable = isInfeasible(pod) ? {} : { ...spec };
  raise(most, read(status.resources[kind], `status.resources.${kind}`, refused));
  if (kind === 'requests') raise(most, read(status.allocatedResources, 'status.allocatedResources', refused));
  return most;
};

const isInfeasible = ({ status }: Pod): boolean =>
  status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';

/** The most of the pod's sums by spec, by allocation and by what is in force; each falls back to the one before it. */
const resized = (
  pod: Pod,
  kind: 'requests' | 'limits',
  status: Pod['status'] | undefined,
  refused: string[],
): Mutable => {
  const infeasible = isInfeasible(pod);
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
  // The sums over all containers, where the node reports them itself.
  const sums = status?.resources?.[kind];
  const allSums = kind === 'requests' ? status?.allocatedResources : undefined;
  const isSummed = sums != null && (kind === 'limits' || allSums != null);
  const most = isSummed ? { ...read(sums, `status.resources.${kind}`, refused) } : aggregate(pod, inForce);
  if (kind === 'requests') {
    raise(most, isSummed ? read(allSums, 'status.allocatedResources', refused) : aggregate(pod, allocated));
  }
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

const read = (list: ResourceList | null | undefined, where: string, refused: string[]): Amounts => {
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
