import type { SpanSourcesConfig } from '../../lib/model/config/traces.ts';

const cluster = 'arn:aws:kafka:eu-west-1:111122223333:cluster/telemetry/12345678-1234-1234-1234-123456789012-4';

/** Every kind of source at once. */
export const spanSources = {
  logGroups: [{ name: 'aws/spans' }, { name: '/aws/lambda/orders' }],
  streams: [
    {
      arn: 'arn:aws:kinesis:eu-west-1:111122223333:stream/spans',
      from: 'oldest',
      keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/1234',
    },
  ],
  kafka: [
    { cluster, topics: ['otlp_spans'] },
    {
      bootstrapServers: ['broker:9096'],
      topics: ['otlp_spans'],
      secret: 'secretsmanager:kafka/reader',
      subnets: ['subnet-1a'],
      securityGroups: ['sg-1a'],
    },
  ],
  queues: [{ arn: 'arn:aws:sqs:eu-west-1:111122223333:other-spans' }],
  buckets: [
    { name: 'telemetry', prefix: 'traces/' },
    { name: 'by-queue', via: 'queue' },
    { name: 'direct', via: 'function' },
  ],
} as const satisfies SpanSourcesConfig;
