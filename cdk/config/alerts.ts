import { isIP } from 'node:net';
import { type Problem, unknownKeys } from './problem.ts';
import { checkReceivers } from './receivers.ts';
import { checkGrouping, checkInhibit, checkRoutes, checkTimes, groupingKeys } from './routing.ts';

const sectionKeys = [
  'receivers',
  'default',
  'routes',
  'inhibit',
  'times',
  'traceUrl',
  'reportUrl',
  'allowTargets',
  'inbound',
  ...groupingKeys,
];
const reference = 'a reference such as secretsmanager:name or ssm:name is expected';

type Fields = Readonly<Record<string, unknown>>;

/** Everything wrong with the `alerts` section. */
export const checkAlerts = (section: unknown): readonly Problem[] => {
  const unknown = unknownKeys('alerts', section, sectionKeys);
  if (!isFields(section)) return unknown;
  const { receivers, routes, inhibit, times, traceUrl } = section;
  const known = isFields(receivers) ? Object.keys(receivers) : [];
  const named = namedReceivers(known);
  return [
    ...unknown,
    ...checkReceivers(receivers, known),
    ...named('alerts.default', section['default']),
    ...checkGrouping('alerts', section),
    ...checkRoutes('alerts.routes', routes, isFields(times) ? Object.keys(times) : [], named),
    ...checkInhibit('alerts.inhibit', inhibit),
    ...checkTimes('alerts.times', times),
    ...checkPage('alerts.traceUrl', traceUrl, '{traceId}'),
    ...checkPage('alerts.reportUrl', section['reportUrl'], '{report}'),
    ...checkTargets(section['allowTargets']),
    ...checkInbound(section['inbound']),
  ];
};

const namedReceivers =
  (known: readonly string[]) =>
  (path: string, list: unknown): readonly Problem[] => {
    // An empty list is said on purpose: nobody is told.
    if (!Array.isArray(list)) return [{ path, actual: list, allowed: 'a list of receiver names is expected' }];
    return list.flatMap((name, at) =>
      known.includes(name)
        ? []
        : [{ path: `${path}[${at}]`, actual: name, allowed: `no such receiver; there are ${known.join(', ')}` }],
    );
  };

const checkPage = (path: string, url: unknown, place: string): readonly Problem[] =>
  url === undefined || (typeof url === 'string' && /^https?:\/\//.test(url) && url.includes(place))
    ? []
    : [{ path, actual: url, allowed: `a URL with ${place} in it is expected` }];

const checkTargets = (targets: unknown): readonly Problem[] => {
  const path = 'alerts.allowTargets';
  if (targets === undefined) return [];
  if (!Array.isArray(targets)) return [{ path, actual: targets, allowed: 'a list is expected' }];
  return targets.flatMap((target: unknown, at) =>
    typeof target === 'string' && isTarget(target)
      ? []
      : [
          {
            path: `${path}[${at}]`,
            actual: target,
            allowed:
              'a host name, an address or a network is expected, with a port if it is not 443: alerts.internal:8443, 10.0.3.0/24, [fd00::7]:9093',
          },
        ],
  );
};

const isTarget = (text: string): boolean => {
  const [, bracketed, bare = '', , port] =
    /^(?:\[([^\]]+)\]|([^:[\]]+|[0-9a-fA-F:.]+(\/\d+)?))(?::(\d+))?$/.exec(text) ?? [];
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535)) return false;
  const [address = '', prefix] = (bracketed ?? bare).split('/');
  const family = isIP(address);
  if (family !== 0) return prefix === undefined || Number(prefix) <= (family === 4 ? 32 : 128);
  return (
    prefix === undefined &&
    /^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z][A-Za-z0-9-]{0,62}$/.test(address)
  );
};

const checkInbound = (inbound: unknown): readonly Problem[] => {
  const path = 'alerts.inbound';
  if (inbound === undefined) return [];
  const problems: Problem[] = [
    ...unknownKeys(path, inbound, ['bearer', 'hmac', 'topics', 'cloudwatchAlarms', 'resolveTimeoutSeconds']),
  ];
  if (!isFields(inbound)) return problems;
  for (const key of ['bearer', 'hmac']) {
    const list = Array.isArray(inbound[key]) ? (inbound[key] as unknown[]) : [inbound[key]];
    if (inbound[key] !== undefined && (list.length === 0 || !list.every(isReference)))
      problems.push({ path: `${path}.${key}`, actual: '(hidden)', allowed: `${reference}, or several in a list` });
  }
  const { topics, cloudwatchAlarms: alarms, resolveTimeoutSeconds: timeout } = inbound;
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 1 && timeout <= 86_400))
    problems.push({
      path: `${path}.resolveTimeoutSeconds`,
      actual: timeout,
      allowed: 'a number of seconds from 1 to 86400 is expected',
    });
  if (
    topics !== undefined &&
    !(isTexts(topics) && topics.every((each) => /^arn:[^:]+:sns:[^:]+:\d{12}:[\w-]+$/.test(each)))
  )
    problems.push({
      path: `${path}.topics`,
      actual: topics,
      allowed: 'a list of ARNs of standard SNS topics is expected',
    });
  if (alarms !== undefined && typeof alarms !== 'boolean' && !(isTexts(alarms) && alarms.length > 0))
    problems.push({
      path: `${path}.cloudwatchAlarms`,
      actual: alarms,
      allowed: 'true, false or a list of prefixes of alarm names is expected',
    });
  return problems;
};

const isReference = (value: unknown): boolean => typeof value === 'string' && /^(secretsmanager|ssm):.+$/.test(value);

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '');

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
