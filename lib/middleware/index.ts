/** The package entry `tidemark/middleware`: tracing of handlers and clients without the rest of tidemark. */
export { type EachRecordOptions, eachRecord, type RecordHandler } from './each-record.ts';
export * from './inject-clients.ts';
export type { InvocationOptions } from './invocation.ts';
export type { ReceivedMessage } from './received.ts';
export { type TraceContextOptions, traceContext } from './trace-context.ts';
export { traced } from './traced.ts';
export { fail, type Relation, type TracingOptions } from './tracing.ts';
