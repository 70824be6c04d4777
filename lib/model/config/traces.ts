import type { FindingKind } from '../finding.ts';

/** The `traces` section of tidemark.config.ts. */
export interface TracesConfig {
  /** Parts that a window is divided into by trace, each scored on its own. @default 1, enough for 100,000 spans a minute */
  readonly partitions?: number;
  /** When a finding is raised. */
  readonly thresholds?: TraceThresholds;
  /** Detectors that run. @default all; `new-call` and `missing-call` are silent without a baseline */
  readonly detectors?: readonly FindingKind[];
  /**
   * Earlier windows that say what is usual of a service, 0 to 120: their scores are read before a window is scored, so each costs a
   * request. Shifts against them are raised beside the fixed thresholds, once five of them are there. @default 0, fixed thresholds only
   */
  readonly baselineWindows?: number;
  /** Who is told the metrics of traces. @default log lines in CloudWatch's embedded metric format */
  readonly metrics?: TraceMetricsConfig;
  /** Where spans come from, besides the Function URL and the queue `tidemark-spans`, which are always there. @default nowhere else */
  readonly sources?: SpanSourcesConfig;
}

/** What exists already and is to be read. Every part may be left out; the function is granted what is named here and no more. */
export interface SpanSourcesConfig {
  /** Log groups that hold spans: `aws/spans`, or those of functions that write OTLP to stdout. */
  readonly logGroups?: readonly LogGroupSource[];
  /** Kinesis streams of OTLP, as the Collector's awskinesis exporter writes them, or of log subscriptions. */
  readonly streams?: readonly StreamSource[];
  /** Topics of OTLP in Amazon MSK or in Kafka of your own. */
  readonly kafka?: readonly KafkaSource[];
  /** SQS queues besides our own. */
  readonly queues?: readonly QueueSource[];
  /** Buckets that a Collector's awss3 exporter writes to. */
  readonly buckets?: readonly BucketSource[];
}

export interface LogGroupSource {
  readonly name: string;
  /** CloudWatch filter pattern of the lines to be read. @default every line of `aws/spans`, envelopes of stdout exporters elsewhere */
  readonly filterPattern?: string;
}

export interface StreamSource {
  readonly arn: string;
  /** Where to start in a stream that is read for the first time. @default latest */
  readonly from?: 'latest' | 'oldest';
  /** Records handed over at once, 1 to 10,000. @default 100 */
  readonly batchSize?: number;
  /** Batches of one shard that are read side by side, 1 to 10. @default 1 */
  readonly parallel?: number;
  /** ARN of the KMS key that the stream is encrypted with, where it is one of your own. */
  readonly keyArn?: string;
}

/** Either `cluster` or `bootstrapServers`. */
export interface KafkaSource {
  /** ARN of an Amazon MSK cluster, read with IAM unless `secret` is given. */
  readonly cluster?: string;
  /** `host:port` of brokers of your own. */
  readonly bootstrapServers?: readonly string[];
  readonly topics: readonly string[];
  /** @default tidemark */
  readonly consumerGroup?: string;
  /** `secretsmanager:name` of user and password. */
  readonly secret?: string;
  /** How the secret is used. @default scram-512 */
  readonly mechanism?: 'scram-512' | 'scram-256' | 'plain';
  /** Ids of subnets and security groups from which brokers of your own are reached. */
  readonly subnets?: readonly string[];
  readonly securityGroups?: readonly string[];
  /** @default latest */
  readonly from?: 'latest' | 'oldest';
  /** Pollers at most, 1 to 2000; one is always there. @default 5 */
  readonly maxPollers?: number;
}

export interface QueueSource {
  readonly arn: string;
  readonly keyArn?: string;
}

export interface BucketSource {
  readonly name: string;
  /** Only keys that start so. @default all */
  readonly prefix?: string;
  /**
   * How its notifications arrive: by EventBridge, which the bucket must have switched on; or as notifications that you configure on the
   * bucket, to the queue `tidemark-spans` or to the function, which are allowed to take them. @default eventbridge
   */
  readonly via?: 'eventbridge' | 'queue' | 'function';
  /** ARN of the KMS key that objects are encrypted with, where it is one of your own. */
  readonly keyArn?: string;
}

export interface TraceThresholds {
  /** Errors of one service in a window. @default 5 */
  readonly errorsPerWindow?: number;
  /** Errors as a share of the service's spans, 0 to 1; both must be exceeded. @default 0.15 */
  readonly errorShare?: number;
  /** Seconds that the 95th percentile of a service's spans may take. @default 2 */
  readonly p95Seconds?: number;
  /** Calls of one hop without their other side, as a share, 0 to 1. @default 0.3 */
  readonly missingShare?: number;
  /** Against a baseline: standard deviations that a shift must exceed. @default 4 */
  readonly sigmas?: number;
  /** Against a baseline: the factor by which the 95th percentile may grow. @default 1.5 */
  readonly p95Factor?: number;
  /** Against a baseline: the share of a service's usual calls to another that may be missing, 0 to 1. @default 0.9 */
  readonly missingCallShare?: number;
}

/** The metrics of scored windows: spans, errors and durations by service, calls between services. */
export interface TraceMetricsConfig {
  /** Log lines in CloudWatch's embedded metric format. @default true */
  readonly emf?: boolean;
  /** Services, and pairs of services, that have series of their own, 1 to 100; the others share a visible one. @default 100 */
  readonly maxSeries?: number;
  /** A receiver of OTLP/HTTP metrics: a Collector, or Prometheus at `/api/v1/otlp/v1/metrics`. */
  readonly otlp?: OtlpMetricsConfig;
  /** A receiver of Prometheus remote write: Prometheus, Mimir, Thanos, or a workspace of Amazon Managed Prometheus. */
  readonly remoteWrite?: RemoteWriteConfig;
}

export interface MetricsReceiver {
  /** The whole URL, such as `https://prometheus.internal/api/v1/write`. */
  readonly url: string;
  /** More headers. Values may be references to secrets. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The token of `Authorization: Bearer …`, as a reference. */
  readonly tokenSecret?: string;
  /** Region to sign for, where the receiver is Amazon Managed Prometheus. */
  readonly sigv4Region?: string;
  /** @default 5000 */
  readonly timeoutMs?: number;
}

export interface RemoteWriteConfig extends MetricsReceiver {
  /**
   * Version 2.0 of the protocol, or 1.0; a receiver that does not know 2.0 is told the same by 1.0. Amazon Managed Prometheus takes 1.0.
   * @default prometheus.WriteRequest
   */
  readonly protobufMessage?: 'prometheus.WriteRequest' | 'io.prometheus.write.v2.Request';
}

export interface OtlpMetricsConfig extends MetricsReceiver {
  /** Totals since they began, or what each window adds; Prometheus takes totals. @default cumulative */
  readonly temporality?: 'cumulative' | 'delta';
  /** @default exponential */
  readonly histogram?: 'exponential' | 'explicit';
}
