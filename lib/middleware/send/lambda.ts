import type { TraceContext } from '../../model/trace-context.ts';
import { extractFrom } from '../../propagation/extract.ts';
import type { Propagation } from '../../propagation/propagation.ts';
import { type Input, lastWord, type Operation, plugIn, type SdkClient, type SendOptions } from './client.ts';
import { traceOf } from './json-body.ts';

/** `ClientContext` takes this many bytes of base64. */
const maxClientContext = 3583;

/** Puts the trace context into the client context of every synchronous `Invoke` of a Lambda client; an asynchronous one has none. */
export const traceLambda = (client: SdkClient, options: SendOptions = {}): void =>
  plugIn(client, undefined, { InvokeCommand: invoke }, options);

const invoke: Operation = {
  destination: (input) => lastWord(input['FunctionName']),
  entries: (input) => (input['InvocationType'] === 'Event' || input['InvocationType'] === 'DryRun' ? [] : [input]),
  rebuilt: (_, [entry]) => entry as Input,
  carried: (entry, using) => carriedIn(entry, using),
  size: () => 0,
  limits: { message: maxClientContext, call: maxClientContext },
  inject: (entry, carry) => {
    const client = clientContext(entry);
    const custom = (client['custom'] ?? {}) as Input;
    // Baggage is the first to go: the ids alone take a tenth of the room.
    for (const baggage of carry.baggage === undefined ? [undefined] : [carry.baggage, undefined]) {
      const json = JSON.stringify({ ...client, custom: { ...traceOf({ ...carry, baggage }), ...custom } });
      const ClientContext = Buffer.from(json).toString('base64');
      const dropped = baggage === carry.baggage ? [] : ['baggage'];
      if (ClientContext.length <= maxClientContext) return { entry: { ...entry, ClientContext }, bytes: 0, dropped };
    }
    return { entry, bytes: 0, dropped: ['ClientContext'] };
  },
};

/** What the caller has put there; unreadable text throws, and the call then goes out as it is. */
const clientContext = (entry: Input): Input => {
  const text = entry['ClientContext'];
  if (typeof text !== 'string' || text === '') return {};
  const parsed: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new TypeError('no object');
  return parsed as Input;
};

const carriedIn = (entry: Input, using: Propagation): TraceContext | 'unreadable' | undefined => {
  const custom = clientContext(entry)['custom'];
  if (custom === undefined) return undefined;
  return typeof custom === 'object' && custom !== null ? extractFrom(custom, using).context : 'unreadable';
};
