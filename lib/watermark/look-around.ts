import { type GaugeName, queueGauges, type WatermarkRule, type WatermarksConfig } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import { capacityOf, nameOfQueue, type QueueSnapshot } from '../model/queue-snapshot.ts';
import type { Evaluating } from './evaluating.ts';
import type { Gauge, Measured } from './gauge.ts';
import { type Remembered, rememberedOf } from './pressure.ts';

/** One source asked, with its answer or why there is none. */
export interface Look {
  readonly name: string;
  /** Rules that depend on it. */
  readonly uses: readonly string[];
  readonly error?: string;
  readonly measure: (gauge: Gauge, rule: WatermarkRule) => Measured;
  /** Of a queue: what was seen, and what its item in the table said before. */
  readonly backlog?: { readonly queue: QueueSnapshot; readonly remembered: Remembered };
}

/** Asks all sources that some rule needs at once; what one of them answers does not depend on another. */
export const lookAround = (given: Evaluating): Promise<readonly Look[]> =>
  Promise.all([...clusters(given), ...queues(given), ...cloudwatch(given), ...servers(given)]);

const clusters = ({ config, sources, log }: Evaluating): readonly Promise<Look>[] => {
  const rules = rulesOf(config, ['pod-memory', 'pod-cpu', 'node-memory', 'node-cpu']);
  const needs = {
    pods: rules.some(([, { gauge }]) => gauge === 'pod-memory' || gauge === 'pod-cpu'),
    nodes: rules.some(([, { gauge }]) => gauge === 'node-memory' || gauge === 'node-cpu'),
  };
  return Object.keys(config.clusters ?? {}).flatMap((cluster) => {
    const uses = namesFor(rules, 'cluster', cluster);
    if (uses.length === 0) return [];
    const look = async () => {
      const snapshot = await sources.cluster(cluster, needs);
      for (const reason of snapshot.unread ?? []) log('warn', 'a list could not be read', { reason });
      return { measure: (gauge: Gauge, rule: WatermarkRule) => gauge.measure(snapshot, rule) };
    };
    return [looking(`kubernetes/${cluster}`, uses, look)];
  });
};

/** Queues are looked at whether a rule asks or not: samplers read their pressure. */
const queues = ({ config, sources, table, clock }: Evaluating): readonly Promise<Look>[] => {
  const rules = rulesOf(config, queueGauges);
  const wantsAge = rules.some(([, { gauge }]) => gauge === 'queue-age');
  return (config.queues ?? []).map((queue) => {
    const name = nameOfQueue(queue);
    const look = async () => {
      const [seen, remembered] = await Promise.all([
        sources.queue(queue, { age: wantsAge && queue.age !== false }),
        rememberedOf(table, name, capacityOf(queue), clock()),
      ]);
      const snapshot = { ...seen, history: remembered.history };
      return {
        backlog: { queue: snapshot, remembered },
        measure: (gauge: Gauge, rule: WatermarkRule) => gauge.measure(snapshot, rule),
      };
    };
    return looking(`sqs/${name}`, namesFor(rules, 'queue', name), look);
  });
};

const cloudwatch = ({ config, sources }: Evaluating): readonly Promise<Look>[] =>
  rulesOf(config, ['cloudwatch']).map(([name, rule]) =>
    looking(`cloudwatch/${name}`, [name], async () => {
      const values = await sources.cloudwatch(rule);
      return { measure: (gauge) => gauge.measure(values, rule) };
    }),
  );

const servers = ({ config, sources }: Evaluating): readonly Promise<Look>[] => {
  const [first = ''] = Object.keys(config.prometheus ?? {});
  return rulesOf(config, ['prometheus']).map(([name, rule]) => {
    const server = rule.server ?? first;
    return looking(`prometheus/${server}/${name}`, [name], async () => {
      const values = await sources.prometheus(server, rule.query ?? '');
      return { measure: (gauge) => gauge.measure(values, rule) };
    });
  });
};

const looking = async (
  name: string,
  uses: readonly string[],
  look: () => Promise<Pick<Look, 'measure' | 'backlog'>>,
): Promise<Look> => {
  try {
    return { name, uses, ...(await look()) };
  } catch (thrown) {
    return { name, uses, error: Failure.from(thrown).message, measure: () => nothing };
  }
};

const nothing: Measured = { series: [], skipped: {} };

export type NamedRule = readonly [name: string, rule: WatermarkRule];

/** The configured rules, or those of some gauges. */
export const rulesOf = (config: WatermarksConfig, of?: readonly GaugeName[]): readonly NamedRule[] =>
  Object.entries(config.rules ?? {}).filter(([, { gauge }]) => of === undefined || of.includes(gauge));

/** Names of the rules whose selector lets this source through. */
const namesFor = (rules: readonly NamedRule[], label: string, value: string): readonly string[] =>
  rules
    .filter(([, { selector }]) => selector?.[label] === undefined || selector[label] === value)
    .map(([name]) => name);
