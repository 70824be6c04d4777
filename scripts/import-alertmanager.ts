import { parse } from 'yaml';
import type { AlertsConfig, ChannelName, ReceiverConfig } from '../lib/model/config/alerts.ts';
import type { GroupingConfig, InhibitConfig, RouteConfig, TimeIntervalConfig } from '../lib/model/config/routing.ts';
import { Failure } from '../lib/model/failure.ts';
import { equalMatcher, matcher, parseMatchers, writeMatchers } from '../lib/model/matchers.ts';

/** Something in a file that has no counterpart here, or that a person has to see to. */
export interface Unmapped {
  /** `receivers[2].email_configs` */
  readonly path: string;
  readonly reason: string;
}

export interface Imported {
  readonly alerts: AlertsConfig;
  readonly unmapped: readonly Unmapped[];
}

type Fields = Readonly<Record<string, unknown>>;

/** An `alertmanager.yml` as our configuration. Throws a Failure for a file that Alertmanager itself would refuse. */
export const importAlertmanager = (yaml: string): Imported => {
  const root = document(yaml);
  const unmapped: Unmapped[] = [];
  const leave = (path: string, reason: string) => void unmapped.push({ path, reason });
  for (const key of Object.keys(root)) if (!known.has(key)) leave(key, reasons[key] ?? 'there is no such option here');
  const { receivers, names } = readReceivers(list(root['receivers'], 'receivers'), leave);
  const route = fields(root['route'], 'route');
  const { matchers = [], receivers: first = [], routes, ...grouping } = readRoute(route, 'route', names, leave);
  if (matchers.length > 0) leave('route.matchers', 'the root route takes every alert');
  for (const key of ['mute_time_intervals', 'active_time_intervals'])
    if (route[key] !== undefined) leave(`route.${key}`, 'the root route never rests');
  const inhibit = list(root['inhibit_rules'], 'inhibit_rules').flatMap((rule, at) =>
    readInhibit(fields(rule, `inhibit_rules[${at}]`), `inhibit_rules[${at}]`, leave),
  );
  const times = readTimes(root);
  const { resolve_timeout: timeout = '5m' } = fields(root['global'] ?? {}, 'global');
  const resolveTimeoutSeconds = durationSeconds(timeout, 'global.resolve_timeout');
  return {
    alerts: {
      receivers,
      default: first,
      // As Alertmanager does: a critical alert waits for its group like any other.
      criticalWaitSeconds: 'grouped',
      ...groupingOf(grouping),
      ...(routes === undefined ? {} : { routes }),
      ...(inhibit.length === 0 ? {} : { inhibit }),
      ...(Object.keys(times).length === 0 ? {} : { times }),
      ...(resolveTimeoutSeconds === 300 ? {} : { inbound: { resolveTimeoutSeconds } }),
    },
    unmapped,
  };
};

const known = new Set(['route', 'receivers', 'inhibit_rules', 'time_intervals', 'mute_time_intervals']);
const reasons: Readonly<Record<string, string>> = {
  global: 'defaults of its receivers are not read: what a receiver needs stands in it here',
  templates: 'Go templates are not read; see docs/guides/channels.md for ours',
  tracing: 'tidemark traces itself; see the telemetry section',
};

const bad = (where: string, why: string) => new Failure('bad-input', why, { where });

const document = (yaml: string): Fields => {
  let value: unknown;
  try {
    value = parse(yaml);
  } catch (thrown) {
    throw new Failure('bad-input', `is not YAML: ${(thrown as Error).message.split('\n')[0]}`, { cause: thrown });
  }
  // Amazon Managed Service for Prometheus wraps the file into another.
  if (isFields(value) && typeof value['alertmanager_config'] === 'string')
    return document(value['alertmanager_config']);
  if (!isFields(value)) throw bad('the file', 'holds no mapping; an alertmanager.yml is expected');
  if (value['route'] === undefined) throw bad('route', 'is missing');
  return value;
};

interface ReadRoute extends RouteConfig {
  readonly grouping?: never;
}

const readRoute = (
  route: Fields,
  path: string,
  names: ReadonlyMap<string, readonly string[]>,
  leave: (path: string, reason: string) => void,
): ReadRoute => {
  const { receiver, group_by: groupBy, continue: continues } = route;
  if (receiver !== undefined && !names.has(String(receiver)))
    throw bad(`${path}.receiver`, `'${String(receiver)}' is no receiver of the file`);
  for (const key of Object.keys(route))
    if (!routeKeys.has(key)) leave(`${path}.${key}`, 'there is no such option here');
  const matchers = matchersOf(route, '', path);
  const routes = list(route['routes'], `${path}.routes`).map((child, at) =>
    readRoute(fields(child, `${path}.routes[${at}]`), `${path}.routes[${at}]`, names, leave),
  );
  const times = (key: string) =>
    route[key] === undefined ? undefined : list(route[key], `${path}.${key}`).map(String);
  const [muteTimes, activeTimes] = [times('mute_time_intervals'), times('active_time_intervals')];
  const isRoot = path === 'route';
  return {
    ...(isRoot
      ? { ...(matchers.length === 0 ? {} : { matchers }) }
      : matchers.length === 0
        ? { match: {} }
        : { matchers }),
    ...(receiver === undefined ? {} : { receivers: names.get(String(receiver)) ?? [] }),
    ...(groupBy === undefined ? {} : { groupBy: list(groupBy, `${path}.group_by`).map(String) }),
    ...waits(route, path),
    ...(isRoot || muteTimes === undefined ? {} : { muteTimes }),
    ...(isRoot || activeTimes === undefined ? {} : { activeTimes }),
    ...(continues === true ? { continue: true } : {}),
    ...(routes.length === 0 ? {} : { routes }),
  };
};

const routeKeys = new Set([
  'receiver',
  'group_by',
  'group_wait',
  'group_interval',
  'repeat_interval',
  'match',
  'match_re',
  'matchers',
  'continue',
  'routes',
  'mute_time_intervals',
  'active_time_intervals',
]);

const waits = (route: Fields, path: string): GroupingConfig => {
  const seconds = (key: string) =>
    route[key] === undefined ? undefined : durationSeconds(route[key], `${path}.${key}`);
  const [groupWaitSeconds, groupIntervalSeconds, repeatIntervalSeconds] = [
    seconds('group_wait'),
    seconds('group_interval'),
    seconds('repeat_interval'),
  ];
  return groupingOf({ groupWaitSeconds, groupIntervalSeconds, repeatIntervalSeconds });
};

const groupingOf = (
  given: { readonly [Key in keyof GroupingConfig]: GroupingConfig[Key] | undefined },
): GroupingConfig => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

/** Prometheus' durations: `1h30m`, `5m`, `1d`, `500ms`, `0`. */
const durationSeconds = (value: unknown, where: string): number => {
  const text = String(value);
  if (text === '0') return 0;
  const found = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text);
  if (found === null || text === '') throw bad(where, `'${text}' is no duration such as 30s, 5m or 1h30m`);
  const units = [31_536_000, 604_800, 86_400, 3600, 60, 1, 0.001];
  return units.reduce((sum, unit, at) => sum + Number(found[at + 1] ?? 0) * unit, 0);
};

/** The three ways to write matchers, as one list of texts. `prefix` is `source_` or `target_` in inhibition rules. */
const matchersOf = (from: Fields, prefix: string, path: string): string[] => {
  const texts: string[] = [];
  for (const [name, value] of Object.entries(fields(from[`${prefix}match`] ?? {}, `${path}.${prefix}match`)))
    texts.push(writeMatchers([equalMatcher(name, String(value))]).slice(1, -1));
  for (const [name, value] of Object.entries(fields(from[`${prefix}match_re`] ?? {}, `${path}.${prefix}match_re`))) {
    const made = matcher(name, '=~', String(value));
    if ('error' in made) throw bad(`${path}.${prefix}match_re.${name}`, made.error);
    texts.push(writeMatchers([made]).slice(1, -1));
  }
  for (const [at, text] of list(from[`${prefix}matchers`], `${path}.${prefix}matchers`).entries()) {
    const read = parseMatchers(String(text));
    if ('error' in read) throw bad(`${path}.${prefix}matchers[${at}]`, read.error);
    texts.push(...read.matchers.map((each) => writeMatchers([each]).slice(1, -1)));
  }
  return texts;
};

const readInhibit = (rule: Fields, path: string, leave: (path: string, reason: string) => void): InhibitConfig[] => {
  const [source, target] = [matchersOf(rule, 'source_', path), matchersOf(rule, 'target_', path)];
  if (source.length === 0 || target.length === 0) {
    leave(path, 'matchers of one source and of one target are needed');
    return [];
  }
  const equal = list(rule['equal'], `${path}.equal`).map(String);
  return [{ source, target, ...(equal.length === 0 ? {} : { equal }) }];
};

const readTimes = (root: Fields): Record<string, TimeIntervalConfig[]> =>
  Object.fromEntries(
    ['mute_time_intervals', 'time_intervals'].flatMap((key) =>
      list(root[key], key).map((given, at) => {
        const { name, time_intervals: intervals } = fields(given, `${key}[${at}]`);
        const where = `${key}[${at}].time_intervals`;
        return [
          String(name),
          list(intervals, where).map((each, index) => readInterval(fields(each, `${where}[${index}]`), where)),
        ];
      }),
    ),
  );

const readInterval = (interval: Fields, where: string): TimeIntervalConfig => {
  const texts = (key: string) =>
    interval[key] === undefined ? undefined : list(interval[key], `${where}.${key}`).map(String);
  const times = list(interval['times'], `${where}.times`).map((each) => {
    const { start_time: start, end_time: end } = fields(each, `${where}.times`);
    return { start: clockTime(start), end: clockTime(end) };
  });
  const found = {
    times: times.length === 0 ? undefined : times,
    weekdays: texts('weekdays'),
    daysOfMonth: texts('days_of_month'),
    months: texts('months'),
    years: texts('years'),
    location: interval['location'] === undefined ? undefined : String(interval['location']),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as TimeIntervalConfig;
};

/** YAML 1.1 reads 17:30 as a number to the base of 60. */
const clockTime = (value: unknown): string =>
  typeof value === 'number'
    ? `${String(Math.floor(value / 60)).padStart(2, '0')}:${String(value % 60).padStart(2, '0')}`
    : String(value);

/** What a kind of receiver becomes; the key of its secret there, and whether ends are told unless it says so. */
const kinds: Readonly<
  Record<
    string,
    {
      readonly channel: ChannelName;
      readonly secret: string;
      readonly into: 'url' | 'secret';
      readonly resolved: boolean;
    }
  >
> = {
  webhook_configs: { channel: 'webhook', secret: 'url', into: 'url', resolved: true },
  slack_configs: { channel: 'slack' as ChannelName, secret: 'api_url', into: 'url', resolved: false },
  msteams_configs: { channel: 'teams' as ChannelName, secret: 'webhook_url', into: 'url', resolved: true },
  msteamsv2_configs: { channel: 'teams' as ChannelName, secret: 'webhook_url', into: 'url', resolved: true },
  pagerduty_configs: { channel: 'pagerduty' as ChannelName, secret: 'routing_key', into: 'secret', resolved: true },
  opsgenie_configs: { channel: 'opsgenie' as ChannelName, secret: 'api_key', into: 'secret', resolved: true },
};

const readReceivers = (given: readonly unknown[], leave: (path: string, reason: string) => void) => {
  const receivers: Record<string, ReceiverConfig> = {};
  const names = new Map<string, readonly string[]>();
  for (const [at, each] of given.entries()) {
    const path = `receivers[${at}]`;
    const { name: named, ...configs } = fields(each, path);
    const name = String(named);
    if (named === undefined) throw bad(path, 'has no name');
    if (names.has(name)) throw bad(`${path}.name`, `'${name}' is there twice`);
    const own: [string, ReceiverConfig][] = [];
    for (const [key, entries] of Object.entries(configs)) {
      const kind = kinds[key];
      if (kind === undefined) leave(`${path}.${key}`, 'there is no such channel here');
      else
        for (const [index, entry] of list(entries, `${path}.${key}`).entries())
          own.push([
            kind.channel,
            readReceiver(
              fields(entry, `${path}.${key}[${index}]`),
              `${path}.${key}[${index}]`,
              kind,
              name,
              own.length,
              leave,
            ),
          ]);
    }
    if (own.length === 0 && Object.keys(configs).length > 0) leave(path, `nobody is told what '${name}' was told`);
    const made = own.map(([channel, config], index) => {
      const twins = own.filter(([other], before) => other === channel && before < index).length;
      return [own.length === 1 ? name : `${name}-${channel}${twins === 0 ? '' : `-${twins + 1}`}`, config] as const;
    });
    for (const [key, config] of made) receivers[key] = config;
    names.set(
      name,
      made.map(([key]) => key),
    );
  }
  return { receivers, names };
};

const readReceiver = (
  config: Fields,
  path: string,
  { channel, secret, into, resolved }: (typeof kinds)[string] & object,
  name: string,
  number: number,
  leave: (path: string, reason: string) => void,
): ReceiverConfig => {
  const reference = `secretsmanager:alertmanager/${name}${number === 0 ? '' : `-${number + 1}`}/${secret.replace('_', '-')}`;
  // What is secret stays where it is: only where it is to be put is said.
  leave(`${path}.${secret}`, `put it into ${reference}`);
  const sendResolved = config['send_resolved'] ?? resolved;
  const { http_config: http } = config;
  const authorization = isFields(http)
    ? (http['authorization'] ?? http['bearer_token'] ?? http['basic_auth'])
    : undefined;
  const header = `secretsmanager:alertmanager/${name}/authorization`;
  if (authorization !== undefined) leave(`${path}.http_config`, `put the whole Authorization header into ${header}`);
  if (typeof config['url'] === 'string' && config['url'].startsWith('http:'))
    leave(`${path}.url`, 'only https is sent to; a private address has to be in alerts.allowTargets as well');
  for (const key of Object.keys(config))
    if (
      ![
        secret,
        `${secret}_file`,
        'send_resolved',
        'http_config',
        'service_key',
        'url',
        'max_alerts',
        'timeout',
      ].includes(key)
    )
      leave(`${path}.${key}`, 'messages are written by our own templates');
  return {
    channel,
    [into]: reference,
    ...(sendResolved === false ? { sendResolved: false } : {}),
    ...(channel === 'webhook' ? { format: 'alertmanager' as const } : {}),
    ...(channel === 'webhook' && authorization !== undefined ? { headers: { Authorization: header } } : {}),
  };
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fields = (value: unknown, where: string): Fields => {
  if (isFields(value)) return value;
  throw bad(where, 'a mapping is expected');
};

const list = (value: unknown, where: string): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value as unknown[];
  throw bad(where, 'a list is expected');
};
