import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type FunctionProps, Function as LambdaFunction, LoggingFormat } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnQueue, type IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { Failure } from '../../lib/model/failure.ts';

export interface TracedConsumerProps {
  readonly queue: IQueue;
  /** The function; its timeout is required, since the queue's visibility hangs on it. */
  readonly function: Omit<FunctionProps, 'role' | 'logGroup' | 'loggingFormat' | 'timeout'> & {
    readonly timeout: Duration;
  };
  /** Messages in a batch. @default 10 */
  readonly batchSize?: number;
  /** How long to wait for a batch to fill. @default not at all */
  readonly maxBatchingWindow?: Duration;
  /** Batches at a time, 2 to 1000. @default as many as Lambda allows */
  readonly maxConcurrency?: number;
  /** Days, weeks, … that logs are kept. @default a month */
  readonly logRetention?: RetentionDays;
}

/**
 * A function that consumes a queue record by record: partial batch failures are on, so that one record's failure is its own
 * (`eachRecord` answers them), its role may write to its own log group alone, and what it logs is JSON.
 */
export class TracedConsumer extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: TracedConsumerProps) {
    super(scope, id);
    const { queue, batchSize = 10, maxBatchingWindow, maxConcurrency } = props;
    refuseShortVisibility(queue, props.function.timeout, this.node.path);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(this.role);
    this.function = new LambdaFunction(this, 'Function', {
      ...props.function,
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
    });
    this.function.addEventSource(
      new SqsEventSource(queue, {
        batchSize,
        reportBatchItemFailures: true,
        ...(maxBatchingWindow === undefined ? {} : { maxBatchingWindow }),
        ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
      }),
    );
  }
}

/** A queue made elsewhere keeps its own counsel; one of this app is checked. */
const refuseShortVisibility = (queue: IQueue, timeout: Duration, where: string): void => {
  const made = queue.node.defaultChild;
  if (!(made instanceof CfnQueue)) return;
  const seconds = made.visibilityTimeout ?? 30;
  const least = timeout.toSeconds() * 6;
  if (seconds < least) {
    throw new Failure(
      'misconfigured',
      `the queue hides messages for ${seconds} s; at least ${least} s are needed, six times the function's timeout`,
      { where },
    );
  }
};
