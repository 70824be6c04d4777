import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { inhibitRules, sourceKeys, targetKeys } from '../../lib/alert/inhibit.ts';
import { restsBy } from '../../lib/alert/mute-times.ts';
import { membershipsOf, routesOf, routeTree } from '../../lib/alert/route.ts';
import { type Silence, silencedBy } from '../../lib/alert/silence.ts';
import type { RouteConfig } from '../../lib/model/config/routing.ts';
import { Failure } from '../../lib/model/failure.ts';
import { matchesAll, parseMatchers } from '../../lib/model/matchers.ts';
import { contains, intervalProblems } from '../../lib/model/time-interval.ts';

const holds = (text: string, labels: Record<string, string>): boolean => {
  const read = parseMatchers(text);
  if ('error' in read) throw new Error(read.error);
  return matchesAll(read.matchers, labels);
};

test('a matcher is anchored, and a label that is missing is empty', () => {
  assert.ok(holds('service=~"api|web"', { service: 'web' }));
  assert.ok(!holds('service=~"api|web"', { service: 'webshop' }));
  assert.ok(!holds('service=~"eb"', { service: 'web' }));
  assert.ok(holds('team=""', {}) && holds('team!="x"', {}) && holds('team!~"x.+"', {}) && holds('team=~".*"', {}));
  assert.ok(!holds('team!=""', {}) && !holds('team=~".+"', {}));
  assert.ok(holds('a=b, c != d', { a: 'b' }));
  assert.ok(holds('{a="b",c=~"\\\\d+"}', { a: 'b', c: '12' }));
  assert.ok(holds('a=~"(?i)HIGH"', { a: 'high' }));
  assert.ok(holds('a=~"x\\-y"', { a: 'x-y' }), 'RE2 allows an escape that the unicode mode refuses');
  assert.ok(holds('a="quote \\" and, comma"', { a: 'quote " and, comma' }));
  assert.ok(holds('"service.name"="café"', { 'service.name': 'café' }));
});

test('a text that is no matcher is refused with the reason, and none throws', () => {
  for (const bad of ['a', 'a~b', '=x', '{a="b"', 'a="b"}', 'a=~"("', 'a=~"(?U)x"', '1a="b"', 'a="b" c="d"', 'a="b'])
    assert.ok('error' in parseMatchers(bad), bad);
  fc.assert(fc.property(fc.string(), (text) => void parseMatchers(text)));
});

const tree = (routes: readonly RouteConfig[]) => routeTree({ default: ['root'], routes });
const receiversFor = (routes: readonly RouteConfig[], labels: Record<string, string>) =>
  routesOf(tree(routes), labels).flatMap(({ receivers }) => receivers);

test('routes are asked depth first, children before parents, and the first match ends it unless it continues', () => {
  const routes: RouteConfig[] = [
    { match: { audit: 'yes' }, receivers: ['audit'], continue: true },
    {
      match: { team: 'web' },
      receivers: ['web'],
      routes: [
        { match: { severity: 'critical' }, receivers: ['pager'], continue: true },
        { matchers: ['severity=~"critical|warning"'], receivers: ['chat'] },
      ],
    },
    { match: { team: 'web' }, receivers: ['never'] },
  ];
  assert.deepEqual(receiversFor(routes, { team: 'db' }), ['root']);
  assert.deepEqual(receiversFor(routes, { team: 'web', severity: 'info' }), ['web']);
  assert.deepEqual(receiversFor(routes, { team: 'web', severity: 'critical' }), ['pager', 'chat']);
  assert.deepEqual(receiversFor(routes, { team: 'web', severity: 'warning', audit: 'yes' }), ['audit', 'chat']);
  assert.deepEqual(receiversFor(routes, { audit: 'yes' }), ['audit']);
});

test('what a route leaves out it takes from above, times not', () => {
  const root = routeTree({
    default: ['root'],
    groupBy: ['alertname'],
    repeatIntervalSeconds: 60,
    routes: [
      {
        match: { a: 'b' },
        groupWaitSeconds: 1,
        muteTimes: ['night'],
        routes: [{ match: { c: 'd' }, groupBy: [] }],
      },
    ],
  });
  const [route] = root.routes;
  const child = route?.routes[0];
  assert.deepEqual(
    [root.groupWaitMs, root.groupIntervalMs, root.repeatIntervalMs, root.criticalWaitMs],
    [30_000, 300_000, 60_000, 5_000],
  );
  assert.deepEqual([route?.groupWaitMs, child?.groupWaitMs, child?.repeatIntervalMs], [1_000, 1_000, 60_000]);
  assert.deepEqual([route?.groupBy, child?.groupBy, child?.receivers], [['alertname'], [], ['root']]);
  assert.deepEqual([route?.muteTimes, child?.muteTimes], [['night'], []]);
});

test('the group key is Alertmanager’s: matchers on the way down, and the labels grouped by that the alert has', () => {
  const root = routeTree({
    default: ['root'],
    routes: [
      {
        matchers: ['b=~"x|y"', 'a="1"'],
        groupBy: ['cluster', 'alertname'],
        routes: [{ match: { c: '2' }, groupBy: ['...'] }],
      },
    ],
  });
  const keys = (labels: Record<string, string>) => membershipsOf(root, { labels }).map(({ groupKey }) => groupKey);
  assert.deepEqual(keys({ alertname: 'A' }), ['{}:{}']);
  assert.deepEqual(keys({ alertname: 'A', a: '1', b: 'x' }), ['{}/{a="1",b=~"x|y"}:{alertname="A"}']);
  assert.deepEqual(keys({ a: '1', b: 'y', c: '2' }), ['{}/{a="1",b=~"x|y"}/{c="2"}:{a="1", b="y", c="2"}']);
});

test('two routes of the same matchers have groups of their own', () => {
  const root = tree([
    { match: { a: 'b' }, continue: true },
    { match: { a: 'b' }, receivers: ['other'] },
  ]);
  const ids = routesOf(root, { a: 'b' }).map(({ id }) => id);
  assert.equal(new Set(ids).size, 2);
});

test('a matcher that is none is named', () => {
  assert.throws(
    () => tree([{ match: { a: 'b' }, routes: [{ matchers: ['fine="x"', 'a=~"("'] }] }]),
    (thrown) =>
      thrown instanceof Failure &&
      thrown.code === 'misconfigured' &&
      thrown.where === 'alerts.routes[0].routes[0].matchers[1]',
  );
});

test('routing agrees with Alertmanager’s own', (t) => {
  if (spawnSync('amtool', ['--version']).error !== undefined) return t.skip('amtool is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-routes-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const value = fc.constantFrom('x', 'y', 'xy', '');
  const label = fc.constantFrom('a', 'b', 'c');
  const matcher = fc
    .tuple(label, fc.constantFrom('=', '!=', '=~', '!~'), fc.constantFrom('x', 'y', 'x|y', 'x.*', '', '.+'))
    .map(([name, op, text]) => `${name}${op}"${op.includes('~') ? text : text.replace(/\W/g, '')}"`);
  const { route } = fc.letrec<{ route: RouteConfig }>((tie) => ({
    route: fc.record(
      {
        matchers: fc.array(matcher, { minLength: 1, maxLength: 2 }),
        receivers: fc.constantFrom(['r1'], ['r2'], ['r3'], ['r4']),
        continue: fc.boolean(),
        routes: fc.oneof({ depthSize: 'small' }, fc.constant([]), fc.array(tie('route'), { maxLength: 3 })),
      },
      { requiredKeys: ['matchers'] },
    ),
  }));
  const foreign = ({ matchers, receivers, continue: continues, routes = [] }: RouteConfig): unknown => ({
    matchers,
    ...(receivers === undefined ? {} : { receiver: receivers[0] }),
    ...(continues === undefined ? {} : { continue: continues }),
    routes: routes.map(foreign),
  });
  let compared = 0;
  fc.assert(
    fc.property(
      fc.array(route, { maxLength: 4 }),
      fc.array(fc.dictionary(label, value, { maxKeys: 3 }), { minLength: 1, maxLength: 4 }),
      (routes, sets) => {
        const file = join(folder, 'alertmanager.yml');
        const receivers = ['root', 'r1', 'r2', 'r3', 'r4'].map((name) => ({ name }));
        writeFileSync(file, stringify({ route: { receiver: 'root', routes: routes.map(foreign) }, receivers }));
        for (const labels of sets) {
          // Empty values cannot be told from missing ones, in amtool as in Alertmanager.
          const given = Object.entries(labels).map(([name, text]) => `${name}=${text}`);
          const answer = spawnSync('amtool', ['config', 'routes', 'test', '--config.file', file, ...given], {
            encoding: 'utf8',
          });
          assert.equal(answer.status, 0, answer.stderr);
          assert.equal(
            receiversFor(routes, labels).join(','),
            answer.stdout.trim(),
            JSON.stringify({ routes, labels }),
          );
          compared += 1;
        }
      },
    ),
    { numRuns: 40 },
  );
  assert.ok(compared >= 40);
});

test('inhibition compares the equal labels, missing and empty alike, and two alerts of both sides leave each other alone', () => {
  const rules = inhibitRules([
    { source: ['severity="critical"'], target: ['severity=~"warning|critical"'], equal: ['cluster'] },
  ]);
  const [source] = sourceKeys(rules, { severity: 'critical', cluster: 'c1' });
  const target = (labels: Record<string, string>) => targetKeys(rules, labels)[0];
  assert.equal(target({ severity: 'warning', cluster: 'c1' })?.key, source);
  assert.notEqual(target({ severity: 'warning', cluster: 'c2' })?.key, source);
  assert.equal(target({ severity: 'warning' })?.key, sourceKeys(rules, { severity: 'critical', cluster: '' })[0]);
  assert.equal(target({ severity: 'info', cluster: 'c1' }), undefined);
  assert.equal(target({ severity: 'warning', cluster: 'c1' })?.counts({ severity: 'critical' }), true);
  assert.equal(target({ severity: 'critical', cluster: 'c1' })?.counts({ severity: 'critical' }), false);
});

test('a silence mutes from its start until its end', () => {
  const silence: Silence = {
    id: 's',
    matchers: 'alertname="A",cluster=~"c.*"',
    startsAt: '2026-01-01T00:00:00Z',
    endsAt: '2026-01-01T01:00:00Z',
    createdBy: 'carol',
    comment: '',
  };
  const at = (time: string, labels = { alertname: 'A', cluster: 'c1' }) =>
    silencedBy([silence], labels, Date.parse(time));
  assert.equal(at('2025-12-31T23:59:59Z'), undefined);
  assert.equal(at('2026-01-01T00:00:00Z'), 's');
  assert.equal(at('2026-01-01T00:59:59Z'), 's');
  assert.equal(at('2026-01-01T01:00:00Z'), undefined);
  assert.equal(at('2026-01-01T00:30:00Z', { alertname: 'A', cluster: 'd' }), undefined);
  assert.equal(silencedBy([{ ...silence, matchers: '{}' }], {}, Date.parse('2026-01-01T00:30:00Z')), undefined);
});

test('a time interval holds when each of its fields does, on the clock of its location', () => {
  const office = { times: [{ start: '09:00', end: '17:00' }], weekdays: ['monday:friday'] };
  const is = (interval: Parameters<typeof contains>[0], time: string) => contains(interval, Date.parse(time));
  assert.ok(is(office, '2026-11-24T09:00:00Z') && is(office, '2026-11-24T16:59:59Z'), 'a Tuesday');
  assert.ok(!is(office, '2026-11-24T17:00:00Z') && !is(office, '2026-11-24T08:59:59Z'));
  assert.ok(!is(office, '2026-11-22T12:00:00Z'), 'a Sunday');
  assert.ok(is({ ...office, location: 'Asia/Shanghai' }, '2026-11-24T01:00:00Z'));
  assert.ok(!is({ ...office, location: 'Asia/Shanghai' }, '2026-11-24T09:00:00Z'));
  assert.ok(is({ times: [{ start: '00:00', end: '24:00' }] }, '2026-11-24T23:59:00Z'));
  const lastDays = { daysOfMonth: ['-3:-1'] };
  assert.ok(is(lastDays, '2026-02-26T00:00:00Z') && is(lastDays, '2026-02-28T00:00:00Z'));
  assert.ok(!is(lastDays, '2026-02-25T23:59:59Z') && is(lastDays, '2028-02-29T00:00:00Z'));
  assert.ok(is({ daysOfMonth: ['25:31'] }, '2026-02-28T00:00:00Z'), 'clamped to the month');
  assert.ok(!is({ daysOfMonth: ['31'] }, '2026-02-28T00:00:00Z'));
  assert.ok(
    is({ daysOfMonth: ['1:-2'] }, '2026-02-27T00:00:00Z') && !is({ daysOfMonth: ['1:-2'] }, '2026-02-28T00:00:00Z'),
  );
  assert.ok(is({ months: ['january:march', '11'], years: ['2025:2026'] }, '2026-11-24T00:00:00Z'));
  assert.ok(
    !is({ months: ['january:march'] }, '2026-11-24T00:00:00Z') && !is({ years: ['2027'] }, '2026-11-24T00:00:00Z'),
  );
  assert.ok(is({}, '2026-11-24T00:00:00Z'), 'no field, no condition');
});

test('a route rests in its mute times and outside of its active ones', () => {
  const times = { night: [{ times: [{ start: '00:00', end: '06:00' }] }], week: [{ weekdays: ['monday:friday'] }] };
  const rests = (muteTimes: string[], activeTimes: string[], at: string) =>
    restsBy({ muteTimes, activeTimes }, times, Date.parse(at));
  assert.equal(rests(['night'], [], '2026-11-24T03:00:00Z'), 'mute time night');
  assert.equal(rests(['night'], [], '2026-11-24T06:00:00Z'), undefined);
  assert.equal(rests([], ['week'], '2026-11-22T12:00:00Z'), 'outside of week');
  assert.equal(rests([], ['week'], '2026-11-24T12:00:00Z'), undefined);
});

test('an interval that means nothing is refused, field by field', () => {
  const fields = (interval: object) => intervalProblems(interval).map(({ field }) => field);
  assert.deepEqual(fields({}), []);
  assert.deepEqual(
    fields({
      times: [
        { start: '17:00', end: '09:00' },
        { start: '9:00', end: '10:00' },
        { start: '00:00', end: '24:00' },
        { start: '00:00', end: '24:01' },
      ],
      weekdays: ['friday:monday', 'someday', 'monday'],
      daysOfMonth: ['0', '32', '5:1', '-1:-3', '-1:1', '1:-1'],
      months: ['13', 'march:january', '2:february'],
      years: ['x', '2026'],
      location: 'Nowhere/Town',
    }),
    [
      'times[0]',
      'times[1]',
      'times[3]',
      'weekdays[0]',
      'weekdays[1]',
      'months[0]',
      'months[1]',
      'years[0]',
      'daysOfMonth[0]',
      'daysOfMonth[1]',
      'daysOfMonth[2]',
      'daysOfMonth[3]',
      'daysOfMonth[4]',
      'location',
    ],
  );
});
