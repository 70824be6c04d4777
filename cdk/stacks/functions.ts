import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  type Architecture,
  type Code,
  type FunctionUrl,
  FunctionUrlAuthType,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Config } from '../../lib/model/config.ts';
import { environmentKeys } from '../../lib/model/environment.ts';
import { referencesOf } from '../references.ts';
import type { MessagingStack } from './messaging.ts';
import { wireSpanSources } from './span-sources.ts';
import type { StateStack } from './state.ts';
import { functionTimeouts } from './timeouts.ts';

export interface FunctionsStackProps extends StackProps {
  readonly config: Config;
  readonly messaging: MessagingStack;
  readonly state: StateStack;
  readonly architecture: Architecture;
  /** The code of one function of `functions/`. */
  readonly code: (functionName: string) => Code;
  /** More environment for every function: local runs compress their windows with it. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The four functions, what sets them off, and what each may do. */
export class FunctionsStack extends Stack {
  readonly collectUrl: FunctionUrl;
  readonly deliverUrl: FunctionUrl;

  constructor(scope: Construct, id: string, props: FunctionsStackProps) {
    super(scope, id, props);
    const { config, messaging, state, environment = {} } = props;
    const { bus, ticks, readings, spans, windows, alerts, alertsDeadLetters, undeliverable } = messaging;
    const { table, bucket } = state;

    const references = referencesOf(config, this);
    const made = (
      name: string,
      memorySize: number,
      timeout: Duration,
      grants: (role: Role) => void,
      own: Record<string, string>,
    ) => {
      const logGroup = new LogGroup(this, `${name}-logs`, {
        logGroupName: `/aws/lambda/tidemark-${name}`,
        retention: RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      });
      // A role of its own instead of AWSLambdaBasicExecutionRole: that one may write to every log group of the account.
      const role = new Role(this, `${name}-role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
      logGroup.grantWrite(role);
      grants(role);
      return new LambdaFunction(this, name, {
        functionName: `tidemark-${name}`,
        runtime: Runtime.NODEJS_24_X,
        architecture: props.architecture,
        handler: 'index.handler',
        code: props.code(name),
        memorySize,
        timeout,
        role,
        logGroup,
        loggingFormat: LoggingFormat.JSON,
        // Our own spans travel by OTLP; active X-Ray tracing would add a second, disconnected trace of every invocation.
        tracing: Tracing.DISABLED,
        environment: { ...environment, ...own },
      });
    };
    const consume = (
      target: LambdaFunction,
      queue: Queue,
      batchSize: number,
      maxConcurrency: number,
      windowSeconds = 0,
    ) =>
      target.addEventSource(
        new SqsEventSource(queue, {
          batchSize,
          maxConcurrency,
          reportBatchItemFailures: true,
          ...(windowSeconds === 0 ? {} : { maxBatchingWindow: Duration.seconds(windowSeconds) }),
        }),
      );
    const key = environmentKeys;

    // 512 MB: memory is a few megabytes, but CPU comes with it and a cold start below costs more than it saves.
    const evaluate = made(
      'evaluate-watermarks',
      512,
      functionTimeouts.evaluateWatermarks,
      (role) => {
        table.grantReadWriteData(role);
        bus.grantPutEventsTo(role);
        references.grantWatermarks(role);
        references.grantTelemetry(role);
      },
      { [key.table]: table.tableName, [key.bus]: bus.eventBusName },
    );
    consume(evaluate, ticks, 1, 2);
    consume(evaluate, readings, 100, 5, 1);

    // 1024 MB: a 6 MB body is decompressed and decoded in memory.
    const collect = made(
      'collect-spans',
      1024,
      functionTimeouts.collectSpans,
      (role) => {
        table.grantReadWriteData(role);
        role.addManagedPolicy(state.writeSpans);
        windows.grantSendMessages(role);
        references.grantTelemetry(role);
      },
      { [key.table]: table.tableName, [key.bucket]: bucket.bucketName, [key.windowsQueue]: windows.queueUrl },
    );
    consume(collect, spans, 10, 20);
    wireSpanSources(
      { stack: this, collect, role: collect.role as Role, failures: spans.deadLetterQueue?.queue as Queue },
      config.traces?.sources ?? {},
    );
    this.collectUrl = collect.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });

    // 1769 MB: one whole CPU, since scoring a window is all computation.
    const score = made(
      'score-traces',
      1769,
      functionTimeouts.scoreTraces,
      (role) => {
        table.grantReadWriteData(role);
        role.addManagedPolicy(state.readSpansWriteReports);
        references.grantTraceMetrics(role);
        bus.grantPutEventsTo(role);
        // Windows that are too large to be scored at once come back in parts.
        windows.grantSendMessages(role);
      },
      {
        [key.table]: table.tableName,
        [key.bucket]: bucket.bucketName,
        [key.bus]: bus.eventBusName,
        [key.windowsQueue]: windows.queueUrl,
      },
    );
    consume(score, windows, 1, 10);

    const showsPictures = Object.values(config.alerts?.receivers ?? {}).some(({ picture }) => picture === true);
    // 512 MB: it waits for destinations most of the time.
    const deliver = made(
      'deliver-alerts',
      512,
      functionTimeouts.deliverAlerts,
      (role) => {
        table.grantReadWriteData(role);
        alerts.grantSendMessages(role);
        alertsDeadLetters.grantSendMessages(role);
        references.grantAlerts(role);
        if (showsPictures) role.addManagedPolicy(state.readReports());
        references.grantTelemetry(role);
      },
      {
        [key.table]: table.tableName,
        ...(showsPictures ? { [key.bucket]: bucket.bucketName } : {}),
        [key.alertsQueue]: alerts.queueUrl,
        [key.alertsDeadLetters]: alertsDeadLetters.queueUrl,
      },
    );
    consume(deliver, alerts, 10, 10);
    const { bearer, hmac } = config.alerts?.inbound ?? {};
    // Alertmanager and Grafana cannot sign for IAM: where a token or an HMAC is configured, the function itself checks it, in
    // constant time and before it reads anything else. Where none is, nobody gets in but by IAM.
    const checksItself = bearer !== undefined || hmac !== undefined;
    this.deliverUrl = deliver.addFunctionUrl({
      authType: checksItself ? FunctionUrlAuthType.NONE : FunctionUrlAuthType.AWS_IAM,
    });

    this.#ticks(ticks, undeliverable);
    new CfnOutput(this, 'CollectSpansUrl', { value: this.collectUrl.url });
    new CfnOutput(this, 'DeliverAlertsUrl', { value: this.deliverUrl.url });
    acknowledge(this);
  }

  /** Scheduler fires once a minute at best; the second tick of a minute is the same message with a delay of 30 s. */
  #ticks(queue: Queue, undeliverable: Queue): void {
    const role = new Role(this, 'TicksRole', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn, undeliverable.queueArn] }),
    );
    for (const offsetSeconds of [0, 30]) {
      new CfnSchedule(this, `Tick${offsetSeconds}`, {
        name: `tidemark-tick-${offsetSeconds}`,
        scheduleExpression: 'rate(1 minute)',
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          // The plain SQS target cannot delay a message; the universal target passes SendMessage's own parameters.
          arn: `arn:${this.partition}:scheduler:::aws-sdk:sqs:sendMessage`,
          roleArn: role.roleArn,
          input: this.toJsonString({
            QueueUrl: queue.queueUrl,
            DelaySeconds: offsetSeconds,
            MessageBody: `{"tick":"<aws.scheduler.scheduled-time>","offsetSeconds":${offsetSeconds}}`,
          }),
          // A tick that comes late is superseded by the next one.
          retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 2 },
          deadLetterConfig: { arn: undeliverable.queueArn },
        },
      });
    }
  }
}

/** What the rule packs find here and why it stays. */
const acknowledge = (stack: FunctionsStack): void =>
  Validations.of(stack).acknowledge(
    {
      id: 'Serverless::Serverless-LambdaDLQ',
      reason:
        'Every function is invoked by SQS or synchronously by its URL; a dead-letter target of the function serves asynchronous invokes only. The queues have theirs.',
    },
    {
      id: 'Serverless::Serverless-LambdaEventSourceMappingDestination',
      reason:
        'SQS mappings know no failure destination; each queue has a dead-letter queue with a redrive policy instead.',
    },
    {
      id: 'Serverless::Serverless-LambdaTracing',
      reason:
        'Spans travel by OTLP. X-Ray tracing of the runtime would add a second, disconnected trace to every invocation.',
    },
  );
