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
    traces: { partitions: 0, thresholds: { errorShare: 15, speed: 1 } },
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

test('a secret in the wrong place is not repeated', () => {
  const [problem] = problemsOf({
    alerts: { receivers: { a: { channel: 'wecom', url: 'https://qyapi.weixin.qq.com/?key=s3cret' } }, default: ['a'] },
  });
  assert.ok(problem !== undefined && !JSON.stringify(problem).includes('s3cret'));
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
