import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { problemsOf } from '../../cdk/config.ts';
import { Tidemark } from '../../cdk/tidemark.ts';
import type { TraceMetricsConfig } from '../../lib/model/config/traces.ts';

const workspace = 'ws-12345678-0000-4000-8000-000000000000';
const metrics = {
  remoteWrite: {
    url: `https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/${workspace}/api/v1/remote_write`,
    sigv4Region: 'eu-central-1',
  },
  otlp: { url: 'http://collector:4318/v1/metrics', headers: { 'api-key': 'secretsmanager:vendor/key', team: 'shop' } },
} as const satisfies TraceMetricsConfig;

const policies = (traces: object): string => {
  const { functions } = new Tidemark(new App(), 'Tidemark', { config: { traces }, bundling: false });
  return JSON.stringify(Template.fromStack(functions).findResources('AWS::IAM::Policy'));
};

test('the scoring function may write to the workspace and read the secrets that are named, and nothing of it without', () => {
  const granted = policies({ metrics });
  assert.match(granted, /"aps:RemoteWrite"/);
  assert.match(granted, new RegExp(`:aps:eu-central-1:[^*]*workspace/${workspace}`));
  assert.match(granted, /secret:vendor\/key-\?\?\?\?\?\?/);
  assert.ok(!/aps:RemoteWrite|GetSecretValue/.test(policies({})));
});

test('what is wrong with metrics is told all at once, secrets unseen', () => {
  assert.deepEqual(problemsOf({ traces: { metrics } }), []);
  const problems = problemsOf({
    traces: {
      metrics: {
        emf: 1,
        maxSeries: 101,
        more: 1,
        otlp: {
          url: 'collector:4318',
          temporality: 'both',
          histogram: 'native',
          headers: { Authorization: 'Bearer hunter2' },
        },
        remoteWrite: {
          url: 'https://me:hunter2@host/',
          tokenSecret: 'hunter2',
          sigv4Region: 'home',
          timeoutMs: 0,
          protobufMessage: 'v2',
        },
      },
    },
  });
  assert.deepEqual(
    problems.map(({ path }) => path.replace('traces.metrics.', '')),
    [
      'more',
      'emf',
      'maxSeries',
      'remoteWrite.url',
      'remoteWrite.tokenSecret',
      'remoteWrite.sigv4Region',
      'remoteWrite',
      'remoteWrite.timeoutMs',
      'remoteWrite.protobufMessage',
      'otlp.url',
      'otlp.headers.Authorization',
      'otlp.temporality',
      'otlp.histogram',
    ],
  );
  assert.ok(!JSON.stringify(problems).includes('hunter2'));
});
