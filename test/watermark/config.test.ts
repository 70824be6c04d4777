import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWords } from '../../cdk/config/problem.ts';
import { checkWatermarks } from '../../cdk/config/watermarks.ts';
import type { WatermarksConfig } from '../../lib/model/config/watermarks.ts';

const good: WatermarksConfig = {
  rules: {
    PodFull: { gauge: 'pod-memory', high: 0.9, low: 0.8, forSeconds: 60, samples: { atLeast: 2, of: 3 } },
    QueueFull: { gauge: 'queue-backlog', selector: { queue: 'orders' } },
    DiskFull: { gauge: 'prometheus', query: 'disk_used / disk_size' },
    Pushed: { gauge: 'pushed', high: 5000 },
    Load: { gauge: 'cloudwatch', high: 80, metric: { namespace: 'AWS/RDS', name: 'CPUUtilization' } },
  },
  clusters: { prod: { eks: 'prod' }, local: { endpoint: 'env:KUBERNETES', tokenSecret: 'ssm:/k8s/token' } },
  queues: [{ arn: 'arn:aws:sqs:eu-central-1:123456789012:orders', capacity: 1000 }],
  prometheus: { main: { url: 'https://prometheus.example' } },
};

const words = (section: unknown) => checkWatermarks(section).map(inWords).join('\n');
const withRule = (rule: object) => words({ ...good, rules: { X: { gauge: 'pod-memory', ...rule } } });

test('a good section has no problems', () => {
  assert.equal(words(good), '');
  assert.equal(words({}), '');
});

test('each mistake is named with its place and what is allowed', () => {
  assert.match(withRule({ hihg: 0.9 }), /watermarks\.rules\.X\.hihg: is 0\.9; no such key; there are gauge, high, low/);
  assert.match(withRule({ gauge: 'pod-memroy' }), /rules\.X\.gauge: is "pod-memroy"; one of pod-memory, pod-cpu/);
  assert.match(withRule({ high: 90 }), /rules\.X\.high: is 90; pod-memory is a fraction.*did you mean 0\.9\?/);
  assert.match(withRule({ high: 0.8, low: 0.9 }), /rules\.X\.low: is 0\.9; a mark that is not above high \(0\.8\)/);
  assert.match(withRule({ low: 0.95 }), /not above high \(0\.9 by default\)/);
  assert.match(withRule({ forSeconds: '60' }), /forSeconds: is "60"; a number from 0/);
  assert.match(withRule({ samples: { atLeast: 4, of: 3 } }), /samples\.atLeast: is 4; a whole number from 1 to 3/);
  assert.match(withRule({ noData: 'ignore' }), /noData: is "ignore"; one of keep, ok, alert/);
  assert.match(
    withRule({ selector: { cluster: 'prd' } }),
    /selector\.cluster: is "prd"; one of the configured clusters is expected: prod, local/,
  );
  assert.match(withRule({ gauge: 'prometheus' }), /rules\.X\.query: is missing/);
  assert.match(withRule({ gauge: 'cloudwatch' }), /rules\.X\.metric: is missing/);
  assert.match(withRule({ gauge: 'queue-age' }), /its queues need `maxAgeSeconds`/);
  assert.match(words({ ...good, clusters: undefined }), /watermarks\.clusters: is missing/);
  assert.match(words({ ...good, clusters: { a: { eks: 'x', endpoint: 'https://y' } } }), /either `eks` or `endpoint`/);
  assert.match(words({ ...good, queues: [{ arn: 'orders', capacity: 1 }] }), /queues\[0\]\.arn: is "orders"; the ARN/);
  assert.match(
    words({ ...good, queues: [...(good.queues ?? []), ...(good.queues ?? [])] }),
    /queues\[1\]\.arn.*a queue whose name is not in the list already/,
  );
  const elsewhere = { arn: 'arn:aws:sqs:us-east-1:123456789012:orders', capacity: 1 };
  assert.match(
    words({ ...good, queues: [...(good.queues ?? []), elsewhere] }),
    /queues\[1\]\.arn.*a queue whose name is not in the list already/,
  );
  assert.match(words('x'), /watermarks: is "x"; an object/);
});

test('a typo is told the nearest name', () => {
  assert.match(withRule({ hihg: 0.9 }), /did you mean high\?$/);
  assert.match(withRule({ gauge: 'pod-memroy' }), /did you mean pod-memory\?$/m);
  assert.match(withRule({ selector: { namespce: 'shop' } }), /pod-memory has no such label.*did you mean namespace\?$/);
  assert.match(withRule({ selector: { cluster: 'pord' } }), /did you mean prod\?$/);
  assert.match(words({ ...good, queus: [] }), /watermarks\.queus: .*did you mean queues\?$/);
});

test('what means nothing to the gauge is no silent ornament', () => {
  assert.match(
    withRule({ query: 'up' }),
    /rules\.X\.query: is "up"; has no meaning for pod-memory, only for prometheus/,
  );
  assert.match(withRule({ gauge: 'queue-backlog', per: 'pod' }), /X\.per: is "pod"; has no meaning for queue-backlog/);
  assert.match(withRule({ noDataForSeconds: 60 }), /noDataForSeconds: is 60; has no meaning without noData: 'alert'/);
  assert.match(withRule({ selector: { container: 'app' } }), /selector\.container.*no such label/);
  assert.equal(withRule({ per: 'container', selector: { container: 'app' } }), '');
  assert.equal(withRule({ gauge: 'pushed', selector: { anything: 'x' } }), '');
});

test('where no default mark can be meant one is asked for', () => {
  const metric = { namespace: 'AWS/RDS', name: 'CPUUtilization' };
  assert.match(withRule({ gauge: 'cloudwatch', metric }), /X\.high: is missing; a mark in the unit of the metric/);
  assert.equal(withRule({ gauge: 'cloudwatch', metric: { ...metric, capacity: 100 } }), '');
  assert.match(
    withRule({ gauge: 'queue-drain', low: 5000 }),
    /X\.high: is missing; a high mark is expected beside the low/,
  );
});

test('a secret written where its reference belongs is not shown', () => {
  const text = words({ clusters: { a: { endpoint: 'https://y', tokenSecret: 'eyJhbGciOi' } } });
  assert.match(text, /tokenSecret/);
  assert.doesNotMatch(text, /eyJ/);
});

test('every problem is told at once', () => {
  assert.equal(
    checkWatermarks({ rules: { X: { gauge: 'x', high: -1, low: 'a', forSeconds: -1 } }, maxSeries: 0 }).length,
    5,
  );
});
