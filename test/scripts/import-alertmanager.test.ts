import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../../cdk/config.ts';
import { membershipsOf, routeTree } from '../../lib/alert/route.ts';
import { importAlertmanager } from '../../scripts/import-alertmanager.ts';

const yaml = `
global:
  resolve_timeout: 5m
  slack_api_url: https://hooks.slack.com/services/GLOBAL
templates: ['/etc/alertmanager/*.tmpl']
route:
  receiver: chat
  group_by: [alertname, cluster]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h30m
  routes:
    - matchers: [severity="critical", 'team=~"web|api"']
      receiver: oncall
      group_wait: 0s
      continue: true
      mute_time_intervals: [nights]
    - match: {service: db}
      match_re: {instance: 'db-[0-9]+'}
      receiver: mail
      routes:
        - receiver: nobody
    - matchers: ['{a="b", c!="d"}']
      group_by: ['...']
      active_time_intervals: [nights]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_match: {severity: warning}
    target_match_re: {alertname: 'Slow.*'}
    equal: [cluster]
  - target_matchers: [severity="info"]
time_intervals:
  - name: nights
    time_intervals:
      - times: [{start_time: '22:00', end_time: '24:00'}]
        weekdays: ['monday:friday', sunday]
        days_of_month: ['1:5', '-3:-1']
        months: [january, 3:5]
        years: [2026]
        location: Europe/Berlin
receivers:
  - name: chat
    slack_configs: [{api_url: 'https://hooks.slack.com/services/SECRET', channel: '#x', send_resolved: true}]
  - name: oncall
    pagerduty_configs: [{routing_key: SECRET}]
    webhook_configs:
      - {url: 'http://SECRET.internal/', send_resolved: false, http_config: {authorization: {credentials: SECRET}}}
      - {url: 'https://SECRET.example/'}
  - name: mail
    email_configs: [{to: a@example.com}]
  - name: nobody
`;

test('a configuration of Alertmanager becomes ours, checked and without its secrets', () => {
  const { alerts, unmapped } = importAlertmanager(yaml);
  assert.deepEqual(problemsOf({ alerts }), []);
  assert.ok(!JSON.stringify({ alerts, unmapped }).includes('SECRET'));
  assert.deepEqual(alerts, {
    receivers: {
      chat: { channel: 'slack', url: 'secretsmanager:alertmanager/chat/api-url' },
      'oncall-pagerduty': { channel: 'pagerduty', secret: 'secretsmanager:alertmanager/oncall/routing-key' },
      'oncall-webhook': {
        channel: 'webhook',
        url: 'secretsmanager:alertmanager/oncall-2/url',
        sendResolved: false,
        format: 'alertmanager',
        headers: { Authorization: 'secretsmanager:alertmanager/oncall/authorization' },
      },
      'oncall-webhook-2': {
        channel: 'webhook',
        url: 'secretsmanager:alertmanager/oncall-3/url',
        format: 'alertmanager',
      },
    },
    default: ['chat'],
    criticalWaitSeconds: 'grouped',
    groupBy: ['alertname', 'cluster'],
    groupWaitSeconds: 30,
    groupIntervalSeconds: 300,
    repeatIntervalSeconds: 5400,
    routes: [
      {
        matchers: ['severity="critical"', 'team=~"web|api"'],
        receivers: ['oncall-pagerduty', 'oncall-webhook', 'oncall-webhook-2'],
        groupWaitSeconds: 0,
        muteTimes: ['nights'],
        continue: true,
      },
      { matchers: ['service="db"', 'instance=~"db-[0-9]+"'], receivers: [], routes: [{ match: {}, receivers: [] }] },
      { matchers: ['a="b"', 'c!="d"'], groupBy: ['...'], activeTimes: ['nights'] },
    ],
    inhibit: [
      { source: ['severity="critical"'], target: ['severity="warning"', 'alertname=~"Slow.*"'], equal: ['cluster'] },
    ],
    times: {
      nights: [
        {
          times: [{ start: '22:00', end: '24:00' }],
          weekdays: ['monday:friday', 'sunday'],
          daysOfMonth: ['1:5', '-3:-1'],
          months: ['january', '3:5'],
          years: ['2026'],
          location: 'Europe/Berlin',
        },
      ],
    },
  });
  assert.deepEqual(
    unmapped.map(({ path }) => path),
    [
      'global',
      'templates',
      'receivers[0].slack_configs[0].api_url',
      'receivers[0].slack_configs[0].channel',
      'receivers[1].pagerduty_configs[0].routing_key',
      'receivers[1].webhook_configs[0].url',
      'receivers[1].webhook_configs[0].http_config',
      'receivers[1].webhook_configs[0].url',
      'receivers[1].webhook_configs[1].url',
      'receivers[2].email_configs',
      'receivers[2]',
      'inhibit_rules[1]',
    ],
  );
});

test('what is imported routes as it did', () => {
  const root = routeTree(importAlertmanager(yaml).alerts);
  const keys = (labels: Record<string, string>) =>
    membershipsOf(root, { labels }).map(({ groupKey, route }) => `${groupKey} ${route.receivers.join()}`);
  assert.deepEqual(keys({ alertname: 'A', severity: 'critical', team: 'web', service: 'db', instance: 'db-1' }), [
    '{}/{severity="critical",team=~"web|api"}:{alertname="A"} oncall-pagerduty,oncall-webhook,oncall-webhook-2',
    '{}/{instance=~"db-[0-9]+",service="db"}/{}:{alertname="A"} ',
  ]);
  assert.deepEqual(keys({ alertname: 'A', cluster: 'c' }), ['{}:{alertname="A", cluster="c"} chat']);
});

test('a file that Alertmanager would refuse is refused, with the place', () => {
  for (const [text, why] of [
    ['{', /is not YAML/],
    ['[]', /no mapping/],
    ['receivers: []', /route: is missing/],
    ['route: {receiver: x}\nreceivers: []', /route\.receiver: 'x' is no receiver/],
    ['route: {group_wait: soon}\nreceivers: []', /route\.group_wait: 'soon' is no duration/],
    ['route: {routes: [{matchers: ["a"]}]}', /route\.routes\[0\]\.matchers\[0\]: 'a' is no matcher/],
    ['route: {routes: [{match_re: {a: "("}}]}', /route\.routes\[0\]\.match_re\.a/],
    ['route: {routes: {}}', /route\.routes: a list/],
    ['route: {}\nreceivers: [{name: a}, {name: a}]', /'a' is there twice/],
  ] as const)
    assert.throws(() => importAlertmanager(text), why, text);
});

test('a file of Amazon Managed Service for Prometheus is opened, and one without receivers drops everything', () => {
  const { alerts } = importAlertmanager(
    'alertmanager_config: |\n  route: {receiver: none}\n  receivers: [{name: none}]\n',
  );
  assert.deepEqual([alerts.default, alerts.receivers], [[], {}]);
});

test('a resolve timeout other than the usual is kept', () => {
  const imported = (timeout: string) =>
    importAlertmanager(yaml.replace('resolve_timeout: 5m', `resolve_timeout: ${timeout}`)).alerts.inbound;
  assert.equal(imported('5m'), undefined);
  assert.deepEqual(imported('90s'), { resolveTimeoutSeconds: 90 });
  assert.throws(() => imported('soon'), /global.resolve_timeout.*'soon' is no duration/);
});
