import { names } from '../../telemetry/semconv.ts';
import { attributesSize, carriedInAttributes, injectAttributes, injectEnvelope } from './attributes.ts';
import {
  bytesOf,
  type Carry,
  type Injected,
  type Input,
  lastWord,
  listOf,
  type Operation,
  plugIn,
  type SdkClient,
  type SendOptions,
} from './client.ts';

/** 256 KiB for a message and for a whole batch, attributes included. */
const limits = { message: 262_144, call: 262_144 };

/** Puts the trace context into every message that an SNS client of the AWS SDK v3 publishes. */
export const traceSns = (client: SdkClient, options: SendOptions = {}): void =>
  plugIn(client, 'aws.sns', { PublishCommand: single, PublishBatchCommand: batch }, options);

const inject = (entry: Input, carry: Carry, bytes: number): Injected | undefined => {
  // A text message to a phone has no room for attributes of ours.
  if (entry['PhoneNumber'] !== undefined) return undefined;
  const { carries, ...injected } = injectAttributes(entry, carry, bytes);
  if (carries || entry['MessageStructure'] === 'json') return injected;
  return injectEnvelope(entry, 'Message', carry, bytes) ?? injected;
};

const topicOf = (input: Input): unknown => input['TopicArn'] ?? input['TargetArn'];

const common: Pick<Operation, 'destination' | 'attributes' | 'carried' | 'size' | 'limits' | 'inject'> = {
  destination: (input) => lastWord(topicOf(input)),
  attributes: (input) => {
    const arn = topicOf(input);
    return typeof arn === 'string' ? { [names.topicArn]: arn } : {};
  },
  carried: carriedInAttributes,
  size: (entry) => bytesOf(entry['Message']) + bytesOf(entry['Subject']) + attributesSize(entry),
  limits,
  inject,
};

const single: Operation = { ...common, entries: (input) => [input], rebuilt: (_, [entry]) => entry as Input };

const batch: Operation = {
  ...common,
  entries: (input) => listOf(input['PublishBatchRequestEntries']),
  rebuilt: (input, entries) => ({ ...input, PublishBatchRequestEntries: entries }),
  failed: (output) => listOf(output['Failed']).length,
};
