/** The plug-ins of AWS SDK v3 clients and the plain functions of other producers, for the functions and the public list. */
export type { SendOptions } from './send/client.ts';
export { type EventBridgeOptions, traceEventBridge } from './send/eventbridge.ts';
export { injectKafka, injectNsq, injectRabbitmq } from './send/headers.ts';
export { traceKinesis } from './send/kinesis.ts';
export { traceLambda } from './send/lambda.ts';
export { traceSns } from './send/sns.ts';
export { askForContext, traceSqs } from './send/sqs.ts';
export { traceStepFunctions } from './send/step-functions.ts';
