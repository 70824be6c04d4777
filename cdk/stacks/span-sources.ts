import { ArnFormat, type Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping, CfnPermission, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { CfnSubscriptionFilter } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type {
  BucketSource,
  KafkaSource,
  LogGroupSource,
  QueueSource,
  SpanSourcesConfig,
  StreamSource,
} from '../../lib/model/config/traces.ts';

interface Wiring {
  readonly stack: Stack;
  readonly collect: LambdaFunction;
  readonly role: Role;
  /** Takes what could not be read in the end. */
  readonly failures: IQueue;
}

/** Lets the function read the span sources of a configuration: mappings, subscriptions, and grants for exactly those. */
export const wireSpanSources = (wiring: Wiring, sources: SpanSourcesConfig): void => {
  const { collect, role, failures } = wiring;
  const { logGroups = [], streams = [], kafka = [], queues = [], buckets = [] } = sources;
  for (const [index, group] of logGroups.entries()) subscribe(wiring, `SpanLogs${index}`, group);
  for (const [index, stream] of streams.entries()) readStream(wiring, `SpanStream${index}`, stream);
  for (const [index, cluster] of kafka.entries()) readTopics(wiring, `SpanTopics${index}`, cluster);
  for (const [index, queue] of queues.entries()) readQueue(wiring, `SpanQueue${index}`, queue);
  for (const [index, bucket] of buckets.entries()) readBucket(wiring, `SpanBucket${index}`, bucket);
  const keys = [...streams, ...queues, ...buckets].flatMap(({ keyArn }) => (keyArn === undefined ? [] : [keyArn]));
  grant(role, ['kms:Decrypt'], keys);
  if (streams.length + kafka.length > 0) failures.grantSendMessages(role);
  // Nobody waits for an answer to log deliveries and notifications of S3; Lambda tries those twice more by itself.
  if (logGroups.length > 0 || buckets.some(({ via }) => via === 'function')) {
    collect.configureAsyncInvoke({ retryAttempts: 2, onFailure: new SqsDestination(failures) });
  }
};

const subscribe = ({ stack, collect }: Wiring, id: string, { name, filterPattern }: LogGroupSource): void => {
  const group = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: `${name}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const permission = allow(stack, id, collect, 'logs.amazonaws.com', group);
  const filter = new CfnSubscriptionFilter(stack, `${id}Filter`, {
    logGroupName: name,
    destinationArn: collect.functionArn,
    // Everything in aws/spans is a span; elsewhere only what a stdout exporter marked is one.
    filterPattern: filterPattern ?? (name === 'aws/spans' ? '' : '{ $.__otel_otlp_stdout = * }'),
  });
  filter.addResourceDependency(permission);
};

/** A record that fails is tried again by itself, thrice, and then told to `failures`; it does not hold up its shard for a day. */
const streamErrors = ({ failures }: Wiring) => ({
  bisectBatchOnFunctionError: true,
  maximumRetryAttempts: 3,
  functionResponseTypes: ['ReportBatchItemFailures'],
  destinationConfig: { onFailure: { destination: failures.queueArn } },
});

const startOf = (from: 'latest' | 'oldest' = 'latest') => (from === 'latest' ? 'LATEST' : 'TRIM_HORIZON');

const readStream = (wiring: Wiring, id: string, { arn, from, batchSize = 100, parallel = 1 }: StreamSource): void => {
  const { stack, collect, role } = wiring;
  new CfnEventSourceMapping(stack, id, {
    functionName: collect.functionName,
    eventSourceArn: arn,
    startingPosition: startOf(from),
    batchSize,
    maximumBatchingWindowInSeconds: 1,
    parallelizationFactor: parallel,
    ...streamErrors(wiring),
  }).node.addDependency(role);
  const actions = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'];
  grant(
    role,
    actions.map((action) => `kinesis:${action}`),
    [arn],
  );
};

const readTopics = (wiring: Wiring, id: string, source: KafkaSource): void => {
  const { stack, collect, role } = wiring;
  const { cluster, bootstrapServers = [], topics, consumerGroup = 'tidemark', from, maxPollers = 5 } = source;
  const group = { consumerGroupId: consumerGroup };
  new CfnEventSourceMapping(stack, id, {
    functionName: collect.functionName,
    topics: [...topics],
    startingPosition: startOf(from),
    batchSize: 100,
    maximumBatchingWindowInSeconds: 1,
    ...(cluster === undefined
      ? {
          selfManagedEventSource: { endpoints: { kafkaBootstrapServers: [...bootstrapServers] } },
          selfManagedKafkaEventSourceConfig: group,
        }
      : { eventSourceArn: cluster, amazonManagedKafkaEventSourceConfig: group }),
    ...accessOf(stack, source),
    // Failures are reported record by record, and retries end, in provisioned mode only.
    provisionedPollerConfig: { minimumPollers: 1, maximumPollers: maxPollers },
    ...streamErrors(wiring),
  }).node.addDependency(role);
  grantTopics(role, stack, source, consumerGroup);
};

const mechanisms = {
  'scram-512': 'SASL_SCRAM_512_AUTH',
  'scram-256': 'SASL_SCRAM_256_AUTH',
  plain: 'BASIC_AUTH',
} as const;

/** Absent for an MSK cluster that is read with the role itself. */
const accessOf = (
  stack: Stack,
  { secret, mechanism = 'scram-512', subnets = [], securityGroups = [] }: KafkaSource,
): { sourceAccessConfigurations?: { type: string; uri: string }[] } => {
  const list = [
    ...(secret === undefined ? [] : [{ type: mechanisms[mechanism], uri: secretArn(stack, secret) }]),
    ...subnets.map((subnet) => ({ type: 'VPC_SUBNET', uri: `subnet:${subnet}` })),
    ...securityGroups.map((group) => ({ type: 'VPC_SECURITY_GROUP', uri: `security_group:${group}` })),
  ];
  return list.length === 0 ? {} : { sourceAccessConfigurations: list };
};

const secretArn = (stack: Stack, reference: string): string =>
  stack.formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: reference.slice('secretsmanager:'.length),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

const grantTopics = (role: Role, stack: Stack, source: KafkaSource, consumerGroup: string): void => {
  const { cluster, topics, secret, subnets } = source;
  // Secrets Manager appends six random characters to a secret's name in its ARN; six question marks match them and no more.
  if (secret !== undefined) grant(role, ['secretsmanager:GetSecretValue'], [`${secretArn(stack, secret)}-??????`]);
  if (cluster !== undefined) {
    grant(role, ['kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'], [cluster]);
    const [base = '', path = ''] = cluster.split(':cluster/');
    grant(role, ['kafka-cluster:Connect', 'kafka-cluster:DescribeClusterDynamicConfiguration'], [cluster]);
    const named = (kind: string, name: string) => `${base}:${kind}/${path}/${name}`;
    const read = topics.map((topic) => named('topic', topic));
    grant(role, ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'], read);
    const groups = [named('group', consumerGroup)];
    grant(role, ['kafka-cluster:DescribeGroup', 'kafka-cluster:AlterGroup'], groups);
  }
  if (cluster === undefined && subnets === undefined) return;
  grant(
    role,
    [
      'CreateNetworkInterface',
      'DeleteNetworkInterface',
      'DescribeNetworkInterfaces',
      'DescribeSecurityGroups',
      'DescribeSubnets',
      'DescribeVpcs',
    ].map((action) => `ec2:${action}`),
    ['*'],
  );
  acknowledge(
    role,
    '*',
    'Pollers join the network of the brokers; the EC2 actions for it know no resources that could be named before.',
  );
};

const readQueue = ({ stack, collect, role }: Wiring, id: string, { arn }: QueueSource): void => {
  new CfnEventSourceMapping(stack, id, {
    functionName: collect.functionName,
    eventSourceArn: arn,
    batchSize: 10,
    functionResponseTypes: ['ReportBatchItemFailures'],
    scalingConfig: { maximumConcurrency: 20 },
  }).node.addDependency(role);
  const actions = ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'];
  grant(
    role,
    actions.map((action) => `sqs:${action}`),
    [arn],
  );
};

const readBucket = ({ stack, collect, role }: Wiring, id: string, { name, prefix = '', via }: BucketSource): void => {
  const bucket = `arn:${stack.partition}:s3:::${name}`;
  grant(role, ['s3:GetObject'], [`${bucket}/${prefix}*`]);
  acknowledge(
    role,
    `arn:<AWS::Partition>:s3:::${name}/${prefix}*`,
    'Objects that the configuration names by their prefix; their keys are made by a Collector.',
  );
  if (via === 'function') allow(stack, id, collect, 's3.amazonaws.com', bucket);
};

/** Only that source, and only when it belongs to this account: a service's name alone would let in anybody's. */
const allow = (stack: Stack, id: string, { functionArn }: LambdaFunction, principal: string, sourceArn: string) =>
  new CfnPermission(stack, `${id}Permission`, {
    action: 'lambda:InvokeFunction',
    functionName: functionArn,
    principal,
    sourceArn,
    sourceAccount: stack.account,
  });

const grant = (role: Role, actions: string[], resources: string[]): void => {
  if (resources.length > 0) role.addToPolicy(new PolicyStatement({ actions, resources: [...new Set(resources)] }));
};

const acknowledge = (role: Role, resource: string, reason: string): void =>
  Validations.of(role).acknowledge({ id: `AwsSolutions::AwsSolutions-IAM5[Resource::${resource}]`, reason });
