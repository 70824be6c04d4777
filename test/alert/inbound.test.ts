import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { looseJson } from '../../lib/alert/inbound/loose-json.ts';
import { type Arrival, readAlerts } from '../../lib/alert/inbound.ts';
import { alert, fingerprint } from '../../lib/model/alert.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const read = (value: unknown) => readAlerts(typeof value === 'string' ? value : JSON.stringify(value), now);
const alertsIn = (value: unknown): readonly Arrival[] => {
  const found = read(value);
  assert.ok('alerts' in found, JSON.stringify(found));
  return found.alerts;
};
const theAlert = (value: unknown): Arrival => {
  const [first, ...others] = alertsIn(value);
  assert.equal(others.length, 0);
  assert.ok(first !== undefined);
  return first;
};
const errorOf = (value: unknown): string => {
  const found = read(value);
  assert.ok('error' in found, JSON.stringify(found));
  return found.error;
};

const posted = {
  status: 'firing',
  labels: { alertname: 'HighLatency', severity: 'critical', service: 'checkout' },
  annotations: { summary: 'p99 is 2 s', runbook_url: 'https://run.example/latency' },
  startsAt: '2026-01-01T11:58:00.123456789Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'https://prometheus.example/graph?g0.expr=x',
  fingerprint: 'ffffffffffffffff',
};
const webhook = {
  receiver: 'tidemark',
  status: 'firing',
  alerts: [posted],
  groupLabels: { alertname: 'HighLatency' },
  commonLabels: posted.labels,
  commonAnnotations: posted.annotations,
  externalURL: 'https://alertmanager.example',
  version: '4',
  groupKey: '{}:{alertname="HighLatency"}',
  truncatedAlerts: 0,
};

test('Alertmanager: a webhook is read alert by alert, and year 1 means that an alert has not ended', () => {
  const firing = theAlert(webhook);
  assert.deepEqual(
    firing,
    alert({
      status: 'firing',
      labels: posted.labels,
      annotations: posted.annotations,
      startsAt: '2026-01-01T11:58:00.123Z',
      generatorURL: posted.generatorURL,
    }),
  );
  const ended = { ...posted, status: 'resolved', endsAt: '2026-01-01T13:59:00+02:00' };
  const both = alertsIn({ ...webhook, status: 'resolved', alerts: [posted, ended] });
  assert.deepEqual(
    both.map(({ status, endsAt }) => [status, endsAt]),
    [
      ['firing', undefined],
      ['resolved', '2026-01-01T11:59:00.000Z'],
    ],
  );
  assert.equal(both[0]?.fingerprint, both[1]?.fingerprint);
});

test('Alertmanager: an alert without a name or severity is known by the identity that it has there', () => {
  const labels = { job: 'node', instance: 'a' };
  const bare = theAlert({ ...webhook, alerts: [{ ...posted, labels }] });
  assert.deepEqual(bare.labels, { alertname: 'unnamed', severity: 'warning', ...labels });
  assert.equal(bare.fingerprint, fingerprint(labels));
  const pages = ['page', 'ticket'].map((severity) =>
    theAlert({ ...webhook, alerts: [{ ...posted, labels: { ...labels, severity } }] }),
  );
  assert.notEqual(pages[0]?.fingerprint, pages[1]?.fingerprint, 'what differs in severity alone is not one alert');
  assert.equal(pages[0]?.labels['severity'], 'page', 'routes that ask for it find it');
});

test('Alertmanager: one bad alert of several is refused alone, and what was left out is told', () => {
  const found = read({
    ...webhook,
    truncatedAlerts: 7,
    alerts: [posted, null, { ...posted, labels: {} }, { ...posted, status: 'odd' }],
  });
  assert.ok('alerts' in found);
  assert.equal(found.alerts.length, 1);
  assert.deepEqual(
    found.refused?.map(({ where, reason }) => `${where} ${reason}`),
    [
      'alerts[1] is not an object',
      'alerts[2] has no labels',
      'alerts[3] status is neither firing nor resolved',
      'truncatedAlerts 7 more alerts were left out by the sender; see max_alerts there',
    ],
  );
});

test('Grafana: the same form, and its own fields become annotations', () => {
  const grafana = {
    ...webhook,
    version: '1',
    orgId: 1,
    title: '[FIRING:1]',
    state: 'alerting',
    message: '**Firing**',
    alerts: [
      {
        ...posted,
        values: { A: 44.25, B: 0 },
        valueString: "[ var='A' labels={} value=44.25 ]",
        silenceURL: 'https://grafana.example/alerting/silence/new',
        dashboardURL: 'https://grafana.example/d/x',
        panelURL: 'https://grafana.example/d/x?viewPanel=1',
        imageURL: '',
      },
    ],
  };
  const { annotations, fingerprint: id } = theAlert(grafana);
  assert.deepEqual(annotations, {
    ...posted.annotations,
    values: 'A=44.25 B=0',
    valueString: "[ var='A' labels={} value=44.25 ]",
    silenceURL: 'https://grafana.example/alerting/silence/new',
    dashboardURL: 'https://grafana.example/d/x',
    panelURL: 'https://grafana.example/d/x?viewPanel=1',
  });
  assert.equal(id, fingerprint(posted.labels));
});

test('Prometheus: a list posted as to Alertmanager; an alert has ended when its end has passed', () => {
  const { status: _, ...plain } = posted;
  const list = alertsIn([
    { ...plain, endsAt: '2026-01-01T12:04:00Z' },
    { ...plain, endsAt: '2026-01-01T12:00:00Z', labels: { ...plain.labels, empty: '' } },
  ]);
  assert.deepEqual(
    list.map(({ status, endsAt }) => [status, endsAt]),
    [
      ['firing', undefined],
      ['resolved', '2026-01-01T12:00:00.000Z'],
    ],
  );
  assert.equal(list[0]?.fingerprint, list[1]?.fingerprint, 'an empty label is none');
  assert.deepEqual(
    list.map(({ expiresAt }) => expiresAt),
    [Date.parse('2026-01-01T12:04:00Z'), undefined],
  );
  const { startsAt: __, ...startless } = plain;
  const begun = theAlert([startless]);
  assert.deepEqual([begun.startsAt, begun.startIsUnknown], ['2026-01-01T12:00:00.000Z', true]);
  assert.match(errorOf([]), /empty list/);
  assert.match(errorOf([{}]), /body\[0\] has no labels/);
});

const arn = 'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:CPU too high';
const state = (value: string, timestamp: string, fields: object = {}) => ({
  value,
  reason: `is ${value}`,
  timestamp,
  ...fields,
});
const event = (detail: object) => ({
  version: '0',
  id: '00000000-0000-0000-0000-000000000001',
  'detail-type': 'CloudWatch Alarm State Change',
  source: 'aws.cloudwatch',
  account: '123456789012',
  time: '2026-01-01T11:59:59Z',
  region: 'eu-central-1',
  resources: [arn],
  detail: { alarmName: 'CPU too high', configuration: { description: 'Look at the pods', metrics: [] }, ...detail },
});
const message = (fields: object) => ({
  AlarmName: 'CPU too high',
  AlarmDescription: 'Look at the pods',
  AWSAccountId: '123456789012',
  AlarmArn: arn,
  NewStateReason: 'Threshold Crossed',
  Region: 'EU (Frankfurt)',
  Trigger: { MetricName: 'CPUUtilization', Namespace: 'AWS/EC2', Dimensions: [{ name: 'InstanceId', value: 'i-1' }] },
  ...fields,
});
const notification = (inner: unknown, fields: object = {}) => ({
  Type: 'Notification',
  MessageId: 'm',
  TopicArn: 'arn:aws:sns:eu-central-1:123456789012:alarms',
  Subject: 'ALARM',
  Message: typeof inner === 'string' ? inner : JSON.stringify(inner),
  Timestamp: '2026-01-01T12:00:01.000Z',
  MessageAttributes: {},
  ...fields,
});

test('CloudWatch: ALARM and OK of one alarm meet, by EventBridge and by SNS, and an end knows its beginning', () => {
  const up = theAlert(
    event({
      state: state('ALARM', '2026-01-01T11:50:00.000+0000'),
      previousState: state('OK', '2026-01-01T11:00:00.000+0000'),
    }),
  );
  const down = theAlert(
    event({
      state: state('OK', '2026-01-01T11:59:00.000+0000'),
      previousState: state('ALARM', '2026-01-01T11:50:00.000+0000'),
    }),
  );
  assert.deepEqual([up.status, up.startsAt, up.endsAt], ['firing', '2026-01-01T11:50:00.000Z', undefined]);
  assert.deepEqual(
    [down.status, down.startsAt, down.endsAt],
    ['resolved', '2026-01-01T11:50:00.000Z', '2026-01-01T11:59:00.000Z'],
  );
  assert.deepEqual(up.labels, {
    alertname: 'CPU too high',
    severity: 'warning',
    alarm_arn: arn,
    account: '123456789012',
    region: 'eu-central-1',
  });
  assert.deepEqual(up.annotations, { summary: 'is ALARM', description: 'Look at the pods' });
  assert.match(
    up.generatorURL ?? '',
    /^https:\/\/eu-central-1\.console\.aws\.amazon\.com\/cloudwatch\/.*CPU%20too%20high$/,
  );
  const bySns = theAlert(
    notification(
      message({ NewStateValue: 'ALARM', OldStateValue: 'OK', StateChangeTime: '2026-01-01T11:50:00.000+0000' }),
    ),
  );
  assert.deepEqual([bySns.fingerprint, bySns.startsAt, bySns.startIsUnknown], [up.fingerprint, up.startsAt, undefined]);
  const again = theAlert(
    notification(
      message({ NewStateValue: 'ALARM', OldStateValue: 'ALARM', StateChangeTime: '2026-01-01T11:55:00.000+0000' }),
    ),
  );
  assert.equal(again.startIsUnknown, true);
  const ended = theAlert(
    notification(
      message({ NewStateValue: 'OK', OldStateValue: 'ALARM', StateChangeTime: '2026-01-01T11:59:00.000+0000' }),
    ),
  );
  assert.deepEqual([ended.status, ended.endsAt, ended.startIsUnknown], ['resolved', '2026-01-01T11:59:00.000Z', true]);
  assert.equal(up.fingerprint, fingerprint(up.labels));
});

test('CloudWatch: an alarm without its ARN gets it from its account, its topic’s region and its name', () => {
  const { AlarmArn: _, ...older } = message({
    NewStateValue: 'ALARM',
    StateChangeTime: '2026-01-01T11:50:00.000+0000',
  }) as Record<string, unknown>;
  assert.equal(theAlert(notification(older)).labels['alarm_arn'], arn);
});

test('CloudWatch: INSUFFICIENT_DATA says nothing, and what is no alarm is refused', () => {
  assert.deepEqual(alertsIn(event({ state: state('INSUFFICIENT_DATA', '2026-01-01T11:50:00.000+0000') })), []);
  assert.deepEqual(alertsIn(message({ NewStateValue: 'INSUFFICIENT_DATA' })), []);
  assert.match(errorOf({ ...event({ state: state('OK', '') }), resources: [] }), /without a name or ARN/);
});

test('CloudWatch: tags say how bad an alarm is and where its runbook is, and not which alarm it is', () => {
  const plain = theAlert(event({ state: state('ALARM', '2026-01-01T11:50:00Z') }));
  const tagged = theAlert(
    event({
      state: state('ALARM', '2026-01-01T11:50:00Z'),
      alarmTags: { Severity: 'Critical', runbook_url: 'https://run.example' },
      alarmTagsStatus: 'SUCCESS',
    }),
  );
  assert.equal(tagged.labels['severity'], 'critical');
  assert.equal(tagged.annotations['runbook_url'], 'https://run.example');
  assert.equal(tagged.fingerprint, plain.fingerprint);
  const bySns = theAlert(message({ NewStateValue: 'ALARM', AlarmTags: { severity: 'info' } }));
  assert.deepEqual([bySns.labels['severity'], bySns.fingerprint], ['info', plain.fingerprint]);
});

test('CloudWatch: each series of an alarm that looks at many is an alert of its own', () => {
  const contributor = (id: string, TableName: string) =>
    theAlert({
      ...event({
        state: state('ALARM', '2026-01-01T11:50:00Z'),
        alarmContributor: { id, attributes: { TableName, region: 'x' } },
      }),
      'detail-type': 'CloudWatch Alarm Contributor State Change',
    });
  const [a, b] = [contributor('6d442278dba546f6', 'carts'), contributor('7d442278dba546f6', 'orders')];
  assert.notEqual(a.fingerprint, b.fingerprint);
  assert.deepEqual(
    [a.labels['TableName'], a.labels['contributor'], a.labels['region']],
    ['carts', '6d442278dba546f6', 'eu-central-1'],
  );
});

test('CloudWatch: an alarm that invokes the function is read as well', () => {
  const { detail, ...rest } = event({ state: state('ALARM', '2026-01-01T11:50:00Z') });
  const action = {
    source: rest.source,
    alarmArn: arn,
    accountId: rest.account,
    time: rest.time,
    region: rest.region,
    alarmData: detail,
  };
  assert.equal(
    theAlert(action).fingerprint,
    theAlert(event({ state: state('ALARM', '2026-01-01T11:50:00Z') })).fingerprint,
  );
});

test('an SNS message is the same bare, in its envelope, in a Lambda event, and wrapped once more', () => {
  const bare = message({ NewStateValue: 'ALARM', StateChangeTime: '2026-01-01T11:50:00.000+0000' });
  const expected = theAlert(bare);
  for (const body of [
    notification(bare),
    { Records: [{ EventSource: 'aws:sns', Sns: notification(bare) }] },
    notification(notification(bare)),
    JSON.stringify(JSON.stringify(bare)),
  ])
    assert.deepEqual(theAlert(body), expected);
  let deep: unknown = bare;
  for (let layer = 0; layer < 6; layer += 1) deep = notification(deep);
  assert.match(errorOf(deep), /wrapped too often/);
});

test('a subscription is never confirmed, whatever it says', () => {
  const confirmation = {
    ...notification('You have chosen to subscribe'),
    Type: 'SubscriptionConfirmation',
    SubscribeURL: 'http://169.254.169.254/',
  };
  assert.match(errorOf(confirmation), /SubscriptionConfirmation: subscribe the alerts queue/);
});

/** What the JSON template in AWS' documentation makes of alerts: values go in as they are. */
const template = (
  alerts: readonly { status: string; labels: object; annotations: object; startsAt: string; endsAt: string }[],
) => {
  const pairs = (object: object) =>
    Object.entries(object)
      .map(([name, value]) => `"${name}": "${value}"`)
      .join(', ');
  const each = alerts.map(
    ({ status, labels, annotations, startsAt, endsAt }) =>
      `{"status": "${status}","labels": {${pairs(labels)}},"annotations": {${pairs(annotations)}},"startsAt": "${startsAt}","endsAt": "${endsAt}","generatorURL": "/graph?g0.expr=up+%3D%3D+0","fingerprint": "d1cc0e45aeb51f29"}`,
  );
  return `{"receiver": "sns","status": "firing","alerts": [${each.join(', ')}],"groupLabels": {"alertname": "Down"},"commonLabels": {"alertname": "Down"}}`;
};
const goTime = '2026-01-01 11:50:00.123456789 +0000 UTC';
const goZero = '0001-01-01 00:00:00 +0000 UTC';

test('Amazon Managed Prometheus: the documented template is read, whatever stands in its values', () => {
  for (const summary of [
    'plain',
    'the pod "web-1" is down',
    '"quoted"',
    'two\nlines\tand a \\ backslash \\" or C:\\temp',
    'a "b", c',
    'ends with a quote"',
    '{"json": [1, 2]}',
    '温度 "高" 🔥',
  ]) {
    const labels = { alertname: 'Down', severity: 'critical', pod: 'web-1' };
    const body = template([
      { status: 'firing', labels, annotations: { summary, zz: 'last' }, startsAt: goTime, endsAt: goZero },
      {
        status: 'resolved',
        labels: { ...labels, pod: 'web-2' },
        annotations: {},
        startsAt: goTime,
        endsAt: '2026-01-01 11:55:00 +0000 UTC',
      },
    ]);
    const [down, up, ...others] = alertsIn(notification(body));
    assert.equal(others.length, 0);
    assert.deepEqual([down?.annotations['summary'], down?.annotations['zz']], [summary, 'last']);
    assert.deepEqual(
      [down?.startsAt, down?.endsAt, down?.fingerprint],
      ['2026-01-01T11:50:00.123Z', undefined, fingerprint(labels)],
    );
    assert.deepEqual([up?.status, up?.endsAt, up?.labels['pod']], ['resolved', '2026-01-01T11:55:00.000Z', 'web-2']);
  }
});

test('Amazon Managed Prometheus: of a message that was cut off, the whole alerts are read and the rest is told', () => {
  const one = (pod: string) => ({
    status: 'firing',
    labels: { alertname: 'Down', pod },
    annotations: { summary: 'a "b"' },
    startsAt: goTime,
    endsAt: goZero,
  });
  const whole = template([one('1'), one('2'), one('3')]);
  const third = whole.indexOf('"pod": "3"');
  for (let end = third; end < whole.indexOf('"groupLabels"') - 4; end += 7) {
    const found = read(notification(whole.slice(0, end)));
    assert.ok('alerts' in found, whole.slice(0, end));
    assert.deepEqual(
      found.alerts.map(({ labels }) => labels['pod']),
      ['1', '2'],
      whole.slice(third, end),
    );
    assert.match(found.refused?.[0]?.reason ?? '', /cut off/);
  }
});

test('Amazon Managed Prometheus: a comma too many and no times, as some templates write', () => {
  const found = theAlert(
    '{"receiver":"sns","source":"prometheus","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"Down"},}]}',
  );
  assert.deepEqual([found.labels['alertname'], found.startIsUnknown], ['Down', true]);
});

test('Amazon Managed Prometheus: the plain text of the default template is read', () => {
  const body = [
    'the node is down',
    'Alerts Firing:',
    '    Labels:',
    ' - alertname = Down',
    ' - severity = critical',
    ' - expr = a = b',
    'Annotations:',
    ' - description = first line',
    'second line',
    ' - summary = it is "down"',
    'Source: /graph?g0.expr=up',
    'Labels:',
    ' - alertname = Slow',
    'Annotations:',
    'Source: ',
    '',
    'Alerts Resolved:',
    '    Labels:',
    ' - alertname = Full',
    'Annotations:',
    ' - summary = full',
    'Source: /graph?g0.expr=disk',
    '',
  ].join('\n');
  const [down, slow, full, ...others] = alertsIn(notification(body));
  assert.equal(others.length, 0);
  assert.deepEqual(down?.labels, { alertname: 'Down', severity: 'critical', expr: 'a = b' });
  assert.deepEqual(down?.annotations, { description: 'first line\nsecond line', summary: 'it is "down"' });
  assert.deepEqual(
    [down?.startsAt, down?.startIsUnknown, down?.generatorURL],
    ['2026-01-01T12:00:01.000Z', true, '/graph?g0.expr=up'],
  );
  assert.deepEqual(slow?.labels, { severity: 'warning', alertname: 'Slow' });
  assert.deepEqual([full?.status, full?.endsAt], ['resolved', '2026-01-01T12:00:01.000Z']);
});

test('our own alerts: alone, in a list, as a bus event; what is none says why', () => {
  const own = alert({
    status: 'firing',
    labels: { alertname: 'a', severity: 'info' },
    annotations: {},
    startsAt: '2026-01-01T00:00:00.000Z',
  });
  assert.deepEqual(theAlert(own), own);
  assert.deepEqual(alertsIn([own, own]), [own, own]);
  assert.deepEqual(theAlert({ 'detail-type': 'Alert', source: 'tidemark.x', detail: { ...own, _trace: {} } }), own);
  assert.match(errorOf({ ...own, status: 'odd' }), /neither firing nor resolved/);
  assert.match(errorOf({ ...own, startsAt: 'yesterday' }), /RFC 3339/);
  assert.match(errorOf({ ...own, labels: {} }), /alertname/);
  assert.match(errorOf('secret-token'), /^is not JSON$/, 'without what stands in it');
});

test('no body makes the readers throw, and every alert that they find is whole', () => {
  const whole = (body: string) => {
    const found = readAlerts(body, now);
    if ('error' in found) return void assert.equal(typeof found.error, 'string');
    for (const each of found.alerts) {
      assert.ok(each.status === 'firing' || each.status === 'resolved');
      assert.ok((each.labels['alertname'] ?? '') !== '' && (each.labels['severity'] ?? '') !== '');
      assert.match(each.fingerprint, /^[0-9a-f]{16}$/);
      assert.ok(!Number.isNaN(Date.parse(each.startsAt)));
      assert.deepEqual(JSON.parse(JSON.stringify(each)), each);
    }
  };
  const seeds = [
    webhook,
    event({ state: state('ALARM', '2026-01-01T11:50:00Z') }),
    notification(message({ NewStateValue: 'OK' })),
    [posted],
    posted,
  ];
  /** A sample of which parts are exchanged for anything. */
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.jsonValue()), { maxLength: 4 }))
    .map(([sample, changes]) => {
      const copy = JSON.parse(JSON.stringify(sample)) as Record<string, unknown>;
      for (const [where, value] of changes) {
        const holders: Record<string, unknown>[] = [];
        const visit = (each: unknown): void => {
          if (typeof each !== 'object' || each === null) return;
          holders.push(each as Record<string, unknown>);
          Object.values(each).forEach(visit);
        };
        visit(copy);
        const holder = holders[where % holders.length] ?? copy;
        const names = Object.keys(holder);
        if (names.length > 0) holder[names[where % names.length] as string] = value;
      }
      return JSON.stringify(copy);
    });
  const text = template([
    { status: 'firing', labels: { alertname: 'a' }, annotations: { s: 'x"y' }, startsAt: goTime, endsAt: goZero },
  ]);
  const torn = fc
    .tuple(fc.nat(text.length), fc.nat(text.length), fc.string({ unit: 'binary', maxLength: 8 }))
    .map(([from, to, between]) => text.slice(0, from) + between + text.slice(to));
  fc.assert(fc.property(fc.oneof(mutated, torn, fc.json(), fc.string({ unit: 'binary' })), whole), { numRuns: 3000 });
});

test('almost-JSON of any form is read to its end', () => {
  for (const part of ['"', '{', '[', '" ', '","', '"a":"', '\\', ' ', '"}', '",{', '{"a":']) {
    const long = part.repeat(200_000 / part.length);
    for (const text of [`{"a":"${long}`, long]) assert.equal(typeof looseJson(text).isCut, 'boolean');
  }
});
