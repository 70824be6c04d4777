import type { Alert } from '../model/alert.ts';
import type { Clock, Table } from '../model/ports.ts';

/** The steps of an alert's way, as a closed list. */
export const steps = [
  'received', // its state came in and is stored
  'overtaken', // a later state of it had come or been told before
  'muted', // a silence, an inhibition or a mute time holds it back
  'suppressed', // it fired and resolved before it was to be told
  'queued', // its group was flushed: it waits for its receiver
  'attempt', // a request was made
  'fallback', // its receiver does not take it: it goes to another
  'dead-letter', // nobody takes it
  'replayed', // a person sent its dead letter again
] as const;
export type Step = (typeof steps)[number];

/** One step of an alert's way. */
export interface LedgerEntry {
  /** RFC 3339 with milliseconds. */
  readonly at: string;
  readonly step: Step;
  readonly alert: Alert;
  readonly receiver?: string;
  readonly groupKey?: string;
  readonly attempt?: number;
  readonly verdict?: string;
  readonly reason?: string;
  readonly deliveryId?: string;
}

const keepSeconds = 30 * 86_400;

/** Writes one step. `tail` tells steps of one millisecond apart; the same step written twice, after a crash, is one entry. */
export const note = async (
  { table, clock }: { readonly table: Table; readonly clock: Clock },
  alert: Alert,
  step: Step,
  tail: string,
  fields: Omit<LedgerEntry, 'at' | 'step' | 'alert'> = {},
  at = clock(),
): Promise<void> => {
  const time = new Date(at).toISOString();
  await table.put({
    pk: `ledger#${alert.fingerprint}`,
    sk: `${time}#${step}#${tail}`,
    ttl: Math.floor(at / 1000) + keepSeconds,
    step,
    at: time,
    alert,
    ...fields,
  });
};

/** The steps of one alert, oldest first. */
export const readLedger = async (table: Table, fingerprint: string): Promise<readonly LedgerEntry[]> =>
  (await table.query(`ledger#${fingerprint}`)) as unknown as readonly LedgerEntry[];
