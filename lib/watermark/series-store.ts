import { fingerprint, type Severity } from '../model/alert.ts';
import type { Item, Table } from '../model/ports.ts';
import type { SeriesState } from './evaluate.ts';

/** A series state as stored, with the version that the next write must find. */
export interface Stored {
  /** Its `sk`. */
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: SeriesState;
  readonly version: number;
  /** As its alert had it: part of the alert's identity, so the resolution must say the same. */
  readonly severity: Severity | undefined;
  /** Labels that the rule put on its alert, for the same reason. */
  readonly ruleLabels: Readonly<Record<string, string>> | undefined;
}

/** A resolved series is remembered as long as its clearings count towards flapping. */
const rememberSeconds = 3600;
/** A series that nothing has changed for this long belongs to a rule that is no more. */
const forgetSeconds = 90 * 24 * 3600;

const partition = (rule: string): string => `watermark#${rule}`;

/** All series of a rule that have a state, by identity. One partition; series that were never above a mark are not in it. */
export const loadSeries = async (table: Table, rule: string): Promise<Map<string, Stored>> =>
  new Map((await table.query(partition(rule))).map(storedOf).map((stored) => [identityOf(stored.labels), stored]));

export const loadOne = async (table: Table, rule: string, key: string): Promise<Stored | undefined> => {
  const item = await table.get(partition(rule), key);
  return item === undefined ? undefined : storedOf(item);
};

/** Forgets a series, whatever it was doing. */
export const dropSeries = (table: Table, rule: string, { key, version }: Stored): Promise<boolean> =>
  table.delete(partition(rule), key, { equals: { version } });

/** One conditional write. false: somebody else has moved the series on meanwhile. */
export const saveSeries = (
  table: Table,
  rule: string,
  key: string,
  { labels, state, severity, ruleLabels }: Omit<Stored, 'key' | 'version'>,
  former: Stored | undefined,
): Promise<boolean> => {
  const condition = former === undefined ? { absent: true } : { equals: { version: former.version } };
  const forgettable =
    state.phase === 'inactive' &&
    state.evidence === undefined &&
    state.missingSince === undefined &&
    (state.clears ?? []).length === 0;
  if (forgettable && former !== undefined) return table.delete(partition(rule), key, condition);
  const seconds = Math.floor(state.at / 1000) + (state.phase === 'inactive' ? rememberSeconds : forgetSeconds);
  return table.put(
    {
      pk: partition(rule),
      sk: key,
      ttl: seconds,
      labels,
      state,
      severity,
      ruleLabels,
      version: (former?.version ?? 0) + 1,
    },
    condition,
  );
};

/** Tells the series of a rule apart, as its key does, at a twentieth of the cost: most series never get a key. */
export const identityOf = (labels: Readonly<Record<string, string>>): string => {
  let identity = '';
  for (const name of Object.keys(labels).sort()) identity += `${name}\u0000${labels[name]}\u0000`;
  return identity;
};

/** The key of a series within its rule. */
export const seriesKey = (labels: Readonly<Record<string, string>>): string => fingerprint(labels);

const storedOf = (item: Item): Stored => ({
  key: item.sk,
  labels: item['labels'] as Record<string, string>,
  state: item['state'] as SeriesState,
  version: item['version'] as number,
  severity: item['severity'] as Severity | undefined,
  ruleLabels: item['ruleLabels'] as Record<string, string> | undefined,
});
