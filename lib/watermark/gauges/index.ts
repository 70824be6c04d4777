import type { GaugeName } from '../../model/config/watermarks.ts';
import type { Gauge } from '../gauge.ts';
import { cloudwatch } from './cloudwatch.ts';
import { nodeCpu } from './node-cpu.ts';
import { nodeMemory } from './node-memory.ts';
import { podCpu } from './pod-cpu.ts';
import { podMemory } from './pod-memory.ts';
import { prometheus } from './prometheus.ts';
import { pushed } from './pushed.ts';
import { queueAge } from './queue-age.ts';
import { queueBacklog } from './queue-backlog.ts';
import { queueBreach } from './queue-breach.ts';
import { queueDeadLetters } from './queue-dead-letters.ts';
import { queueDrain } from './queue-drain.ts';
import { queueInFlight } from './queue-in-flight.ts';

/** Every gauge by its configured name; the names stand in lib/model/config/watermarks.ts as well, for the configuration. */
export const gauges = {
  'pod-memory': podMemory,
  'pod-cpu': podCpu,
  'node-memory': nodeMemory,
  'node-cpu': nodeCpu,
  'queue-backlog': queueBacklog,
  'queue-in-flight': queueInFlight,
  'queue-age': queueAge,
  'queue-dead-letters': queueDeadLetters,
  'queue-drain': queueDrain,
  'queue-breach': queueBreach,
  cloudwatch,
  prometheus,
  pushed,
} as const satisfies Record<GaugeName, Gauge>;
