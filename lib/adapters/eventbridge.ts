import type { EventBridgeClient, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { Failure } from '../model/failure.ts';
import type { Bus } from '../model/ports.ts';

export type EventBridgePlugIn = (client: EventBridgeClient) => void;

const batchEntries = 10;
/** PutEvents refuses a request of 1 MB in total. */
const batchBytes = 1_000_000;
const attempts = 3;

/** Puts events on one bus. PutEvents answers 200 for entries that it refused, so every entry's own result is read. */
export const eventBridgeBus = (options: { readonly busName: string; readonly plugIn?: EventBridgePlugIn }): Bus => {
  const { busName, plugIn } = options;
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-eventbridge'); client: EventBridgeClient }> | undefined;
  const eventBridge = () => {
    loaded ??= import('@aws-sdk/client-eventbridge').then((sdk) => {
      const client = new sdk.EventBridgeClient({});
      plugIn?.(client);
      return { sdk, client };
    });
    return loaded;
  };
  return {
    async put(events) {
      if (events.length === 0) return;
      const { sdk, client } = await eventBridge();
      const entries = events.map((event) => ({
        EventBusName: busName,
        Source: event.source,
        DetailType: event.detailType,
        Detail: JSON.stringify(event.detail),
      }));
      for (const batch of batches(entries)) {
        let left = batch;
        for (let attempt = 1; left.length > 0; attempt += 1) {
          const answer = await client.send(new sdk.PutEventsCommand({ Entries: left })).catch((thrown) => {
            throw new Failure('unavailable', (thrown as Error).message, {
              where: `PutEvents ${busName}`,
              cause: thrown,
            });
          });
          const results = answer.Entries ?? [];
          const refused = left.filter((_, index) => results[index]?.ErrorCode !== undefined);
          if (refused.length > 0 && attempt === attempts) {
            const first = results.find((result) => result.ErrorCode !== undefined);
            throw new Failure('unavailable', `${first?.ErrorCode}: ${first?.ErrorMessage}`, {
              where: `PutEvents ${busName}`,
            });
          }
          left = refused;
        }
      }
    },
  };
};

const batches = (entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] => {
  const result: PutEventsRequestEntry[][] = [];
  let current: PutEventsRequestEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    // 14 bytes for a time stamp, as the service's own size rule counts it whether or not one is given.
    const size = Buffer.byteLength(`${entry.Source}${entry.DetailType}${entry.Detail}`) + 14;
    if (current.length === batchEntries || (current.length > 0 && bytes + size > batchBytes)) {
      result.push(current);
      current = [];
      bytes = 0;
    }
    bytes += size;
    current.push(entry);
  }
  if (current.length > 0) result.push(current);
  return result;
};
