import type { Table } from '../model/ports.ts';
import { orphanAlerts } from './breach-alert.ts';
import type { Evaluating } from './evaluating.ts';
import { dropSeries, loadSeries } from './series-store.ts';
import { tell } from './settle.ts';

/**
 * Resolves what rules that are no longer configured left firing, and forgets their series; nobody else would ever say so. The rules
 * that there are follow from the deployment, so one look a process is enough: one read, and a write for each rule that is new.
 * Told before it is stored: see settle().
 */
export const settleRemovedRules = async (given: Evaluating, at: number): Promise<void> => {
  const { table, config, trace } = given;
  if (looked.has(table)) return;
  const configured = new Set(Object.keys(config.rules ?? {}));
  const known = (await table.query(partition)).map(({ sk }) => sk);
  for (const rule of known) {
    if (configured.has(rule)) continue;
    const series = [...(await loadSeries(table, rule)).values()];
    await tell(
      given,
      series.flatMap((each) => orphanAlerts(rule, each, at, trace)),
    );
    for (const each of series) await dropSeries(table, rule, each);
    await table.delete(partition, rule);
  }
  for (const rule of configured) {
    if (!known.includes(rule)) await table.put({ pk: partition, sk: rule });
  }
  looked.add(table);
};

const partition = 'watermark-rule';

/** State tables whose rules this process has looked at. */
const looked = new WeakSet<Table>();
