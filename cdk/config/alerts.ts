import { type Problem, unknownKeys } from './problem.ts';
import { checkGrouping, checkInhibit, checkRoutes, checkTimes, groupingKeys } from './routing.ts';

const sectionKeys = ['receivers', 'default', 'routes', 'inhibit', 'times', 'traceUrl', ...groupingKeys];
const channels = ['wecom', 'webhook'];

/** Everything wrong with the `alerts` section. */
export const checkAlerts = (section: unknown): readonly Problem[] => {
  const problems: Problem[] = [...unknownKeys('alerts', section, sectionKeys)];
  if (typeof section !== 'object' || section === null) return problems;
  const { receivers, default: fallbackTo, routes } = section as Record<string, unknown>;
  const known = typeof receivers === 'object' && receivers !== null ? Object.keys(receivers) : [];
  const add = (path: string, actual: unknown, allowed: string) => void problems.push({ path, actual, allowed });
  const named = (path: string, list: unknown): readonly Problem[] => {
    if (!Array.isArray(list) || list.length === 0)
      return [{ path, actual: list, allowed: 'a list of receiver names is expected' }];
    return list.flatMap((name, at) =>
      known.includes(name)
        ? []
        : [{ path: `${path}[${at}]`, actual: name, allowed: `no such receiver; there are ${known.join(', ')}` }],
    );
  };
  if (known.length === 0) add('alerts.receivers', receivers, 'at least one receiver is expected');
  for (const name of known) {
    const path = `alerts.receivers.${name}`;
    const receiver = (receivers as Record<string, unknown>)[name];
    problems.push(...unknownKeys(path, receiver, ['channel', 'url', 'secret', 'mention', 'fallback']));
    const { channel, url, secret, fallback } = (receiver ?? {}) as Record<string, unknown>;
    if (!channels.includes(channel as string))
      add(`${path}.channel`, channel, `one of ${channels.join(', ')} is expected`);
    if (!isReference(url) && !(channel === 'webhook' && typeof url === 'string' && /^https:\/\//.test(url))) {
      add(
        `${path}.url`,
        '(hidden)',
        'a reference such as secretsmanager:name or ssm:name is expected, since the URL is the secret',
      );
    }
    if (secret !== undefined && !isReference(secret))
      add(`${path}.secret`, '(hidden)', 'a reference such as secretsmanager:name or ssm:name is expected');
    if (fallback !== undefined && (!known.includes(fallback as string) || fallback === name)) {
      add(`${path}.fallback`, fallback, `another receiver is expected; there are ${known.join(', ')}`);
    }
  }
  problems.push(...named('alerts.default', fallbackTo));
  const { inhibit, times } = section as Record<string, unknown>;
  const timeNames = typeof times === 'object' && times !== null ? Object.keys(times) : [];
  problems.push(
    ...checkGrouping('alerts', section as Record<string, unknown>),
    ...checkRoutes('alerts.routes', routes, timeNames, named),
    ...checkInhibit('alerts.inhibit', inhibit),
    ...checkTimes('alerts.times', times),
  );
  return problems;
};

const isReference = (value: unknown): boolean => typeof value === 'string' && /^(secretsmanager|ssm):.+$/.test(value);
