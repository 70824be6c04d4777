/** The `watermarks` section of tidemark.config.ts. Rules name gauges; gauges read the clusters, queues and servers named here. */
export interface WatermarksConfig {
  /** What to watch. The key becomes the alert's `alertname`. @default none */
  readonly rules?: Readonly<Record<string, WatermarkRule>>;
  /** Kubernetes clusters by a name of your own, which becomes the label `cluster`. @default none */
  readonly clusters?: Readonly<Record<string, ClusterConfig>>;
  /** Queues to watch, and whose pressure samplers may read. @default none */
  readonly queues?: readonly WatchedQueue[];
  /** Prometheus servers by a name of your own. @default none */
  readonly prometheus?: Readonly<Record<string, PrometheusConfig>>;
  /** Seconds that a source may fail before one alert says that it is blind. @default 60 */
  readonly blindAfterSeconds?: number;
  /** Seconds without any tick that count as an outage: pending series then do not count it towards `for`. @default 300 */
  readonly outageSeconds?: number;
  /** Series that one rule may have; more are left out, and an alert says so. @default 20000 */
  readonly maxSeries?: number;
}

/** One rule: a gauge, which of its series, and when they fire. */
export interface WatermarkRule {
  /** What is measured; see the list of gauges. */
  readonly gauge: GaugeName;
  /** Enter above this. Ratios are fractions: 0.9, not 90. @default 0.9 for ratios, else the gauge's own */
  readonly high?: number;
  /** Stay above this. At most `high`. @default `high` - 0.1 for ratios, else `high` */
  readonly low?: number;
  /** Seconds that the value must stay above `high`. @default 60 */
  readonly forSeconds?: number;
  /**
   * Seconds that it must stay at or below `low` before the alert resolves (also known as clearFor). @default 300, or as long as it
   * was high, 900 at most; 300 without flap damping
   */
  readonly keepFiringForSeconds?: number;
  /** Enter only if `atLeast` of the last `of` distinct samples are above `high`. @default every sample counts alone */
  readonly samples?: { readonly atLeast: number; readonly of: number };
  /** A series without data: `keep` its state, count it as `ok`, or `alert`. @default keep */
  readonly noData?: 'keep' | 'ok' | 'alert';
  /** With `noData` `alert`: seconds of absence before it is said. @default 0 */
  readonly noDataForSeconds?: number;
  /** false: a series that comes and goes is told each time. @default true: after 2 clearings in an hour it clears only after 30 quiet minutes */
  readonly flapDamping?: boolean;
  /** @default the gauge's own: critical for memory and queues, warning for cpu */
  readonly severity?: 'critical' | 'warning' | 'info';
  /** Further labels of the alert. @default none */
  readonly labels?: Readonly<Record<string, string>>;
  /** @default none */
  readonly runbookUrl?: string;
  /** Only series whose labels have these values (`cluster`, `namespace`, `queue`, …). @default all */
  readonly selector?: Readonly<Record<string, string>>;
  /** Kubernetes gauges: what usage is compared with. `auto`: the limit, else the request, else the node. @default auto */
  readonly against?: 'auto' | 'limit' | 'request';
  /** Kubernetes gauges: one series a pod (its fullest container, or the pod) or one a container. @default pod */
  readonly per?: 'pod' | 'container';
  /** Pushed readings: the reading's `gauge`. @default pushed */
  readonly reading?: string;
  /** Prometheus gauge: which server. @default the only one */
  readonly server?: string;
  /** Prometheus gauge: an instant query; each series of its answer is one of the rule's. */
  readonly query?: string;
  /** CloudWatch gauge: which metric. */
  readonly metric?: CloudWatchMetric;
  /**
   * Fire early: above `from` (a level, at least `low`; @default `low`), and full within so many seconds by the cautious end of
   * a forecast over this process' samples. Level and trend together, since a trend alone misfires after every deployment.
   * @default only the high mark counts
   */
  readonly forecast?: { readonly withinSeconds: number; readonly from?: number };
  /** Queue breach gauge: how far ahead to look, in seconds. @default 900 */
  readonly horizonSeconds?: number;
}

/** A Kubernetes API: either an EKS cluster, or an endpoint with credentials. */
export interface ClusterConfig {
  /** Name of an EKS cluster in the function's account and Region. The function's role needs an access entry. */
  readonly eks?: string;
  /** `https://…` of the API server, or `env:NAME` for a variable of the function's environment. */
  readonly endpoint?: string;
  /** Secret that holds a bearer token: `secretsmanager:name`, `ssm:name`, or `env:NAME`. */
  readonly tokenSecret?: string;
  /** Secret that holds a client certificate in PEM. */
  readonly certificateSecret?: string;
  /** Secret that holds the key of the client certificate in PEM. */
  readonly keySecret?: string;
  /** The cluster's own certificate authority: PEM, or base64 of PEM as a kubeconfig has it. @default the public ones */
  readonly ca?: string;
  /** Only this namespace is listed. @default all */
  readonly namespace?: string;
  /** Milliseconds for one request. @default 10000 */
  readonly timeoutMs?: number;
}

/** An SQS queue. Its capacity is given, or worked out from how fast it is consumed and how old a message may get. */
export interface WatchedQueue {
  readonly arn: string;
  /** Messages that count as full. @default consumeRatePerSecond × maxAgeSeconds */
  readonly capacity?: number;
  /** Messages that its consumers handle in a second. */
  readonly consumeRatePerSecond?: number;
  /** How old a message may get, in seconds. */
  readonly maxAgeSeconds?: number;
  /** `queue-drain` leaves a queue of at most this many messages alone. @default 0 */
  readonly minBacklog?: number;
  /**
   * When an alert begins, look at one message for the trace that it carries. It is received once more by that, which counts
   * towards its dead-lettering. @default true for `queue-dead-letters`, false for every other gauge
   */
  readonly peek?: boolean;
  /** Ask CloudWatch for the age of the oldest message. @default true when a rule needs it */
  readonly age?: boolean;
}

/** A Prometheus server, or a workspace of Amazon Managed Prometheus. */
export interface PrometheusConfig {
  /** Base URL, before `/api/v1/query`, or `env:NAME`. */
  readonly url: string;
  /** Sign requests for this Region (Amazon Managed Prometheus). @default unsigned */
  readonly sigv4Region?: string;
  /** Secret that holds a bearer token. @default none */
  readonly tokenSecret?: string;
  /** Milliseconds for one query. @default 10000 */
  readonly timeoutMs?: number;
}

/** One CloudWatch metric, as GetMetricData asks for it. */
export interface CloudWatchMetric {
  readonly namespace: string;
  readonly name: string;
  /** @default none */
  readonly dimensions?: Readonly<Record<string, string>>;
  /** @default Average */
  readonly statistic?: string;
  /** Seconds. @default 60 */
  readonly periodSeconds?: number;
  /** The rule sees value ÷ this. @default 1 */
  readonly capacity?: number;
}

/** Every gauge by its configured name; `lib/watermark/gauges` implements them, one file each. */
export const gaugeNames = [
  'pod-memory',
  'pod-cpu',
  'node-memory',
  'node-cpu',
  'queue-backlog',
  'queue-in-flight',
  'queue-age',
  'queue-dead-letters',
  'queue-drain',
  'queue-breach',
  'cloudwatch',
  'prometheus',
  'pushed',
] as const;
export type GaugeName = (typeof gaugeNames)[number];

/** Gauges of queues. */
export const queueGauges: readonly GaugeName[] = [
  'queue-backlog',
  'queue-in-flight',
  'queue-age',
  'queue-dead-letters',
  'queue-drain',
  'queue-breach',
];

/** Gauges whose value is a fraction of something; a mark of 90 is a mistake there. */
export const ratioGauges: readonly GaugeName[] = [
  'pod-memory',
  'pod-cpu',
  'node-memory',
  'node-cpu',
  'queue-backlog',
  'queue-age',
];

/** The highest mark of a fraction: a pod may use more than it requests, ten times over is a mistake. */
export const maxRatio = 10;
