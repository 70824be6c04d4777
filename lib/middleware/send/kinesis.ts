import { encodeEnvelope } from '../../message/envelope.ts';
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
import { carriedInJson, traceOf, withTrace } from './json-body.ts';

/**
 * Puts the trace context into every record that a Kinesis client of the AWS SDK v3 puts. The protocol has no headers: `_trace` is
 * spliced into data that is a JSON object; other data is wrapped in the envelope where `envelope` was asked for.
 */
export const traceKinesis = (client: SdkClient, options: SendOptions = {}): void =>
  plugIn(client, 'aws.kinesis', { PutRecordCommand: single, PutRecordsCommand: batch }, options);

const inject = (entry: Input, carry: Carry, bytes: number): Injected | undefined => {
  const data = entry['Data'];
  if (!(data instanceof Uint8Array)) return undefined;
  const text = textOf(data);
  const json = text === undefined ? undefined : withTrace(text, carry, bytes);
  if (json !== undefined) {
    const Data = Buffer.from(json);
    return { entry: { ...entry, Data }, bytes: Data.byteLength - data.byteLength, dropped: [] };
  }
  if (carry.options.envelope !== true || text !== undefined) return { entry, bytes: 0, dropped: ['_trace'] };
  const Data = encodeEnvelope({ payload: data, metadata: traceOf(carry) });
  const more = Data.byteLength - data.byteLength;
  return more > bytes
    ? { entry, bytes: 0, dropped: ['_trace'] }
    : { entry: { ...entry, Data }, bytes: more, dropped: [] };
};

/** The text of data that can be a JSON object; bytes that are no UTF-8 stay bytes. */
const textOf = (data: unknown): string | undefined => {
  if (!(data instanceof Uint8Array) || data[0] !== 123) return undefined;
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
  return bytesOf(text) === data.byteLength && !text.includes('\ufffd') ? text : undefined;
};

const common: Pick<Operation, 'destination' | 'carried' | 'size' | 'inject'> = {
  destination: (input) => lastWord(input['StreamName'] ?? input['StreamARN']),
  carried: (entry, using) => carriedInJson(textOf(entry['Data']), using),
  size: (entry) => bytesOf(entry['Data']) + bytesOf(entry['PartitionKey']),
  inject,
};

/** 1 MiB for a record with its key, 5 MiB for a call. */
const limits = { message: 1_048_576, call: 5_242_880 };

const single: Operation = { ...common, limits, entries: (input) => [input], rebuilt: (_, [entry]) => entry as Input };

const batch: Operation = {
  ...common,
  limits,
  entries: (input) => listOf(input['Records']),
  rebuilt: (input, entries) => ({ ...input, Records: entries }),
  failed: (output) => (typeof output['FailedRecordCount'] === 'number' ? output['FailedRecordCount'] : 0),
};
