/** The `traces` section of tidemark.config.ts. */
export interface TracesConfig {
  /** Parts that a window is divided into by trace, each scored on its own. @default 1, enough for 100,000 spans a minute */
  readonly partitions?: number;
  /** When a finding is raised. */
  readonly thresholds?: TraceThresholds;
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
}
