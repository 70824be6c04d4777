import { xrayHeader } from '../../propagation/formats/xray.ts';
import type { Propagation } from '../../propagation/propagation.ts';
import { names } from '../../telemetry/semconv.ts';
import { propagationOf } from '../tracing.ts';
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

/** 1 MiB for a message and for a whole batch, attributes included; system attributes are outside of it. */
const limits = { message: 1_048_576, call: 1_048_576 };

/**
 * Puts the trace context into every message that an SQS client of the AWS SDK v3 sends, and asks for it in every receive.
 * Free attribute slots first, then `AWSTraceHeader`, then the envelope where that was asked for.
 */
export const traceSqs = (client: SdkClient, options: SendOptions = {}): void =>
  plugIn(client, 'aws.sqs', { SendMessageCommand: single, SendMessageBatchCommand: batch }, options, {
    ReceiveMessageCommand: (input) => askForContext(input, propagationOf(options)),
  });

const inject = (entry: Input, carry: Carry, bytes: number): Injected => {
  const { carries, ...injected } = injectAttributes(entry, carry, bytes);
  if (carries) return injected;
  const system = (entry['MessageSystemAttributes'] ?? {}) as Input;
  if (system['AWSTraceHeader'] === undefined) {
    const AWSTraceHeader = { DataType: 'String', StringValue: xrayHeader(carry.context) };
    return { ...injected, entry: { ...entry, MessageSystemAttributes: { ...system, AWSTraceHeader } } };
  }
  return injectEnvelope(entry, 'MessageBody', carry, bytes) ?? injected;
};

const common: Pick<Operation, 'destination' | 'attributes' | 'carried' | 'size' | 'limits' | 'inject'> = {
  destination: (input) => lastWord(input['QueueUrl']),
  attributes: (input) => (typeof input['QueueUrl'] === 'string' ? { [names.queueUrl]: input['QueueUrl'] } : {}),
  carried: carriedInAttributes,
  size: (entry) => bytesOf(entry['MessageBody']) + attributesSize(entry),
  limits,
  inject,
};

const single: Operation = {
  ...common,
  entries: (input) => [input],
  rebuilt: (_, [entry]) => entry as Input,
};

const batch: Operation = {
  ...common,
  entries: (input) => listOf(input['Entries']),
  rebuilt: (input, entries) => ({ ...input, Entries: entries }),
  failed: (output) => listOf(output['Failed']).length,
};

/** A `ReceiveMessage` input that also asks for the attributes which can hold a context: SQS leaves out what is not named. */
export const askForContext = (input: Input, using: Propagation): Input => {
  const own = wordsOf(input['MessageAttributeNames']);
  const fields = using.reads.flatMap(({ fields, marks }) => [...fields, ...marks]);
  // SQS compares names exactly, and clients write B3's in both cases. It takes no spaces or colons in a name.
  const spellings = fields.flatMap((name) => [name, name.toLowerCase()]).filter((name) => /^[\w.-]+$/.test(name));
  const wanted = [...spellings, ...b3AsSpecified, 'baggage', '_datadog'];
  const isAll = own.includes('All') || own.includes('.*');
  const attributeNames = isAll ? own : [...new Set([...own, ...wanted])];
  // The older parameter of the same meaning; the two are not to be mixed.
  const system = input['AttributeNames'] === undefined ? 'MessageSystemAttributeNames' : 'AttributeNames';
  const asked = wordsOf(input[system]);
  const systemNames = asked.includes('All') ? asked : [...new Set([...asked, 'AWSTraceHeader'])];
  return { ...input, MessageAttributeNames: attributeNames, [system]: systemNames };
};

const b3AsSpecified = ['X-B3-TraceId', 'X-B3-SpanId', 'X-B3-Sampled', 'X-B3-Flags'];

const wordsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value : []);
