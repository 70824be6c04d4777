/**
 * The names of semantic conventions 1.45 that tidemark writes. They are copied, since the messaging, FaaS and AWS constants of the
 * npm package live in `/incubating`, whose members may change in a minor version, and since its CommonJS build costs 100 KB in a bundle.
 */
export const names = {
  system: 'messaging.system.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  batchCount: 'messaging.batch.message_count',
  messageId: 'messaging.message.id',
  bodySize: 'messaging.message.body.size',
  conversationId: 'messaging.message.conversation_id',
  kafkaOffset: 'messaging.kafka.offset',
  queueUrl: 'aws.sqs.queue.url',
  topicArn: 'aws.sns.topic.arn',
  requestId: 'aws.request_id',
  invokedArn: 'aws.lambda.invoked_arn',
  invocationId: 'faas.invocation.id',
  trigger: 'faas.trigger',
  coldStart: 'faas.coldstart',
  faasName: 'faas.name',
  faasVersion: 'faas.version',
  errorType: 'error.type',
  httpStatus: 'http.response.status_code',
} as const;

/** Our own words, for what no convention has a name for. */
export const ownNames = {
  /** `error` or `slow`: why a span is kept whatever its trace's decision; its parents may be missing. */
  samplingStratum: 'tidemark.sampling.stratum',
  /** Milliseconds from sending to the start of processing. */
  dwell: 'tidemark.message.dwell_ms',
  /** Milliseconds from the first delivery of this message to the start of processing: what retries cost. */
  sinceFirstReceived: 'tidemark.message.since_first_received_ms',
  /** How often this message was delivered, this time included; only when more than once. */
  receiveCount: 'tidemark.message.receive_count',
  /** ARN of the queue that it was dead-lettered from, on a redrive. */
  deadLetteredFrom: 'tidemark.message.dead_lettered_from',
  sequence: 'tidemark.message.sequence',
  /** Where its context was found, such as `sqs.body>sns.Message>eb.detail._trace.traceparent`. */
  contextPath: 'tidemark.context.path',
  contextFormat: 'tidemark.context.format',
  linkReason: 'tidemark.link.reason',
  linkFormat: 'tidemark.link.format',
  linkPath: 'tidemark.link.path',
  failedCount: 'tidemark.batch.failed_count',
  /** Names of context fields that found no room in a message that was sent. */
  dropped: 'tidemark.context.dropped',
} as const;

export type AttributeMap = Record<string, string | number | boolean>;

/** Which names are written: those of 1.45, or also the ones before them. */
export type Conventions = 'current' | 'current-and-old';

/** Reads `OTEL_SEMCONV_STABILITY_OPT_IN`: with `messaging/dup` the old names are written too; `messaging` and nothing mean 1.45 alone. */
export const conventionsOf = (optIn: string | undefined): Conventions =>
  optIn?.split(',').some((word) => word.trim() === 'messaging/dup') === true ? 'current-and-old' : 'current';
