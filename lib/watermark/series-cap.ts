import type { Alert } from '../model/alert.ts';
import { capAlert, uncappedAlert } from './breach-alert.ts';
import type { Evaluating } from './evaluating.ts';
import { tell } from './settle.ts';

/**
 * Tells once that a rule has more series than are watched, and when it has not any more; answers how many alerts that were. `counts`:
 * by rule, the series of those that have too many, undefined for the others; a rule that could not be counted is not in it and keeps
 * what was said of it. Told before it is stored: see settle().
 */
export const tellCaps = async (
  given: Evaluating,
  counts: ReadonlyMap<string, number | undefined>,
  cap: number,
  at: number,
): Promise<number> => {
  const { table, config, trace } = given;
  const said = new Map((await table.query(partition)).map((item) => [item.sk, Number(item['since'])]));
  const alerts: Alert[] = [];
  const over = [...counts].flatMap(([rule, count]) => (count === undefined || said.has(rule) ? [] : [{ rule, count }]));
  for (const { rule, count } of over) alerts.push(capAlert(rule, count, cap, at, trace));
  const under = [...said].filter(([rule]) =>
    counts.has(rule) ? counts.get(rule) === undefined : config.rules?.[rule] === undefined,
  );
  for (const [rule, since] of under) alerts.push(uncappedAlert(rule, since, at, trace));
  await tell(given, alerts);
  for (const { rule } of over) await table.put({ pk: partition, sk: rule, since: at });
  for (const [rule] of under) await table.delete(partition, rule);
  return alerts.length;
};

const partition = 'watermark-cap';
