import { isIP } from 'node:net';
import { channelNames } from '../../lib/model/config/alerts.ts';
import { type Problem, unknownKeys } from './problem.ts';
import { checkGrouping, checkInhibit, checkRoutes, checkTimes, groupingKeys } from './routing.ts';

const sectionKeys = [
  'receivers',
  'default',
  'routes',
  'inhibit',
  'times',
  'traceUrl',
  'allowTargets',
  'inbound',
  ...groupingKeys,
];
const receiverKeys = [
  'channel',
  'url',
  'secret',
  'mention',
  'fallback',
  'sendResolved',
  'language',
  'template',
  'picture',
  'format',
  'headers',
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
    ...(known.length === 0
      ? [{ path: 'alerts.receivers', actual: receivers, allowed: 'at least one receiver is expected' }]
      : known.flatMap((name) => checkReceiver(name, (receivers as Fields)[name], known))),
    ...named('alerts.default', section['default']),
    ...checkGrouping('alerts', section),
    ...checkRoutes('alerts.routes', routes, isFields(times) ? Object.keys(times) : [], named),
    ...checkInhibit('alerts.inhibit', inhibit),
    ...checkTimes('alerts.times', times),
    ...checkTraceUrl(traceUrl),
    ...checkTargets(section['allowTargets']),
    ...checkInbound(section['inbound']),
  ];
};

const namedReceivers =
  (known: readonly string[]) =>
  (path: string, list: unknown): readonly Problem[] => {
    if (!Array.isArray(list) || list.length === 0)
      return [{ path, actual: list, allowed: 'a list of receiver names is expected' }];
    return list.flatMap((name, at) =>
      known.includes(name)
        ? []
        : [{ path: `${path}[${at}]`, actual: name, allowed: `no such receiver; there are ${known.join(', ')}` }],
    );
  };

const checkReceiver = (name: string, receiver: unknown, known: readonly string[]): readonly Problem[] => {
  const path = `alerts.receivers.${name}`;
  const problems: Problem[] = [...unknownKeys(path, receiver, receiverKeys)];
  if (!isFields(receiver)) return problems;
  const add = (key: string, actual: unknown, allowed: string) =>
    void problems.push({ path: `${path}.${key}`, actual, allowed });
  const { channel, secret, fallback, headers } = receiver;
  if (!(channelNames as readonly unknown[]).includes(channel))
    add('channel', channel, `one of ${channelNames.join(', ')} is expected`);
  problems.push(...checkUrl(`${path}.url`, channel, receiver['url']));
  const secrets = Array.isArray(secret) ? (secret as unknown[]) : [secret];
  if (secret !== undefined && (secrets.length === 0 || !secrets.every(isReference)))
    add('secret', '(hidden)', `${reference}, or several in a list`);
  if (isKeyed(channel) && secret === undefined) add('secret', secret, `${reference}: ${channel} is called with a key`);
  if (fallback !== undefined && (!known.includes(fallback as string) || fallback === name))
    add('fallback', fallback, `another receiver is expected; there are ${known.join(', ')}`);
  if (receiver['mention'] !== undefined && !isTexts(receiver['mention']))
    add('mention', receiver['mention'], 'a list of ids is expected');
  for (const [key, values] of Object.entries(choices)) {
    const value = receiver[key];
    if (value !== undefined && !values.includes(value))
      add(key, value, `one of ${values.map((each) => JSON.stringify(each)).join(', ')} is expected`);
  }
  const { template } = receiver;
  if (template !== undefined && (typeof template !== 'string' || template === ''))
    add('template', template, 'a text is expected');
  if (headers !== undefined) problems.push(...checkHeaders(`${path}.headers`, headers));
  return problems;
};

const choices: Readonly<Record<string, readonly unknown[]>> = {
  sendResolved: [true, false],
  language: ['en', 'zh'],
  picture: [true, false],
  format: ['tidemark', 'alertmanager'],
};

/** Channels whose address is the same for everyone; what tells users apart there is a key. */
const isKeyed = (channel: unknown): boolean => channel === 'pagerduty' || channel === 'opsgenie';

const checkUrl = (path: string, channel: unknown, url: unknown): readonly Problem[] => {
  if (isReference(url) || (url === undefined && isKeyed(channel))) return [];
  const isPlain = typeof url === 'string' && /^https:\/\/[^\s]+$/.test(url);
  if (isPlain && (channel === 'webhook' || isKeyed(channel))) {
    return URL.canParse(url) && new URL(url).username === ''
      ? []
      : [{ path, actual: '(hidden)', allowed: 'a URL without a user in it is expected' }];
  }
  const why = channel === 'webhook' ? ', or a URL that begins with https://' : ', since the URL is the secret';
  return [{ path, actual: url === undefined ? undefined : '(hidden)', allowed: `${reference}${why}` }];
};

const checkHeaders = (path: string, headers: unknown): readonly Problem[] => {
  if (!isFields(headers)) return [{ path, actual: headers, allowed: 'texts by name are expected' }];
  return Object.entries(headers).flatMap(([name, value]): Problem[] => {
    const own = `${path}.${name}`;
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      return [{ path: own, actual: name, allowed: 'the name of an HTTP header is expected' }];
    if (typeof value !== 'string' || /[\r\n\0]/.test(value))
      return [{ path: own, actual: '(hidden)', allowed: 'a text of one line is expected' }];
    return /authorization|token|secret|api-?key|cookie/i.test(name) && !isReference(value)
      ? [{ path: own, actual: '(hidden)', allowed: reference }]
      : [];
  });
};

const checkTraceUrl = (url: unknown): readonly Problem[] =>
  url === undefined || (typeof url === 'string' && /^https?:\/\//.test(url) && url.includes('{traceId}'))
    ? []
    : [{ path: 'alerts.traceUrl', actual: url, allowed: 'a URL with {traceId} in it is expected' }];

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
  const problems: Problem[] = [...unknownKeys(path, inbound, ['bearer', 'hmac', 'topics', 'cloudwatchAlarms'])];
  if (!isFields(inbound)) return problems;
  for (const key of ['bearer', 'hmac']) {
    const list = Array.isArray(inbound[key]) ? (inbound[key] as unknown[]) : [inbound[key]];
    if (inbound[key] !== undefined && (list.length === 0 || !list.every(isReference)))
      problems.push({ path: `${path}.${key}`, actual: '(hidden)', allowed: `${reference}, or several in a list` });
  }
  const { topics, cloudwatchAlarms: alarms } = inbound;
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
