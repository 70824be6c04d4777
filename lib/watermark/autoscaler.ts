import type { HorizontalPodAutoscaler, HpaMetric, Pod } from '../model/kubernetes-objects.ts';

/** What the autoscaler of a pod's workload does about one resource of one of its containers. */
export interface Scaling {
  readonly name: string;
  /** It scales the workload on this very resource. */
  readonly onResource: boolean;
  /** It still can and will: being full is its signal then, not an alarm. */
  readonly acts: boolean;
  /** How an alert says it. */
  readonly words: string;
}

/** Answers for a pod and the container in question (undefined: the pod as a whole); undefined where nothing scales it. */
export type ScalingOf = (pod: Pod, container: string | undefined) => Scaling | undefined;

/**
 * The autoscalers (autoscaling/v2) of a cluster, asked by pod. One is relied on while it scales on the resource, has replicas left, is
 * able to act by its own conditions, and does not see an average well below its target: a single full pod among idle ones is no
 * reason for it to scale, and nobody else would tell.
 */
export const scalingBy = (autoscalers: readonly HorizontalPodAutoscaler[], resource: 'memory' | 'cpu'): ScalingOf => {
  const byWorkload = new Map<string, HorizontalPodAutoscaler>();
  for (const each of autoscalers) {
    const target = each.spec?.scaleTargetRef;
    if (target === undefined) continue;
    const workload = `${each.metadata.namespace ?? ''}/${target.kind}/${target.name}`;
    if (!byWorkload.has(workload)) byWorkload.set(workload, each);
  }
  return (pod, container) => {
    if (byWorkload.size === 0) return undefined;
    const scaler = byWorkload.get(workloadOf(pod));
    return scaler === undefined ? undefined : scalingOf(scaler, resource, container);
  };
};

const scalingOf = (scaler: HorizontalPodAutoscaler, resource: string, container: string | undefined): Scaling => {
  const { metadata, spec, status } = scaler;
  const isMine = (metric: HpaMetric): boolean => isOn(metric, resource, container);
  const metric = spec?.metrics?.find(isMine);
  const { maxReplicas = 0 } = spec ?? {};
  const replicas = status?.currentReplicas ?? 0;
  const name = metadata.name;
  const of = `HorizontalPodAutoscaler ${name} (${replicas} of at most ${maxReplicas} replicas)`;
  const answer = (acts: boolean, words: string): Scaling => ({
    name,
    onResource: metric !== undefined,
    acts,
    words: `${of} ${words}`,
  });
  if (metric === undefined) return answer(false, `does not scale on ${resource}`);
  const level = levelOf(metric, status?.currentMetrics?.find(isMine));
  const seen = level === undefined ? '' : `; it sees ${level.current}, its target is ${level.target}`;
  const hindrance = hindranceOf(scaler);
  if (hindrance !== undefined) return answer(false, `cannot act: ${hindrance}`);
  if (replicas >= maxReplicas) return answer(false, `is at its maximum${seen}`);
  if (level !== undefined && level.share < 1 - tolerance) {
    return answer(false, `will not scale: on average it sees ${level.current}, its target is ${level.target}`);
  }
  return answer(true, `has room to scale${seen}`);
};

/** Within this share of its target the controller does nothing (its flag horizontal-pod-autoscaler-tolerance). */
const tolerance = 0.1;

const isOn = (metric: HpaMetric, resource: string, container: string | undefined): boolean =>
  metric.resource?.name === resource ||
  (metric.containerResource?.name === resource && metric.containerResource.container === container);

/** Why it does not scale up whatever it sees, by its own conditions and behaviour. */
const hindranceOf = ({ spec, status }: HorizontalPodAutoscaler): string | undefined => {
  if (spec?.behavior?.scaleUp?.selectPolicy === 'Disabled') return 'scaling up is disabled';
  const failing = status?.conditions?.find(
    ({ type, status: is }) => (type === 'ScalingActive' || type === 'AbleToScale') && is === 'False',
  );
  return failing === undefined
    ? undefined
    : [failing.reason ?? failing.type, failing.message].filter((text) => text !== undefined).join(': ');
};

interface Level {
  readonly current: string;
  readonly target: string;
  /** Current over target. */
  readonly share: number;
}

/** The average it last saw beside its target, where both are a percentage of requests. */
const levelOf = (wanted: HpaMetric, seen: HpaMetric | undefined): Level | undefined => {
  const target = (wanted.resource ?? wanted.containerResource)?.target?.averageUtilization;
  const current = (seen?.resource ?? seen?.containerResource)?.current?.averageUtilization;
  if (typeof target !== 'number' || typeof current !== 'number' || target <= 0) return undefined;
  return { current: `${current} % of requests`, target: `${target} %`, share: current / target };
};

/**
 * The controller of a pod. Of a ReplicaSet it is what made that one: a Deployment, or an Argo Rollout, whose name is the
 * ReplicaSet's without the template hash.
 */
const workloadOf = ({ metadata }: Pod): string => {
  const { namespace = '', labels, ownerReferences } = metadata;
  const owner = ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return '';
  if (owner.kind === 'ReplicaSet') {
    for (const [label, kind] of makers) {
      const hash = labels?.[label];
      if (hash !== undefined && owner.name.endsWith(`-${hash}`)) {
        return `${namespace}/${kind}/${owner.name.slice(0, -hash.length - 1)}`;
      }
    }
  }
  return `${namespace}/${owner.kind}/${owner.name}`;
};

const makers = [
  ['pod-template-hash', 'Deployment'],
  ['rollouts-pod-template-hash', 'Rollout'],
] as const;
