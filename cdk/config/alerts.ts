import { type Problem, unknownKeys } from './problem.ts';

const channels = ['wecom', 'webhook'];

/** Everything wrong with the `alerts` section. */
export const checkAlerts = (section: unknown): readonly Problem[] => {
  const problems: Problem[] = [...unknownKeys('alerts', section, ['receivers', 'default', 'routes', 'traceUrl'])];
  if (typeof section !== 'object' || section === null) return problems;
  const { receivers, default: fallbackTo, routes } = section as Record<string, unknown>;
  const known = typeof receivers === 'object' && receivers !== null ? Object.keys(receivers) : [];
  const add = (path: string, actual: unknown, allowed: string) => void problems.push({ path, actual, allowed });
  const named = (path: string, list: unknown) => {
    if (!Array.isArray(list) || list.length === 0) return add(path, list, 'a list of receiver names is expected');
    for (const [at, name] of list.entries())
      if (!known.includes(name)) add(`${path}[${at}]`, name, `no such receiver; there are ${known.join(', ')}`);
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
  named('alerts.default', fallbackTo);
  if (routes !== undefined && !Array.isArray(routes)) add('alerts.routes', routes, 'a list is expected');
  for (const [at, route] of (Array.isArray(routes) ? routes : []).entries()) {
    problems.push(...unknownKeys(`alerts.routes[${at}]`, route, ['match', 'receivers']));
    named(`alerts.routes[${at}].receivers`, (route as { receivers?: unknown })?.receivers);
  }
  return problems;
};

const isReference = (value: unknown): boolean => typeof value === 'string' && /^(secretsmanager|ssm):.+$/.test(value);
