/** The `alerts` section of tidemark.config.ts. */
export interface AlertsConfig {
  /** Where alerts can go, by name. */
  readonly receivers: Readonly<Record<string, ReceiverConfig>>;
  /** The receivers of every alert that no route claims. */
  readonly default: readonly string[];
  /** Asked in order; the first whose labels all match decides. */
  readonly routes?: readonly RouteConfig[];
  /** Address of a trace's page in your tracing tool, with `{traceId}` in it. */
  readonly traceUrl?: string;
}

export interface ReceiverConfig {
  readonly channel: 'wecom' | 'webhook';
  /** `secretsmanager:name` or `ssm:name`: where a URL is the secret, as a robot's is, it is never written here. */
  readonly url: string;
  /** Signing secret, as a reference. */
  readonly secret?: string;
  /** Users that a critical alert mentions. */
  readonly mention?: readonly string[];
  /** The receiver to turn to when this one refuses for good. */
  readonly fallback?: string;
}

export interface RouteConfig {
  /** Labels and the values that they must have. */
  readonly match: Readonly<Record<string, string>>;
  readonly receivers: readonly string[];
}
