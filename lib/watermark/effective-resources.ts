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
 * What a pod as a whole requests and may use: `PodRequests` and `PodLimits` of k8s.io/component-helpers `resource`.
 * Init containers run before the others and one after another (so their maximum counts); sidecars (init containers with
 * restartPolicy Always) run from their start to the end (so they add up, also under later init containers); pod-level
 * resources replace the sums of cpu, memory and hugepages; overhead is added, to limits only where there is one.
 */
export const effectiveResources = (
  pod: Pod,
  /** `useStatus`: count an in-place resize (max of spec, in force and allocated; the spec not at all while infeasible). */
  options: { readonly useStatus?: boolean } = {},
): EffectiveResources => {
  const refused: string[] = [];
  const statuses = options.useStatus === true ? statusesOf(pod) : undefined;
  const total = (kind: 'requests' | 'limits'): Amounts => {
    const amounts = aggregate(pod, kind, statuses, refused);
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

const aggregate = (
  pod: Pod,
  kind: 'requests' | 'limits',
  statuses: ReadonlyMap<string, ContainerStatus> | undefined,
  refused: string[],
): Mutable => {
  const infeasible = pod.status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
  const amountsOf = (container: Container, mayResize: boolean): Amounts => {
    const where = `${container.name}.resources`;
    const spec = read(container.resources?.[kind], `${where}.${kind}`, refused);
    const status = mayResize ? statuses?.get(container.name) : undefined;
    if (status?.resources === undefined) return spec;
    const parts = [read(status.resources[kind], `status of ${where}.${kind}`, refused)];
    if (!infeasible) parts.push(spec);
    if (kind === 'requests') parts.push(read(status.allocatedResources, `allocated ${where}`, refused));
    const most: Mutable = {};
    for (const part of parts) raise(most, part);
    return most;
  };
  const total: Mutable = {};
  const sidecars: Mutable = {};
  const needed: Mutable = {};
  for (const container of pod.spec?.containers ?? []) add(total, amountsOf(container, true));
  for (const container of pod.spec?.initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always';
    const own = amountsOf(container, isSidecar);
    if (isSidecar) {
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
    [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].map((status) => [
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
