import {
  bytesOf,
  type Input,
  lastWord,
  listOf,
  type Operation,
  plugIn,
  type SdkClient,
  type SendOptions,
} from './client.ts';
import { carriedInJson, withTrace } from './json-body.ts';

export interface EventBridgeOptions extends SendOptions {
  /** Events whose schema forbids a further member: they are sent as they are. @default none */
  readonly except?: ((bus: string, detailType: string) => boolean) | undefined;
}

/**
 * Puts the trace context into `detail._trace` of every event that an EventBridge client of the AWS SDK v3 puts, where the detail is a
 * JSON object. `TraceHeader` is no substitute: EventBridge delivers it to no target.
 */
export const traceEventBridge = (client: SdkClient, options: EventBridgeOptions = {}): void => {
  const except = options.except ?? (() => false);
  const put: Operation = {
    destination: (input) => busOf(listOf(input['Entries'])[0] ?? {}),
    entries: (input) => listOf(input['Entries']),
    rebuilt: (input, entries) => ({ ...input, Entries: entries }),
    carried: (entry, using) => carriedInJson(entry['Detail'], using),
    size: sizeOf,
    // Less than 1 MiB, for all entries together.
    limits: { message: 1_048_575, call: 1_048_575 },
    inject: (entry, carry, bytes) => {
      const text = entry['Detail'];
      if (typeof text !== 'string' || except(busOf(entry), String(entry['DetailType']))) return undefined;
      const Detail = withTrace(text, carry, bytes);
      if (Detail === undefined) return { entry, bytes: 0, dropped: ['_trace'] };
      return { entry: { ...entry, Detail }, bytes: bytesOf(Detail) - bytesOf(text), dropped: [] };
    },
    failed: (output) => (typeof output['FailedEntryCount'] === 'number' ? output['FailedEntryCount'] : 0),
  };
  plugIn(client, 'aws.eventbridge', { PutEventsCommand: put }, options);
};

const busOf = (entry: Input): string => lastWord(entry['EventBusName']) ?? 'default';

/** As PutEvents counts: 14 bytes for a time, and every text in UTF-8. */
const sizeOf = (entry: Input): number => {
  let bytes = entry['Time'] === undefined ? 0 : 14;
  for (const name of ['Source', 'DetailType', 'Detail']) bytes += bytesOf(entry[name]);
  const { Resources } = entry as { readonly Resources?: unknown };
  if (Array.isArray(Resources)) for (const resource of Resources) bytes += bytesOf(resource);
  return bytes;
};
