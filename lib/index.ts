// For users: what a service or a configuration calls.

export { systemClock, systemNanos, systemRandom } from './adapters/clock.ts';
export { jsonLog } from './adapters/log.ts';
export { spanQueue } from './adapters/span-queue.ts';
export { type EachRecordOptions, eachRecord, type RecordHandler } from './middleware/each-record.ts';
export {
  askForContext,
  injectKafka,
  injectNsq,
  injectRabbitmq,
  type SendOptions,
  traceEventBridge,
  traceKinesis,
  traceLambda,
  traceSns,
  traceSqs,
  traceStepFunctions,
} from './middleware/inject-clients.ts';
export type { InvocationOptions } from './middleware/invocation.ts';
export type { ReceivedMessage } from './middleware/received.ts';
export { traceContext } from './middleware/trace-context.ts';
export { traced } from './middleware/traced.ts';
export { fail, type TracingOptions } from './middleware/tracing.ts';
export { type Config, defineConfig } from './model/config.ts';
export { Failure, type FailureCode } from './model/failure.ts';
export { explain } from './propagation/explain.ts';
export { extract, extractFrom } from './propagation/extract.ts';
export { inject } from './propagation/inject.ts';
export { type Propagation, propagation } from './propagation/propagation.ts';
export { createTelemetry, type Telemetry, type TelemetryOptions } from './provider/telemetry.ts';
export { createTracing, type ProviderOptions, type Tracing } from './provider/tracing.ts';
export { encodeJson } from './telemetry/encode.ts';
export { type Redactor, redactor } from './telemetry/redact.ts';
export { type BacklogSampler, type BacklogSamplerOptions, backlogSampler } from './telemetry/sampler.ts';

// For authors of new members.

export { defineLayer, defineSource } from './message/source.ts';
export type { Layer, Place } from './model/carrier.ts';
export type { Details, Message, Source } from './model/message.ts';
export type { Extracted, TraceContext } from './model/trace-context.ts';
export type { Format } from './propagation/format.ts';
export type { Detector } from './trace/detector.ts';
