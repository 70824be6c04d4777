import type {
  Container,
  ContainerStatus,
  HorizontalPodAutoscaler,
  HpaMetric,
  Node,
  NodeMetrics,
  ObjectMeta,
  Pod,
  PodMetrics,
  ResourceList,
  Resources,
} from '../model/kubernetes-objects.ts';

/**
 * What gauges read of each object of a list, checked for its form: the nine tenths that they do not read would be kept in memory
 * for thousands of pods otherwise. Undefined for what has no name. None of them throws.
 */
export const podFields = (item: unknown): Pod | undefined => {
  const { spec, status } = fieldsOf(item);
  const metadata = metadataOf(item);
  if (metadata === undefined) return undefined;
  return defined({ metadata, spec: podSpec(spec), status: podStatus(status) });
};

export const podMetricsFields = (item: unknown): PodMetrics | undefined => {
  const { timestamp, containers } = fieldsOf(item);
  const metadata = metadataOf(item);
  if (metadata === undefined) return undefined;
  return defined({
    metadata,
    timestamp: textOf(timestamp),
    containers: listOf(containers).flatMap(({ name, usage }) => {
      const named = textOf(name);
      return named === undefined ? [] : [defined({ name: named, usage: amountsOf(usage) })];
    }),
  });
};

export const nodeFields = (item: unknown): Node | undefined => {
  const metadata = metadataOf(item);
  const allocatable = amountsOf(fieldsOf(fieldsOf(item)['status'])['allocatable']);
  return metadata === undefined
    ? undefined
    : { metadata, ...(allocatable === undefined ? {} : { status: { allocatable } }) };
};

export const nodeMetricsFields = (item: unknown): NodeMetrics | undefined => {
  const { timestamp, usage } = fieldsOf(item);
  const metadata = metadataOf(item);
  return metadata === undefined
    ? undefined
    : defined({ metadata, timestamp: textOf(timestamp), usage: amountsOf(usage) });
};

export const autoscalerFields = (item: unknown): HorizontalPodAutoscaler | undefined => {
  const metadata = metadataOf(item);
  if (metadata === undefined) return undefined;
  const spec = fieldsOf(fieldsOf(item)['spec']);
  const status = fieldsOf(fieldsOf(item)['status']);
  const target = fieldsOf(spec['scaleTargetRef']);
  const [kind, name] = [textOf(target['kind']), textOf(target['name'])];
  const selectPolicy = textOf(fieldsOf(fieldsOf(spec['behavior'])['scaleUp'])['selectPolicy']);
  return {
    metadata,
    spec: defined({
      scaleTargetRef: kind === undefined || name === undefined ? undefined : { kind, name },
      maxReplicas: numberOf(spec['maxReplicas']),
      metrics: listOf(spec['metrics']).flatMap(hpaMetric),
      behavior: selectPolicy === undefined ? undefined : { scaleUp: { selectPolicy } },
    }),
    status: defined({
      currentReplicas: numberOf(status['currentReplicas']),
      currentMetrics: listOf(status['currentMetrics']).flatMap(hpaMetric),
      conditions: listOf(status['conditions']).flatMap(({ type, status: is, reason, message }) => {
        const [named, said] = [textOf(type), textOf(is)];
        if (named === undefined || said === undefined) return [];
        return [defined({ type: named, status: said, reason: textOf(reason), message: textOf(message) })];
      }),
    }),
  };
};

const hpaMetric = ({ type, resource, containerResource }: Fields): readonly HpaMetric[] => {
  const named = textOf(type);
  if (named === undefined) return [];
  const container = textOf(fieldsOf(containerResource)['container']);
  const ofContainer = hpaResource(containerResource);
  return [
    defined({
      type: named,
      resource: hpaResource(resource),
      containerResource:
        container === undefined || ofContainer === undefined ? undefined : { ...ofContainer, container },
    }),
  ];
};

const hpaResource = (value: unknown) => {
  const { name, target, current } = fieldsOf(value);
  const named = textOf(name);
  const average = (of: unknown) => {
    const averageUtilization = numberOf(fieldsOf(of)['averageUtilization']);
    return averageUtilization === undefined ? undefined : { averageUtilization };
  };
  return named === undefined ? undefined : defined({ name: named, target: average(target), current: average(current) });
};

const podSpec = (value: unknown): Pod['spec'] => {
  const { nodeName, resources, overhead, containers, initContainers } = fieldsOf(value);
  return defined({
    nodeName: textOf(nodeName),
    resources: resourcesOf(resources),
    overhead: amountsOf(overhead),
    containers: listOf(containers).flatMap(containerOf),
    initContainers: listOf(initContainers).flatMap(containerOf),
  });
};

const podStatus = (value: unknown): Pod['status'] => {
  const { phase, conditions, resources, allocatedResources, containerStatuses, initContainerStatuses } =
    fieldsOf(value);
  return defined({
    phase: textOf(phase),
    conditions: listOf(conditions).flatMap(({ type, reason }) => {
      const named = textOf(type);
      return named === undefined ? [] : [defined({ type: named, reason: textOf(reason) })];
    }),
    resources: resourcesOf(resources),
    allocatedResources: amountsOf(allocatedResources),
    containerStatuses: listOf(containerStatuses).flatMap(statusOf),
    initContainerStatuses: listOf(initContainerStatuses).flatMap(statusOf),
  });
};

const containerOf = ({ name, resources, restartPolicy }: Fields): readonly Container[] => {
  const named = textOf(name);
  if (named === undefined) return [];
  return [defined({ name: named, resources: resourcesOf(resources), restartPolicy: textOf(restartPolicy) })];
};

const statusOf = ({
  name,
  resources,
  allocatedResources,
  restartCount,
  lastState,
}: Fields): readonly ContainerStatus[] => {
  const named = textOf(name);
  if (named === undefined) return [];
  const reason = textOf(fieldsOf(fieldsOf(lastState)['terminated'])['reason']);
  return [
    defined({
      name: named,
      resources: resourcesOf(resources),
      allocatedResources: amountsOf(allocatedResources),
      restartCount: numberOf(restartCount),
      lastState: reason === undefined ? undefined : { terminated: { reason } },
    }),
  ];
};

const metadataOf = (item: unknown): ObjectMeta | undefined => {
  const { name, namespace, labels, annotations, ownerReferences } = fieldsOf(fieldsOf(item)['metadata']);
  const named = textOf(name);
  if (named === undefined) return undefined;
  const owners = listOf(ownerReferences).flatMap(({ kind, name: owner, controller }) => {
    const [ofKind, ofName] = [textOf(kind), textOf(owner)];
    return ofKind === undefined || ofName === undefined
      ? []
      : [{ kind: ofKind, name: ofName, controller: controller === true }];
  });
  return defined({
    name: named,
    namespace: textOf(namespace),
    labels: textsOf(labels, (label) => label.endsWith('pod-template-hash')),
    annotations: textsOf(annotations, (annotation) => annotation.startsWith('watermark.tidemark.dev/')),
    ownerReferences: owners.length === 0 ? undefined : owners,
  });
};

type Fields = Readonly<Record<string, unknown>>;
const none: Fields = {};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : none);
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** Undefined where none is left. */
const textsOf = (value: unknown, isWanted: (name: string) => boolean): Readonly<Record<string, string>> | undefined => {
  let texts: Record<string, string> | undefined;
  for (const [name, text] of Object.entries(fieldsOf(value))) {
    if (typeof text !== 'string' || !isWanted(name)) continue;
    texts ??= {};
    texts[name] = text;
  }
  return texts;
};

/** Null and undefined are no list at all; what is neither text nor number is refused where quantities are read. */
const amountsOf = (value: unknown): ResourceList | undefined => (isFields(value) ? (value as ResourceList) : undefined);

const resourcesOf = (value: unknown): Resources | undefined =>
  isFields(value) ? defined({ requests: amountsOf(value['requests']), limits: amountsOf(value['limits']) }) : undefined;

/** Without the keys that are undefined. */
const defined = <T extends object>(
  fields: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} => {
  const kept: Partial<T> = {};
  for (const key in fields) if (fields[key] !== undefined) kept[key] = fields[key];
  return kept as never;
};
