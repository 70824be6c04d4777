import { alert } from '../../lib/model/alert.ts';
import { type ChannelName, channelNames } from '../../lib/model/config/alerts.ts';
import { readTemplate } from '../../lib/model/template.ts';
import { nearest } from './nearest.ts';
import { type Problem, unknownKeys } from './problem.ts';

/** What a channel takes besides the keys that all of them do. `reference`: the URL is the secret. */
interface Needs {
  readonly url: 'reference' | 'either' | 'optional';
  readonly secret: 'needed' | 'optional' | 'none';
  readonly keys: readonly string[];
}

const ownWords = ['language', 'template', 'mention'];
const needsOf: Readonly<Partial<Record<ChannelName, Needs>>> = {
  wecom: { url: 'reference', secret: 'none', keys: [...ownWords, 'picture'] },
  dingtalk: { url: 'reference', secret: 'optional', keys: ownWords },
  feishu: { url: 'reference', secret: 'optional', keys: ownWords },
  slack: { url: 'reference', secret: 'none', keys: ownWords },
  teams: { url: 'reference', secret: 'none', keys: ownWords },
  pagerduty: { url: 'optional', secret: 'needed', keys: ['template'] },
  opsgenie: { url: 'optional', secret: 'needed', keys: ['template'] },
  webhook: { url: 'either', secret: 'optional', keys: ['format', 'headers'] },
};

/** A channel of your own says here what it takes; until then it may be given anything. */
const anything: Needs = { url: 'either', secret: 'optional', keys: [...ownWords, 'picture', 'format', 'headers'] };

/** Everything wrong with the receivers; `known` are their names. */
export const checkReceivers = (receivers: unknown, known: readonly string[]): readonly Problem[] =>
  known.length === 0
    ? [{ path: 'alerts.receivers', actual: receivers, allowed: 'at least one receiver is expected' }]
    : known.flatMap((name) => checkReceiver(name, (receivers as Record<string, unknown>)[name], known));

const checkReceiver = (name: string, receiver: unknown, known: readonly string[]): readonly Problem[] => {
  const path = `alerts.receivers.${name}`;
  const all = ['channel', 'url', 'secret', 'fallback', 'sendResolved', ...ownWords, 'picture', 'format', 'headers'];
  if (typeof receiver !== 'object' || receiver === null) return unknownKeys(path, receiver, all);
  const given = receiver as Readonly<Record<string, unknown>>;
  const { channel, fallback } = given;
  if (!(channelNames as readonly unknown[]).includes(channel)) {
    const near = otherNames[String(channel).toLowerCase()] ?? nearest(channel, channelNames);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return [
      ...unknownKeys(path, receiver, all),
      { path: `${path}.channel`, actual: channel, allowed: `one of ${channelNames.join(', ')} is expected${hint}` },
      ...checkFallback(path, name, fallback, known),
    ];
  }
  const needs = needsOf[channel as ChannelName] ?? anything;
  const { url, secret, none } = { ...needs, none: needs.secret === 'none' };
  const keys = ['channel', 'url', ...(none ? [] : ['secret']), 'fallback', 'sendResolved', ...needs.keys];
  return [
    ...unknownKeys(path, hiding(given), keys).map((problem) => ({
      ...problem,
      allowed: problem.allowed.replace('no such key', `no such key of ${channel}`),
    })),
    ...checkUrl(`${path}.url`, given['url'], url),
    ...(none ? [] : checkSecret(`${path}.secret`, given['secret'], secret)),
    ...checkFallback(path, name, fallback, known),
    // What is no key of this channel has been told of above.
    ...checkStyle(path, Object.fromEntries(Object.entries(given).filter(([key]) => keys.includes(key)))),
  ];
};

/** What people call the channels besides. */
const otherNames: Readonly<Record<string, ChannelName>> = {
  dingding: 'dingtalk',
  lark: 'feishu',
  wechat: 'wecom',
  weixin: 'wecom',
  wework: 'wecom',
  'microsoft-teams': 'teams',
  http: 'webhook',
};

/** A secret in a place that knows none is not repeated. */
const hiding = (given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  ...given,
  ...(given['secret'] === undefined ? {} : { secret: '(hidden)' }),
});

const reference = 'a reference such as secretsmanager:name or ssm:name is expected';

const checkUrl = (path: string, url: unknown, need: Needs['url']): readonly Problem[] => {
  if (isReference(url) || (need === 'optional' && url === undefined)) return [];
  if (need !== 'reference' && typeof url === 'string' && /^https:\/\/[^\s]+$/.test(url)) {
    return URL.canParse(url) && new URL(url).username === ''
      ? []
      : [{ path, actual: '(hidden)', allowed: 'a URL without a user in it is expected' }];
  }
  const actual = url === undefined ? undefined : '(hidden)';
  return [
    {
      path,
      actual,
      allowed: `${reference}${need === 'reference' ? ', since the URL is the secret' : ', or a URL that begins with https://'}`,
    },
  ];
};

const checkSecret = (path: string, secret: unknown, need: Needs['secret']): readonly Problem[] => {
  if (secret === undefined) {
    const allowed = `${reference}: the routing key or API key`;
    return need === 'needed' ? [{ path, actual: undefined, allowed }] : [];
  }
  const list = Array.isArray(secret) ? secret : [secret];
  return list.length > 0 && list.every(isReference)
    ? []
    : [{ path, actual: '(hidden)', allowed: `${reference}, or several in a list` }];
};

const checkFallback = (path: string, name: string, fallback: unknown, known: readonly string[]): readonly Problem[] => {
  if (fallback === undefined || (known.includes(fallback as string) && fallback !== name)) return [];
  const near = nearest(
    fallback,
    known.filter((other) => other !== name),
  );
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return [
    {
      path: `${path}.fallback`,
      actual: fallback,
      allowed: `another receiver is expected; there are ${known.join(', ')}${hint}`,
    },
  ];
};

const checkStyle = (path: string, given: Readonly<Record<string, unknown>>): readonly Problem[] => {
  const { language, template, mention, picture, format, headers, sendResolved } = given;
  const isBad = (value: unknown, isGood: boolean) => value !== undefined && !isGood;
  const bad = (key: string, allowed: string): Problem => ({ path: `${path}.${key}`, actual: given[key], allowed });
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  return [
    ...(isBad(language, language === 'en' || language === 'zh') ? [bad('language', 'en or zh is expected')] : []),
    ...(isBad(mention, Array.isArray(mention) && mention.every(isText))
      ? [bad('mention', 'a list of ids is expected')]
      : []),
    ...(isBad(picture, typeof picture === 'boolean') ? [bad('picture', 'true or false is expected')] : []),
    ...(isBad(sendResolved, typeof sendResolved === 'boolean')
      ? [bad('sendResolved', 'true or false is expected')]
      : []),
    ...(isBad(format, format === 'tidemark' || format === 'alertmanager')
      ? [bad('format', 'tidemark or alertmanager is expected')]
      : []),
    ...checkTemplate(`${path}.template`, template),
    ...checkHeaders(`${path}.headers`, headers),
  ];
};

/** Whatever can be known of a template before the first alert is known here: a function is tried with an example. */
const checkTemplate = (path: string, template: unknown): readonly Problem[] => {
  if (template === undefined) return [];
  if (template === '') return [{ path, actual: template, allowed: 'a text or a function is expected' }];
  if (typeof template === 'string') {
    const read = readTemplate(template);
    return 'error' in read ? [{ path, actual: template, allowed: read.error }] : [];
  }
  if (typeof template !== 'function') return [{ path, actual: template, allowed: 'a text or a function is expected' }];
  let said: unknown;
  try {
    said = template(example, { receiver: 'example', traceUrl: 'https://traces.example/1' });
  } catch (thrown) {
    return [
      {
        path,
        actual: 'a function',
        allowed: `it throws for an example alert: ${(thrown as Error)?.message ?? thrown}`,
      },
    ];
  }
  return typeof said === 'string'
    ? []
    : [{ path, actual: 'a function', allowed: `it answers ${typeof said}; text is expected` }];
};

const example = alert({
  status: 'firing',
  labels: { alertname: 'Example', severity: 'critical' },
  annotations: { summary: 'an example' },
  startsAt: '2026-01-01T00:00:00.000Z',
  trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
});

/** Ours, and those of HTTP itself. */
const ownHeaders = /^(webhook-(id|timestamp|signature)|host|content-length|transfer-encoding|connection)$/i;

const checkHeaders = (path: string, headers: unknown): readonly Problem[] => {
  if (headers === undefined) return [];
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    return [{ path, actual: headers, allowed: 'an object of header names and values is expected' }];
  return Object.entries(headers).flatMap(([name, value]): Problem[] => {
    if (!/^[!#$%&'*+.^`|~\w-]+$/.test(name) || ownHeaders.test(name))
      return [
        { path: `${path}.${name}`, actual: name, allowed: 'the name of an HTTP header that is not ours is expected' },
      ];
    if (typeof value !== 'string' || /[\r\n\0]/.test(value))
      return [{ path: `${path}.${name}`, actual: '(hidden)', allowed: 'a text of one line is expected' }];
    return /authorization|token|secret|api-?key|cookie/i.test(name) && !isReference(value)
      ? [{ path: `${path}.${name}`, actual: '(hidden)', allowed: reference }]
      : [];
  });
};

const isReference = (value: unknown): boolean => typeof value === 'string' && /^(secretsmanager|ssm):.+$/.test(value);
