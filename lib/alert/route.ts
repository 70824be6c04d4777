import type { Alert } from '../model/alert.ts';
import type { AlertsConfig } from '../model/config/alerts.ts';
import type { GroupingConfig, RouteConfig } from '../model/config/routing.ts';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import {
  equalMatcher,
  type Labels,
  type Matcher,
  matchesAll,
  parseMatchers,
  writeLabels,
  writeMatchers,
} from '../model/matchers.ts';

/** A route with everything that it takes from those above it filled in. */
export interface Route {
  /** Alertmanager's key of the route: the matchers on the way down. */
  readonly key: string;
  /** Tells routes of one key apart; stable as long as their number above it is. */
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly receivers: readonly string[];
  readonly groupBy: readonly string[] | 'all';
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  /** The longest that a new critical alert waits; Infinity where it waits like any other. */
  readonly criticalWaitMs: number;
  readonly muteTimes: readonly string[];
  readonly activeTimes: readonly string[];
  readonly continues: boolean;
  readonly routes: readonly Route[];
}

/** One group that an alert belongs to. */
export interface Membership {
  readonly route: Route;
  readonly groupLabels: Labels;
  /** `{}/{severity="critical"}:{alertname="High"}` */
  readonly groupKey: string;
}

/** The tree of a configuration, with defaults and inheritance worked out once. Throws a Failure for a matcher that is none. */
export const routeTree = (config: Omit<AlertsConfig, 'receivers'>): Route => {
  const root: RouteConfig = { ...grouping(config), receivers: config.default, routes: config.routes ?? [] };
  return built(root, undefined, [], 'alerts', '', '');
};

const built = (
  config: RouteConfig,
  above: Route | undefined,
  siblings: readonly string[],
  path: string,
  keyAbove: string,
  idAbove: string,
): Route => {
  const matchers = matchersOf(config, path);
  const own = writeMatchers(matchers);
  const key = keyAbove === '' ? own : `${keyAbove}/${own}`;
  const twins = siblings.filter((each) => each === own).length;
  const id = `${idAbove === '' ? '' : `${idAbove}/`}${own}${twins === 0 ? '' : `#${twins}`}`;
  const { criticalWaitSeconds } = config;
  const route: Omit<Route, 'routes'> = {
    key,
    id,
    matchers,
    receivers: config.receivers ?? above?.receivers ?? [],
    groupBy:
      config.groupBy === undefined ? (above?.groupBy ?? []) : config.groupBy.includes('...') ? 'all' : config.groupBy,
    groupWaitMs: ms(config.groupWaitSeconds) ?? above?.groupWaitMs ?? 30_000,
    groupIntervalMs: ms(config.groupIntervalSeconds) ?? above?.groupIntervalMs ?? 300_000,
    repeatIntervalMs: ms(config.repeatIntervalSeconds) ?? above?.repeatIntervalMs ?? 14_400_000,
    criticalWaitMs:
      criticalWaitSeconds === 'grouped'
        ? Number.POSITIVE_INFINITY
        : (ms(criticalWaitSeconds) ?? above?.criticalWaitMs ?? 5_000),
    // Times are not handed down, as in Alertmanager: a route below says itself when it rests.
    muteTimes: config.muteTimes ?? [],
    activeTimes: config.activeTimes ?? [],
    continues: config.continue === true,
  };
  const routes: Route[] = [];
  const keys: string[] = [];
  for (const [at, child] of (config.routes ?? []).entries()) {
    routes.push(built(child, { ...route, routes: [] }, keys, `${path}.routes[${at}]`, key, id));
    keys.push(writeMatchers(matchersOf(child, path)));
  }
  return { ...route, routes };
};

/** The routes that take an alert: depth first, children before their parent, on to the next where a match says `continue`. */
export const routesOf = (route: Route, labels: Labels): readonly Route[] => {
  if (!matchesAll(route.matchers, labels)) return [];
  const taken: Route[] = [];
  for (const child of route.routes) {
    const below = routesOf(child, labels);
    taken.push(...below);
    if (below.length > 0 && !child.continues) break;
  }
  return taken.length > 0 ? taken : [route];
};

/** The groups that an alert belongs to, one for each route that takes it. */
export const membershipsOf = (root: Route, { labels }: Pick<Alert, 'labels'>): readonly Membership[] =>
  routesOf(root, labels).map((route) => {
    const { groupBy } = route;
    const groupLabels =
      groupBy === 'all'
        ? { ...labels }
        : Object.fromEntries(Object.entries(labels).filter(([name]) => groupBy.includes(name)));
    return { route, groupLabels, groupKey: `${route.key}:${writeLabels(groupLabels)}` };
  });

/** Every route of a tree, parents first. */
export const allRoutes = (route: Route): readonly Route[] => [route, ...route.routes.flatMap(allRoutes)];

const grouping = ({
  groupBy,
  groupWaitSeconds,
  groupIntervalSeconds,
  repeatIntervalSeconds,
  criticalWaitSeconds,
}: GroupingConfig): GroupingConfig => ({
  ...given({ groupBy, groupWaitSeconds, groupIntervalSeconds, repeatIntervalSeconds, criticalWaitSeconds }),
});

const matchersOf = ({ match = {}, matchers = [] }: RouteConfig, path: string): readonly Matcher[] => [
  ...Object.entries(match).map(([name, value]) => equalMatcher(name, value)),
  ...readMatchers(matchers, `${path}.matchers`),
];

/** The matchers of a list of texts; throws a Failure that names the text which is none. */
export const readMatchers = (texts: readonly string[], where: string): readonly Matcher[] =>
  texts.flatMap((text, at) => {
    const read = parseMatchers(text);
    if ('error' in read) throw new Failure('misconfigured', read.error, { where: `${where}[${at}]` });
    return read.matchers;
  });

const ms = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1000);
