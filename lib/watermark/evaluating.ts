import type { WatchedQueue, WatermarkRule, WatermarksConfig } from '../model/config/watermarks.ts';
import type { ClusterSnapshot } from '../model/kubernetes-objects.ts';
import type { Bus, Clock, Log, Table } from '../model/ports.ts';
import type { QueueSnapshot } from '../model/queue-snapshot.ts';
import type { TraceRef } from './breach-alert.ts';
import type { MetricValue } from './gauge.ts';
import type { Recall } from './recall.ts';

/** Where gauges get what they measure. Every member rejects with a Failure when its source does not answer. */
export interface Sources {
  readonly cluster: (name: string, needs: ClusterNeeds) => Promise<ClusterSnapshot>;
  readonly queue: (queue: WatchedQueue, needs: { readonly age: boolean }) => Promise<Omit<QueueSnapshot, 'history'>>;
  readonly cloudwatch: (rule: WatermarkRule) => Promise<readonly MetricValue[]>;
  readonly prometheus: (server: string, query: string) => Promise<readonly MetricValue[]>;
  /** The trace that a message of a queue carries: of a dead-letter queue, one that failed. Undefined where none is known. */
  readonly traceInQueue: (queue: WatchedQueue) => Promise<TraceRef | undefined>;
}

/** Which lists of a cluster some rule reads; the others are not asked for. */
export interface ClusterNeeds {
  readonly pods: boolean;
  readonly nodes: boolean;
}

/** What evaluation is given. */
export interface Evaluating {
  readonly config: WatermarksConfig;
  readonly sources: Sources;
  readonly table: Table;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  /** What this process has seen lately. */
  readonly recall: Recall;
  /** The span of this evaluation; alerts name it, so that one can see how they came about. */
  readonly trace: TraceRef | undefined;
}
