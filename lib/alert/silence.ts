import { type Labels, matchesAll, parseMatchers } from '../model/matchers.ts';
import type { Item, Table } from '../model/ports.ts';

/** Alerts that match are not told from `startsAt` until `endsAt`. */
export interface Silence {
  readonly id: string;
  /** In Alertmanager's notation. */
  readonly matchers: string;
  /** RFC 3339. */
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
}

const partition = 'silence';
/** Ended silences can be looked up for so long. */
const keepSeconds = 5 * 86_400;

/** The id of the silence that mutes an alert now, or undefined. */
export const silencedBy = (silences: readonly Silence[], labels: Labels, now: number): string | undefined =>
  silences.find(({ matchers, startsAt, endsAt }) => {
    if (!(Date.parse(startsAt) <= now && now < Date.parse(endsAt))) return false;
    const read = parseMatchers(matchers);
    return 'matchers' in read && read.matchers.length > 0 && matchesAll(read.matchers, labels);
  })?.id;

export const readSilences = async (table: Table): Promise<readonly Silence[]> =>
  (await table.query(partition)) as unknown as readonly Silence[];

export const writeSilence = async (table: Table, silence: Silence): Promise<void> => {
  const item: Item = {
    pk: partition,
    sk: silence.id,
    ttl: Math.ceil(Date.parse(silence.endsAt) / 1000) + keepSeconds,
    ...silence,
  };
  await table.put(item);
};
