import { bytesOf, type Input, lastWord, type Operation, plugIn, type SdkClient, type SendOptions } from './client.ts';
import { carriedInJson, withTrace } from './json-body.ts';

/** 256 KiB of input. */
const limits = { message: 262_144, call: 262_144 };

/** Puts the trace context into `_trace` of the input of every execution that a Step Functions client starts. */
export const traceStepFunctions = (client: SdkClient, options: SendOptions = {}): void =>
  plugIn(client, undefined, { StartExecutionCommand: start, StartSyncExecutionCommand: start }, options);

const start: Operation = {
  destination: (input) => lastWord(input['stateMachineArn']),
  entries: (input) => [input],
  rebuilt: (_, [entry]) => entry as Input,
  carried: (entry, using) => carriedInJson(entry['input'], using),
  size: (entry) => bytesOf(entry['input']),
  limits,
  inject: (entry, carry, bytes) => {
    const text = entry['input'] ?? '{}';
    const input = typeof text === 'string' ? withTrace(text, carry, bytes) : undefined;
    if (input === undefined) return { entry, bytes: 0, dropped: ['_trace'] };
    return { entry: { ...entry, input }, bytes: bytesOf(input) - bytesOf(text), dropped: [] };
  },
};
