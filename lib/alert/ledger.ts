import type { Alert } from '../model/alert.ts';
import type { Clock, Random, Table } from '../model/ports.ts';

/** One step of an alert's way. */
export interface LedgerEntry {
  /** RFC 3339 with milliseconds. */
  readonly at: string;
  readonly step: string;
  readonly alert: Alert;
  readonly receiver?: string;
  readonly attempt?: number;
  readonly verdict?: string;
  readonly reason?: string;
}

const keepSeconds = 30 * 86_400;

/** The delivery ledger: what became of each alert, under its fingerprint, in order. */
export const ledger = ({
  table,
  clock,
  random,
}: {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: Random;
}) => ({
  note: async (alert: Alert, step: string, fields: Readonly<Record<string, unknown>>): Promise<void> => {
    const at = new Date(clock()).toISOString();
    // Two steps may fall on one millisecond; their names and the tail keep both.
    const sk = `${at}#${step}#${Math.floor(random() * 2 ** 32).toString(16)}`;
    await table.put({
      pk: `ledger#${alert.fingerprint}`,
      sk,
      ttl: Math.floor(clock() / 1000) + keepSeconds,
      step,
      at,
      alert,
      ...fields,
    });
  },
});

/** The steps of one alert, oldest first. */
export const readLedger = async (table: Table, fingerprint: string): Promise<readonly LedgerEntry[]> =>
  (await table.query(`ledger#${fingerprint}`)) as unknown as readonly LedgerEntry[];
