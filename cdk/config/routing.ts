import { parseMatchers } from '../../lib/model/matchers.ts';
import { intervalProblems } from '../../lib/model/time-interval.ts';
import { type Problem, unknownKeys } from './problem.ts';

/** The options by which a route puts alerts together; the root has them too. */
export const groupingKeys = [
  'groupBy',
  'groupWaitSeconds',
  'groupIntervalSeconds',
  'repeatIntervalSeconds',
  'criticalWaitSeconds',
];
const routeKeys = [...groupingKeys, 'match', 'matchers', 'receivers', 'routes', 'continue', 'muteTimes', 'activeTimes'];

/** A year: what waits longer is a mistake. */
const longestSeconds = 365 * 86_400;

type Fields = Readonly<Record<string, unknown>>;
type Named = (path: string, list: unknown) => readonly Problem[];

/** Everything wrong with the options of grouping at one place. */
export const checkGrouping = (path: string, config: Fields): readonly Problem[] => {
  const problems: Problem[] = [];
  const { groupBy } = config;
  if (groupBy !== undefined && !isTexts(groupBy))
    problems.push({
      path: `${path}.groupBy`,
      actual: groupBy,
      allowed: "a list of label names is expected, or ['...']",
    });
  if (isTexts(groupBy) && groupBy.includes('...') && groupBy.length > 1)
    problems.push({ path: `${path}.groupBy`, actual: groupBy, allowed: "'...' stands for all labels, alone" });
  for (const [name, least] of [
    ['groupWaitSeconds', 0],
    ['groupIntervalSeconds', 1],
    ['repeatIntervalSeconds', 1],
    ['criticalWaitSeconds', 0],
  ] as const) {
    const seconds = config[name];
    if (seconds === undefined || (name === 'criticalWaitSeconds' && seconds === 'grouped')) continue;
    if (typeof seconds !== 'number' || !(seconds >= least && seconds <= longestSeconds))
      problems.push({
        path: `${path}.${name}`,
        actual: seconds,
        allowed: `seconds from ${least} to a year are expected`,
      });
  }
  return problems;
};

/** Everything wrong with a list of routes and those below them. `named` checks a list of receivers. */
export const checkRoutes = (
  path: string,
  routes: unknown,
  times: readonly string[],
  named: Named,
): readonly Problem[] => {
  if (routes === undefined) return [];
  if (!Array.isArray(routes)) return [{ path, actual: routes, allowed: 'a list is expected' }];
  return routes.flatMap((route: unknown, at) => {
    const own = `${path}[${at}]`;
    if (!isFields(route)) return [{ path: own, actual: route, allowed: 'a route is expected' }];
    const problems: Problem[] = [...unknownKeys(own, route, routeKeys), ...checkGrouping(own, route)];
    const { match, matchers, receivers, continue: continues } = route;
    if (match !== undefined && !(isFields(match) && isTexts(Object.values(match))))
      problems.push({ path: `${own}.match`, actual: match, allowed: 'labels and their values are expected' });
    problems.push(...checkMatchers(`${own}.matchers`, matchers, true));
    if (match === undefined && matchers === undefined)
      problems.push({
        path: own,
        actual: route,
        allowed: 'match or matchers is expected; a route without takes everything',
      });
    if (receivers !== undefined) problems.push(...named(`${own}.receivers`, receivers));
    if (continues !== undefined && typeof continues !== 'boolean')
      problems.push({ path: `${own}.continue`, actual: continues, allowed: 'true or false is expected' });
    for (const key of ['muteTimes', 'activeTimes']) problems.push(...namedTimes(`${own}.${key}`, route[key], times));
    return [...problems, ...checkRoutes(`${own}.routes`, route['routes'], times, named)];
  });
};

/** Everything wrong with inhibition rules. */
export const checkInhibit = (path: string, rules: unknown): readonly Problem[] => {
  if (rules === undefined) return [];
  if (!Array.isArray(rules)) return [{ path, actual: rules, allowed: 'a list is expected' }];
  return rules.flatMap((rule: unknown, at) => {
    const own = `${path}[${at}]`;
    if (!isFields(rule)) return [{ path: own, actual: rule, allowed: 'source, target and equal are expected' }];
    const { source, target, equal } = rule;
    return [
      ...unknownKeys(own, rule, ['source', 'target', 'equal']),
      ...checkMatchers(`${own}.source`, source, false),
      ...checkMatchers(`${own}.target`, target, false),
      ...(equal === undefined || isTexts(equal)
        ? []
        : [{ path: `${own}.equal`, actual: equal, allowed: 'a list of label names is expected' }]),
    ];
  });
};

/** Everything wrong with named times. */
export const checkTimes = (path: string, times: unknown): readonly Problem[] => {
  if (times === undefined) return [];
  if (!isFields(times)) return [{ path, actual: times, allowed: 'lists of intervals by name are expected' }];
  return Object.entries(times).flatMap(([name, intervals]) => {
    if (!Array.isArray(intervals))
      return [{ path: `${path}.${name}`, actual: intervals, allowed: 'a list of intervals is expected' }];
    return intervals.flatMap((interval: unknown, at) => {
      const own = `${path}.${name}[${at}]`;
      if (!isFields(interval)) return [{ path: own, actual: interval, allowed: 'an interval is expected' }];
      const known = ['times', 'weekdays', 'daysOfMonth', 'months', 'years', 'location'];
      if (interval['times'] !== undefined && !Array.isArray(interval['times']))
        return [{ path: `${own}.times`, actual: interval['times'], allowed: 'a list is expected' }];
      return [
        ...unknownKeys(own, interval, known),
        ...intervalProblems(interval).map(({ field, allowed }) => ({
          path: `${own}.${field}`,
          actual: interval[field.replace(/\[.*$/, '')],
          allowed,
        })),
      ];
    });
  });
};

const checkMatchers = (path: string, texts: unknown, isOptional: boolean): readonly Problem[] => {
  if (texts === undefined && isOptional) return [];
  if (!isTexts(texts) || texts.length === 0)
    return [{ path, actual: texts, allowed: 'a list of matchers such as severity="critical" is expected' }];
  return texts.flatMap((text, at) => {
    const read = parseMatchers(text);
    return 'error' in read ? [{ path: `${path}[${at}]`, actual: text, allowed: read.error }] : [];
  });
};

const namedTimes = (path: string, names: unknown, times: readonly string[]): readonly Problem[] => {
  if (names === undefined) return [];
  if (!isTexts(names)) return [{ path, actual: names, allowed: 'a list of names is expected' }];
  return names.flatMap((name, at) =>
    times.includes(name)
      ? []
      : [
          {
            path: `${path}[${at}]`,
            actual: name,
            allowed: `no such time in alerts.times; there are ${times.join(', ') || 'none'}`,
          },
        ],
  );
};

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
