/** The fields of the Kubernetes API that gauges read; everything is optional, since it is foreign input. */
export type ResourceList = Readonly<Record<string, string | number>>;

export interface Resources {
  readonly requests?: ResourceList;
  readonly limits?: ResourceList;
}

export interface Container {
  readonly name: string;
  readonly resources?: Resources;
  /** `Always` on an init container makes it a sidecar. */
  readonly restartPolicy?: string;
}

export interface ContainerStatus {
  readonly name: string;
  /** What is in force, which differs from the spec while an in-place resize is under way. */
  readonly resources?: Resources;
  readonly allocatedResources?: ResourceList;
  readonly restartCount?: number;
  readonly lastState?: { readonly terminated?: { readonly reason?: string } };
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly controller?: boolean }[];
}

/** core/v1 */
export interface Pod {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly resources?: Resources;
    readonly overhead?: ResourceList;
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    /** What is in force for the pod as a whole, where resources of its own can be resized in place. */
    readonly resources?: Resources;
    readonly allocatedResources?: ResourceList;
  };
}

/** core/v1 */
export interface Node {
  readonly metadata: ObjectMeta;
  readonly status?: { readonly allocatable?: ResourceList };
}

/** metrics.k8s.io/v1beta1 */
export interface PodMetrics {
  readonly metadata: ObjectMeta;
  readonly timestamp?: string;
  readonly containers?: readonly { readonly name: string; readonly usage?: ResourceList }[];
}

/** metrics.k8s.io/v1beta1 */
export interface NodeMetrics {
  readonly metadata: ObjectMeta;
  readonly timestamp?: string;
  readonly usage?: ResourceList;
}

/** autoscaling/v2 */
export interface HorizontalPodAutoscaler {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly scaleTargetRef?: { readonly kind: string; readonly name: string };
    readonly maxReplicas?: number;
    readonly metrics?: readonly HpaMetric[];
    readonly behavior?: { readonly scaleUp?: { readonly selectPolicy?: string } };
  };
  readonly status?: {
    readonly currentReplicas?: number;
    /** What it last saw, a metric each. */
    readonly currentMetrics?: readonly HpaMetric[] | null;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/** MetricSpec and MetricStatus in one: a target in the spec, a current value in the status. */
export interface HpaMetric {
  readonly type: string;
  readonly resource?: HpaResource;
  readonly containerResource?: HpaResource & { readonly container: string };
}

interface HpaResource {
  readonly name: string;
  readonly target?: { readonly averageUtilization?: number };
  readonly current?: { readonly averageUtilization?: number };
}

/** What one look at a cluster gave. */
export interface ClusterSnapshot {
  /** The name that the configuration gives the cluster. */
  readonly cluster: string;
  /** When it was asked, in milliseconds since the epoch. */
  readonly at: number;
  readonly pods: readonly Pod[];
  readonly podMetrics: readonly PodMetrics[];
  readonly nodes?: readonly Node[];
  readonly nodeMetrics?: readonly NodeMetrics[];
  readonly autoscalers?: readonly HorizontalPodAutoscaler[];
  /** Lists that are of use but not needed and could not be read, with the reason; each is told once. */
  readonly unread?: readonly string[];
}
