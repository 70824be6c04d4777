import { at, objectAt, stringAt } from './text.ts';

/**
 * Datadog's headers for a task of a state machine that its tools have instrumented: `_datadog` then holds what Step Functions says of the
 * execution, and ids are what its tracers work out of that (SHA-256, without the top bit). Undefined for any other wrapper, and for one
 * that names its parent.
 */
export const stateMachineHeaders = (wrapper: object): object | undefined => {
  const execution = stringAt(at(wrapper, 'Execution'), 'Id');
  const state = objectAt(wrapper, 'State');
  const name = stringAt(state, 'Name');
  const entered = stringAt(state, 'EnteredTime');
  if (execution === undefined || name === undefined || entered === undefined) return undefined;
  if (at(wrapper, 'x-datadog-parent-id') !== undefined || at(wrapper, 'traceparent') !== undefined) return undefined;
  const retries = `${wordAt(state, 'RetryCount')}#${wordAt(at(wrapper, 'Execution'), 'RedriveCount')}`;
  const span = halvesOf(`${execution}#${name}#${entered}${retries === '0#0' ? '' : `#${retries}`}`)?.[0];
  if (span === undefined) return undefined;
  const told = stringAt(wrapper, 'x-datadog-trace-id');
  const hashed = told === undefined ? halvesOf(stringAt(wrapper, 'RootExecutionId') ?? execution) : undefined;
  return {
    'x-datadog-trace-id': told ?? hashed?.[1]?.toString(),
    'x-datadog-parent-id': span.toString(),
    'x-datadog-sampling-priority': '1',
    'x-datadog-tags':
      hashed === undefined ? at(wrapper, 'x-datadog-tags') : `_dd.p.tid=${hashed[0]?.toString(16).padStart(16, '0')}`,
  };
};

/** A count as Step Functions has it; `0` where it is left out. */
const wordAt = (object: unknown, key: string): string => {
  const value = at(object, key);
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '0';
};

/** The first two 64-bit words of a hash, without their top bits, never zero; undefined for a text that is too long to be of an execution. */
const halvesOf = (text: string): readonly bigint[] | undefined => {
  if (text.length > 2048) return undefined;
  // Asked for by the one event that needs it: at cold start it would cost every function 7 ms.
  const digest = process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest();
  return [0, 8].map((from) => BigInt.asUintN(63, digest.readBigUInt64BE(from)) || 1n);
};
