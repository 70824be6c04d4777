import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPropagation } from '../../cdk/config/propagation.ts';
import { sources } from '../../lib/message/sources/index.ts';
import { formats } from '../../lib/propagation/formats/index.ts';

test('takes a full section, with every source and format', () => {
  const section = {
    extract: Object.keys(formats),
    inject: ['w3c'],
    custom: { fields: { traceId: 'my_trace_id' }, encoding: 'base64' },
    policy: 'continue',
    conflictLinks: true,
    baggage: ['tenant'],
    sources: Object.fromEntries(
      sources.map(({ name }) => [name, { policy: 'restart', trustedAccounts: ['111122223333'] }]),
    ),
  };
  assert.deepEqual(checkPropagation(section), []);
  assert.deepEqual(checkPropagation({}), []);
});

test('names every problem at once', () => {
  const section = {
    extract: ['w3c', 'jaeger'],
    inject: ['custom'],
    policy: 'stop',
    brokerLinks: 1,
    baggage: 3,
    sources: { sqs: { trustedAccounts: ['1'], polcy: 'x' }, carrier: {} },
    typo: 1,
  };
  assert.deepEqual(
    checkPropagation(section)
      .map(({ path }) => path)
      .sort(),
    [
      'propagation.baggage',
      'propagation.brokerLinks',
      'propagation.extract[1]',
      'propagation.inject',
      'propagation.policy',
      'propagation.sources.carrier',
      'propagation.sources.sqs.polcy',
      'propagation.sources.sqs.trustedAccounts',
      'propagation.typo',
    ],
  );
  assert.equal(checkPropagation('x').length, 1);
  assert.equal(checkPropagation({ custom: {} }).length, 1);
});
