// For users: what a service or a configuration calls.

export { systemClock, systemNanos, systemRandom } from './adapters/clock.ts';
export { jsonLog } from './adapters/log.ts';
export { spanQueue } from './adapters/span-queue.ts';
export { createTracing, type Tracing } from './adapters/tracer.ts';
export { eachRecord } from './middleware/each-record.ts';
export { traceEventBridge, traceSqs } from './middleware/inject-clients.ts';
export { traceContext } from './middleware/trace-context.ts';
export { traced } from './middleware/traced.ts';
export { fail } from './middleware/tracing.ts';
export { type Config, defineConfig } from './model/config.ts';
export { encodeJson } from './telemetry/encode.ts';

// For authors of new members.

export type { Layer, Place } from './model/carrier.ts';
export { Failure, type FailureCode } from './model/failure.ts';
export type { Message, Source } from './model/message.ts';
export type { TraceContext } from './model/trace-context.ts';
export type { Format } from './propagation/format.ts';
export type { Detector } from './trace/detector.ts';
