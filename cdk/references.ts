import { type Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Config } from '../lib/model/config.ts';

/**
 * What a configuration refers to outside of tidemark (queues, clusters, secrets), found by form wherever it stands, and the
 * grants for exactly those. A value that looks like a reference but is none would only grant nothing.
 */
export const referencesOf = (config: Config, stack: Stack) => {
  const inWatermarks = stringsOf(config.watermarks);
  const inAlerts = stringsOf(config.alerts);
  const inTelemetry = stringsOf(config.telemetry);
  return {
    grantWatermarks: (role: Role) => {
      const queues = inWatermarks.filter((text) => /^arn:[^:]+:sqs:/.test(text));
      grant(role, ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl'], queues);
      grant(role, ['sqs:ReceiveMessage'], peeked(config));
      const clusters = membersOf(config.watermarks, 'eks').map((name) =>
        stack.formatArn({ service: 'eks', resource: 'cluster', resourceName: name }),
      );
      grant(role, ['eks:DescribeCluster'], clusters);
      grantSecrets(role, stack, inWatermarks);
      grantMetrics(role, stack, config);
    },
    grantAlerts: (role: Role) => grantSecrets(role, stack, inAlerts),
    /** Tokens and headers of whoever is told the metrics of traces, and leave to write to a workspace of Amazon Managed Prometheus. */
    grantTraceMetrics: (role: Role) => {
      const { otlp, remoteWrite } = config.traces?.metrics ?? {};
      grantSecrets(role, stack, stringsOf({ otlp, remoteWrite }));
      grant(role, ['aps:RemoteWrite'], workspacesOf(stack, [otlp, remoteWrite]));
    },
    /** Keys of tokens, headers of back ends, and leave to write where requests are signed for CloudWatch. */
    grantTelemetry: (role: Role) => {
      grantSecrets(role, stack, inTelemetry);
      grantTraces(role, config);
    },
  };
};

const grant = (role: Role, actions: string[], resources: string[]): void => {
  if (resources.length > 0) role.addToPolicy(new PolicyStatement({ actions, resources: [...new Set(resources)] }));
};

const grantSecrets = (role: Role, stack: Stack, texts: readonly string[]): void => {
  const named = (scheme: string) =>
    texts.filter((text) => text.startsWith(scheme)).map((text) => text.slice(scheme.length));
  grant(
    role,
    ['secretsmanager:GetSecretValue'],
    // Secrets Manager appends six random characters to a secret's name in its ARN; six question marks match them and no more.
    named('secretsmanager:').map(
      (name) => `arn:${stack.partition}:secretsmanager:${stack.region}:${stack.account}:secret:${name}-??????`,
    ),
  );
  grant(
    role,
    ['ssm:GetParameter'],
    named('ssm:').map(
      (name) => `arn:${stack.partition}:ssm:${stack.region}:${stack.account}:parameter/${name.replace(/^\//, '')}`,
    ),
  );
};

/** Queues that may be looked into for a trace: those that say so, and all that a rule watches as dead-letter queues. */
const peeked = ({ watermarks }: Config): string[] => {
  const { rules = {}, queues = [] } = watermarks ?? {};
  const watchers = Object.values(rules).filter(({ gauge }) => gauge === 'queue-dead-letters');
  return queues
    .filter(({ arn, peek }) => {
      const name = arn.split(':').at(-1);
      return peek ?? watchers.some(({ selector }) => selector?.['queue'] === undefined || selector['queue'] === name);
    })
    .map(({ arn }) => arn);
};

/** Gauges that CloudWatch answers; the age of a queue's oldest message is a metric, not an attribute. */
const metricGauges = ['queue-age', 'cloudwatch'];

const grantMetrics = (role: Role, stack: Stack, { watermarks }: Config): void => {
  const { rules = {}, prometheus = {} } = watermarks ?? {};
  if (Object.values(rules).some(({ gauge }) => metricGauges.includes(gauge))) {
    role.addToPolicy(new PolicyStatement({ actions: ['cloudwatch:GetMetricData'], resources: ['*'] }));
    Validations.of(role).acknowledge({
      id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
      reason: 'cloudwatch:GetMetricData knows no resources; it reads figures and nothing else.',
    });
  }
  grant(role, ['aps:QueryMetrics'], workspacesOf(stack, Object.values(prometheus)));
};

/** The OTLP endpoint of X-Ray; its action knows no resources. */
const grantTraces = (role: Role, { telemetry }: Config): void => {
  const signed = Object.values(telemetry?.backEnds ?? {}).some(
    ({ url, signFor }) => signFor === 'xray' || /^https:\/\/xray\.[a-z0-9-]+\.amazonaws\.com/.test(url),
  );
  if (!signed) return;
  role.addToPolicy(new PolicyStatement({ actions: ['xray:PutTraceSegments'], resources: ['*'] }));
  Validations.of(role).acknowledge({
    id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
    reason: 'Writing spans to X-Ray knows no resources; it reads nothing.',
  });
};

/** ARNs of the managed workspaces among servers that are signed for. */
const workspacesOf = (
  stack: Stack,
  servers: readonly ({ readonly url: string; readonly sigv4Region?: string } | undefined)[],
): string[] =>
  servers.flatMap((server) => {
    const id = /\/workspaces\/(ws-[0-9a-f-]+)/.exec(server?.url ?? '')?.[1];
    if (id === undefined || server?.sigv4Region === undefined) return [];
    return [`arn:${stack.partition}:aps:${server.sigv4Region}:${stack.account}:workspace/${id}`];
  });

const stringsOf = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsOf);
};

const membersOf = (value: unknown, key: string): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === 'string' ? [inner] : membersOf(inner, key),
  );
};
