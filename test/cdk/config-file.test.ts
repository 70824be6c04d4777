import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf, validated } from '../../cdk/config.ts';
import shop from '../../examples/shop/tidemark.config.ts';

test('an empty configuration and the shop are in order', () => {
  assert.deepEqual(problemsOf({}), []);
  assert.deepEqual(problemsOf(shop), []);
});

test('every problem is told at once, with path, actual value and what is allowed', () => {
  const wrong = {
    trace: {},
    traces: {
      partitions: 0,
      thresholds: { errorShare: 15, speed: 1, sigmas: 0 },
      detectors: ['long-tail', 'gut feeling'],
      baselineWindows: 121,
    },
    alerts: { receivers: { a: { channel: 'fax', url: 'https://x', fallback: 'a' } }, default: ['b'] },
  };
  assert.throws(
    () => validated(wrong),
    (thrown: Error) => {
      for (const part of [
        'trace: is {}; no such section',
        'traces.partitions: is 0; a whole number from 1 to 64',
        'traces.thresholds.errorShare: is 15; a number from 0 to 1',
        'traces.thresholds.speed: is 1; no such key',
        'traces.thresholds.sigmas: is 0; a number from 1 to 20',
        'traces.detectors[1]: is "gut feeling"; a list of error-burst',
        'traces.baselineWindows: is 121; a whole number from 0 to 120',
        'alerts.receivers.a.channel: is "fax"',
        'alerts.receivers.a.fallback',
        'alerts.default[0]: is "b"; no such receiver',
      ]) {
        assert.ok(thrown.message.includes(part), `${part}\n${thrown.message}`);
      }
      return true;
    },
  );
});

test('a channel, or a fallback, that is misspelt is told the nearest', () => {
  const allowed = (receivers: object) =>
    problemsOf({ alerts: { receivers, default: ['a'] } }).map((each) => each.allowed);
  for (const [given, meant] of [
    ['dingding', 'dingtalk'],
    ['Slack', 'slack'],
    ['pager-duty', 'pagerduty'],
    ['wecon', 'wecom'],
    ['feishuu', 'feishu'],
    ['msteams', 'teams'],
    ['web-hook', 'webhook'],
  ])
    assert.match(
      allowed({ a: { channel: given, url: 'ssm:x' } })[0] ?? '',
      new RegExp(`did you mean ${meant}\\?$`),
      given,
    );
  assert.doesNotMatch(allowed({ a: { channel: 'fax', url: 'ssm:x' } })[0] ?? '', /did you mean/);
  const a = { channel: 'slack', url: 'ssm:x', fallback: 'oncal' };
  assert.match(allowed({ a, oncall: { channel: 'slack', url: 'ssm:y' } })[0] ?? '', /did you mean oncall\?/);
});

test('a secret in the wrong place is not repeated', () => {
  const [problem] = problemsOf({
    alerts: { receivers: { a: { channel: 'wecom', url: 'https://qyapi.weixin.qq.com/?key=s3cret' } }, default: ['a'] },
  });
  assert.ok(problem !== undefined && !JSON.stringify(problem).includes('s3cret'));
});

test('every option of receivers, targets and inbound alerts is checked', () => {
  const receivers = { a: { channel: 'webhook', url: 'https://hooks.example/x' } };
  const said = (alerts: object) =>
    problemsOf({ alerts: { receivers, default: ['a'], ...alerts } }).map(
      ({ path, actual }) => `${path} ${JSON.stringify(actual)}`,
    );
  const receiver = (fields: object) => said({ receivers: { a: { ...receivers.a, ...fields } } });
  const robot = (fields: object) => said({ receivers: { a: { channel: 'wecom', url: 'ssm:url', ...fields } } });
  assert.deepEqual(receiver({}), []);
  assert.deepEqual(
    receiver({
      secret: ['ssm:new', 'secretsmanager:old'],
      sendResolved: false,
      format: 'alertmanager',
      headers: { 'X-Team': 'core', Authorization: 'ssm:token' },
    }),
    [],
  );
  assert.deepEqual(
    robot({ mention: ['carol'], sendResolved: false, language: 'zh', template: '{{summary}}', picture: true }),
    [],
  );
  for (const [fields, problem] of [
    [{ mention: 'carol' }, 'mention "carol"'],
    [{ language: 'de' }, 'language "de"'],
    [{ template: '' }, 'template ""'],
    [{ template: '{{labels.pod' }, 'template "{{labels.pod"'],
    [{ template: '{{summry}}' }, 'template "{{summry}}"'],
    [{ template: '{{#summary}}' }, 'template "{{#summary}}"'],
    [{ template: '{{/summary}}' }, 'template "{{/summary}}"'],
    [{ template: 7 }, 'template 7'],
    [{ template: () => 7 }, 'template "a function"'],
    [{ template: () => JSON.parse('{') }, 'template "a function"'],
    [{ picture: 1 }, 'picture 1'],
    [{ secret: 's3cret' }, 'secret "(hidden)"'],
    [{ format: 'tidemark' }, 'format "tidemark"'],
    [{ url: 'https://qyapi.weixin.qq.com/?key=s3cret' }, 'url "(hidden)"'],
    [{ fallback: 'a' }, 'fallback "a"'],
  ] as const)
    assert.deepEqual(robot(fields), [`alerts.receivers.a.${problem}`], JSON.stringify(fields));
  assert.deepEqual(said({ receivers: { a: { channel: 'pagerduty' } } }), ['alerts.receivers.a.secret undefined']);
  assert.deepEqual(said({ receivers: { a: { channel: 'opsgenie', secret: 'ssm:key' } } }), []);
  assert.deepEqual(
    said({
      receivers: { a: { channel: 'pagerduty', secret: 'ssm:k', url: 'https://events.eu.pagerduty.com/v2/enqueue' } },
    }),
    [],
  );
  for (const [fields, problem] of [
    [{ secret: 'plain' }, 'secret "(hidden)"'],
    [{ secret: [] }, 'secret "(hidden)"'],
    [{ secret: ['ssm:a', 'plain'] }, 'secret "(hidden)"'],
    [{ sendResolved: 'no' }, 'sendResolved "no"'],
    [{ format: 'xml' }, 'format "xml"'],
    [{ headers: [] }, 'headers []'],
    [{ headers: { 'a b': 'x' } }, 'headers.a b "a b"'],
    [{ headers: { a: 'x\r\ny' } }, 'headers.a "(hidden)"'],
    [{ headers: { 'X-Api-Key': 'plain' } }, 'headers.X-Api-Key "(hidden)"'],
    [{ url: 'http://hooks.example/x' }, 'url "(hidden)"'],
    [{ url: 'https://user:pass@hooks.example/x' }, 'url "(hidden)"'],
    [{ url: undefined }, 'url undefined'],
    [{ colour: 'red' }, 'colour "red"'],
  ] as const)
    assert.deepEqual(receiver(fields), [`alerts.receivers.a.${problem}`], JSON.stringify(fields));
  const targets = [
    'alerts.internal',
    'alerts.internal:8443',
    '10.0.3.0/24',
    '10.0.3.7:9093',
    '10.0.3.0/24:9093',
    'fd00::/8',
    '[fd00::7]:9093',
  ];
  assert.deepEqual(said({ allowTargets: targets }), []);
  for (const bad of [
    '',
    'http://x',
    '10.0.3.0/33',
    '10.0.3.7:0',
    '10.0.3.7:65536',
    'a b',
    'alerts.internal/24',
    '300.1.1.1',
    7,
  ])
    assert.deepEqual(said({ allowTargets: [bad] }), [`alerts.allowTargets[0] ${JSON.stringify(bad)}`]);
  assert.deepEqual(said({ allowTargets: 'x' }), ['alerts.allowTargets "x"']);
  assert.deepEqual(said({ traceUrl: 'https://traces.example/{traceId}' }), []);
  assert.deepEqual(said({ traceUrl: 'https://traces.example' }), ['alerts.traceUrl "https://traces.example"']);
  const topic = 'arn:aws:sns:eu-central-1:123456789012:alarms';
  assert.deepEqual(
    said({
      inbound: {
        bearer: ['ssm:a', 'ssm:b'],
        hmac: 'ssm:c',
        topics: [topic],
        cloudwatchAlarms: ['x'],
        resolveTimeoutSeconds: 86_400,
      },
    }),
    [],
  );
  for (const [inbound, problem] of [
    ['x', ' "x"'],
    [{ bearer: 'plain' }, '.bearer "(hidden)"'],
    [{ hmac: [] }, '.hmac "(hidden)"'],
    [{ topics: [`${topic}.fifo`] }, `.topics ${JSON.stringify([`${topic}.fifo`])}`],
    [{ cloudwatchAlarms: [] }, '.cloudwatchAlarms []'],
    [{ resolveTimeoutSeconds: 0 }, '.resolveTimeoutSeconds 0'],
    [{ resolveTimeoutSeconds: 86_401 }, '.resolveTimeoutSeconds 86401'],
    [{ token: 1 }, '.token 1'],
  ] as const)
    assert.deepEqual(said({ inbound }), [`alerts.inbound${problem}`]);
});

test('anything at all is answered, never thrown at', () => {
  for (const odd of [
    null,
    1,
    'x',
    [],
    { alerts: null },
    { alerts: [] },
    { traces: 'x' },
    { watermarks: 7 },
    { propagation: [] },
    { telemetry: 0 },
  ]) {
    assert.ok(problemsOf(odd).length > 0, JSON.stringify(odd));
  }
});
