import { type GaugeName, queueGauges } from '../../lib/model/config/watermarks.ts';
import { nearest } from './nearest.ts';
import { numberIn, type Problem, unknownKeys } from './problem.ts';
import { type Fields, isRecord, required, textMap, texts } from './values.ts';
import { nameOf } from './watermark-sources.ts';

/** What the gauge of a rule needs beside it: a cluster, a queue with a capacity, a server, a metric. */
export const checkNeeds = (path: string, rule: Fields, section: Fields): readonly Problem[] => {
  const gauge = String(rule['gauge']);
  if (/^(pod|node)-/.test(gauge)) return needsCluster(path, rule, section);
  if (queueGauges.includes(gauge as GaugeName)) return needsQueue(path, rule, section);
  if (gauge === 'prometheus') return needsServer(path, rule, section);
  return gauge === 'cloudwatch' ? needsMetric(path, rule) : [];
};

const needsCluster = (path: string, { selector }: Fields, { clusters }: Fields): readonly Problem[] => {
  const names = namesOf(clusters);
  if (names.length === 0) {
    const allowed = `a cluster is expected, since ${path} measures pods or nodes`;
    return [{ path: 'watermarks.clusters', actual: undefined, allowed }];
  }
  return isRecord(selector) ? among(`${path}.selector.cluster`, selector['cluster'], 'clusters', names) : [];
};

const needsQueue = (path: string, { gauge, selector }: Fields, { queues }: Fields): readonly Problem[] => {
  const all = (Array.isArray(queues) ? queues : []).filter(isRecord);
  if (all.length === 0) {
    const allowed = `a queue is expected, since ${path} measures queues`;
    return [{ path: 'watermarks.queues', actual: undefined, allowed }];
  }
  const chosen = isRecord(selector) ? selector['queue'] : undefined;
  const names = all.map((queue) => nameOf(queue) ?? '');
  const unknown = among(`${path}.selector.queue`, chosen, 'queues', names);
  if (unknown.length > 0) return unknown;
  const mine = all.filter((queue) => chosen === undefined || nameOf(queue) === chosen);
  const lacks = (what: string) => [{ path: `${path}.gauge`, actual: gauge, allowed: `its queues need ${what}` }];
  if ((gauge === 'queue-backlog' || gauge === 'queue-breach') && !mine.some(hasCapacity)) {
    return lacks('`capacity`, or `consumeRatePerSecond` and `maxAgeSeconds`');
  }
  return gauge === 'queue-age' && !mine.some(({ maxAgeSeconds }) => maxAgeSeconds !== undefined)
    ? lacks('`maxAgeSeconds`')
    : [];
};

const needsServer = (path: string, { query, server }: Fields, { prometheus }: Fields): readonly Problem[] => {
  const servers = namesOf(prometheus);
  const problems: Problem[] =
    typeof query === 'string' && query.trim() !== ''
      ? []
      : [{ path: `${path}.query`, actual: query, allowed: 'an instant query is expected' }];
  if (servers.length === 0) {
    const allowed = `a server is expected, since ${path} asks one`;
    return [...problems, { path: 'watermarks.prometheus', actual: undefined, allowed }];
  }
  if (server === undefined && servers.length === 1) return problems;
  return [...problems, ...among(`${path}.server`, server ?? '', 'servers', servers)];
};

const metricKeys = ['namespace', 'name', 'dimensions', 'statistic', 'periodSeconds', 'capacity'];

const needsMetric = (path: string, { metric, high }: Fields): readonly Problem[] => {
  const at = `${path}.metric`;
  if (!isRecord(metric)) return [{ path: at, actual: metric, allowed: '{ namespace, name, … } is expected' }];
  return [
    ...unknownKeys(at, metric, metricKeys),
    ...required(at, metric, ['namespace', 'name']),
    ...texts(at, metric, ['namespace', 'name', 'statistic']),
    ...textMap(`${at}.dimensions`, metric['dimensions']),
    ...numberIn(`${at}.periodSeconds`, metric['periodSeconds'], 1, 86_400, 'whole'),
    ...numberIn(`${at}.capacity`, metric['capacity'], Number.MIN_VALUE, Number.MAX_VALUE),
    ...(high === undefined && metric['capacity'] === undefined
      ? [{ path: `${path}.high`, actual: high, allowed: 'a mark in the unit of the metric is expected' }]
      : []),
  ];
};

const namesOf = (members: unknown): readonly string[] => (isRecord(members) ? Object.keys(members) : []);

const among = (path: string, chosen: unknown, what: string, names: readonly string[]): readonly Problem[] => {
  if (chosen === undefined || names.includes(String(chosen))) return [];
  const meant = nearest(chosen, names);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  const allowed = `one of the configured ${what} is expected: ${names.join(', ')}${hint}`;
  return [{ path, actual: chosen === '' ? undefined : chosen, allowed }];
};

const hasCapacity = ({ capacity, consumeRatePerSecond, maxAgeSeconds }: Fields): boolean =>
  capacity !== undefined || (consumeRatePerSecond !== undefined && maxAgeSeconds !== undefined);
